/* SPDX-License-Identifier: MIT */
/*
 * What every message of the control socket is made of, as tables: one row a key. control_decode.c
 * and control_encode.c walk them, so reading and writing cannot disagree. Constant; any thread.
 */
#ifndef MEMTEND_WIRE_LAYOUT_H
#define MEMTEND_WIRE_LAYOUT_H

#include "wire/control.h"

#define LAYOUT_ANY_NUMBER INT64_MAX /* what every JSON reader of the other side can hold */

enum field_kind {
    FIELD_U64,
    FIELD_BOOL,
    FIELD_TEXT,
    FIELD_TRIPLE,  /* [n,n,n] of a uint64_t[3] */
    FIELD_CHOICE,  /* an enum by its name */
    FIELD_FLAGS,   /* [name,...] of a uint32_t; names we do not know are left out */
    FIELD_STEPS,   /* step_count and steps of struct control_run */
    FIELD_CLASSES, /* [n,...] of a struct control_classes */
    FIELD_HOLDERS, /* [text,...] of a struct control_holders */
};

struct field {
    const char *key;
    enum field_kind kind;
    bool required;
    uint32_t has; /* bit of the struct's `has` that says the value is known; 0: always known */
    size_t offset;
    size_t size;              /* of a text with its NUL */
    uint64_t maximum;         /* of a number */
    const char *const *names; /* of a choice or of flags, ends with NULL */
};

enum id_rule { ID_NONE, ID_REQUIRED, ID_OPTIONAL };

struct layout {
    const char *type;
    enum id_rule id;
    const struct field *fields;
    size_t count;
    size_t has_offset; /* of `has`, where a field has a bit in it */
};

/* Indexed by enum control_type. */
extern const struct layout layouts[];
extern const size_t layout_count;

/* A step's name is plain letters, so that it can stand in any text. */
bool layout_step_is_sound(const char *step);

#endif
