/* SPDX-License-Identifier: MIT */
/*
 * The table of known causes of growth. A row names a module and either a class, whose objects the
 * walk hands in one by one, or none: then it is handed the module until it has nothing more to
 * say. What a row says never holds a value of the program: names of code, types and lengths.
 */
#ifndef MEMTEND_AGENT_SUSPECT_ROWS_H
#define MEMTEND_AGENT_SUSPECT_ROWS_H

#include "walk.h"
#include "wire/control.h"

/* The largest of a row; more of the same kind say nothing new. */
#define SUSPECT_ROW_FINDINGS 5

struct suspect_look {
    const struct walk *walk;
    void *object;                   /* the object, or the module */
    uint64_t deadline_usec;         /* what takes longer ends, and says what it has found */
    uint64_t round;                 /* the row's own, 0 at first */
    struct control_finding finding; /* to fill: text, count, path unless the walk's will do */
};

struct suspect_row {
    const char *module;
    const char *class; /* NULL: look at the module */
    /* True: the finding is filled. */
    bool (*look)(struct suspect_look *look);
};

extern const struct suspect_row suspect_rows[];
extern const size_t suspect_row_count;

#endif
