/* SPDX-License-Identifier: MIT */
/*
 * The table of settings: everything that knows a key, its default, its range or its help text gets
 * it from here. Private to config/.
 */
#ifndef MEMTEND_CONFIG_ITEMS_H
#define MEMTEND_CONFIG_ITEMS_H

#include "base/quantity.h"
#include "config/config.h"

struct items_item {
    const char *section, *key;
    /* Reads a value; error without a place. */
    int (*parse)(const struct items_item *item, const char *value, struct config *config,
                 struct error *error);
    size_t offset;       /* of the field in struct config */
    size_t size;         /* of a text field */
    int64_t low, high;   /* of a number, both allowed */
    const char *initial; /* the default, as written in a file */
    const char *range;   /* for people; NULL: low and high say it */
    const char *help;
    enum quantity_kind kind; /* of a number */
    bool absolute;           /* a file says a path from the root; the command line need not */
};

extern const struct items_item items_table[];
extern const size_t items_count;

/* NULL when there is none. */
const struct items_item *items_find(const char *section, const char *key);
bool items_has_section(const char *section);
/* Probably meant; NULL when nothing is near. */
const char *items_near_key(const char *section, const char *key);
const char *items_near_section(const char *section);
/* The section that has this key, NULL when none has. */
const char *items_section_of(const char *key);

#endif
