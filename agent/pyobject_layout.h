/* SPDX-License-Identifier: MIT */
/*
 * Where CPython keeps what: the words of an object and of its type that pyobject.c reads. GIL held;
 * everything is borrowed. Release builds with a GIL, 64 bit: layout_is_sound() finds others.
 */
#ifndef MEMTEND_AGENT_PYOBJECT_LAYOUT_H
#define MEMTEND_AGENT_PYOBJECT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bits of a type's tp_flags, the same in 2.7 and 3. */
#define LAYOUT_FLAG_HEAP  (UINT64_C(1) << 9) /* made at run time, as by `class` */
#define LAYOUT_FLAG_GC    (UINT64_C(1) << 14)
#define LAYOUT_FLAG_LIST  (UINT64_C(1) << 25)
#define LAYOUT_FLAG_TUPLE (UINT64_C(1) << 26)
#define LAYOUT_FLAG_BYTES (UINT64_C(1) << 27)
#define LAYOUT_FLAG_TEXT  (UINT64_C(1) << 28)
#define LAYOUT_FLAG_DICT  (UINT64_C(1) << 29)
#define LAYOUT_FLAG_TYPE  (UINT64_C(1) << 31)

typedef ssize_t layout_length(void *object);
typedef int layout_traverse_function(void *object, int (*visit)(void *referent, void *argument),
                                     void *argument);

/* Attribute values that an instance keeps without a dict. */
struct layout_values {
    const void *const *values;
    const void *const *keys; /* pairs of name and nothing */
    size_t count;
};

/* A member of an object that its type names, as of __slots__. */
struct layout_slot {
    const void *type; /* in: of the object; the type that has the slot */
    size_t next;      /* in: 0 */
    const char *name;
    void *value; /* NULL = not set */
};

/* As pyobject_load(). False: not a version known here. */
bool layout_load(void);
/* Do heads of objects look as they should? dict_type: &PyDict_Type. */
bool layout_is_sound(const void *dict_type);
/* Values without a dict are not where they should be: read none any more. */
void layout_forget_values(void);

/* ---- objects ---- */
const void *layout_type(const void *object);
bool layout_references(const void *object, uint64_t *ret_count);
/* ob_size of list, tuple and bytes, length of a str. */
ssize_t layout_size(const void *object);
/* Places that a look at all items goes through, free ones included; of a dict, and of a set. */
uint64_t layout_dict_room(const void *dict);
uint64_t layout_set_room(const void *set);
const char *layout_ascii(const void *text, size_t *ret_length);
void *layout_cell(const void *cell);
/* The dict of its attributes; NULL: none, and ret_values has what it keeps instead. */
void *layout_attributes(void *object, struct layout_values *ret_values);
void *layout_value(const struct layout_values *values, size_t index, const void **ret_name);
/* The next member of this object; false after the last. */
bool layout_next_slot(const void *object, struct layout_slot *slot);

/* ---- types ---- */
uint64_t layout_flags(const void *type);
const char *layout_type_name(const void *type);
bool layout_has_dict(const void *type);
/* A class in C, which Python code can neither make nor change. */
bool layout_is_c_class(const void *object);
bool layout_has_slots(const void *type);
layout_length *layout_length_function(const void *type);
layout_traverse_function *layout_traverse(const void *type);
void *layout_class_dict(const void *type);
/* Of a class or instance without `object` (2.7). */
void *layout_old_class_dict(const void *object);

#endif
