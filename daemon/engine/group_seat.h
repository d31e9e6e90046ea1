/* SPDX-License-Identifier: MIT */
/*
 * What engine/groups remembers of one process; a part of its struct tracked. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_GROUP_SEAT_H
#define MEMTEND_ENGINE_GROUP_SEAT_H

#include "model/family.h"

/* Of the family that its command line says (model/family). */
struct group_seat_label {
    enum group_kind kind;
    enum family_part part;
    const char *name; /* the table's; NULL = not known */
};

struct group_seat {
    bool seen;                              /* the three below are known */
    bool witnessed;                         /* it began under our eyes */
    bool base_read;                         /* base_uss_bytes too; at once when witnessed */
    bool decided;                           /* its group is right for what was known of it then */
    bool counted;                           /* its root knows that it was forked */
    bool heads;                             /* it has, or had, workers */
    uint32_t forked;                        /* members that it forked lately */
    uint32_t exec_count;                    /* when it was decided */
    uint32_t cgroup;                        /* likewise */
    uint32_t label_exec_count;              /* of the program that the label is of */
    uint64_t forked_usec;                   /* the last of those that it forked */
    int64_t base_rss_bytes, base_uss_bytes; /* what a worker began with (struct group_cow) */
    int64_t peak_rss_bytes;
    uint64_t uss_usec; /* of the reading from which the loss was worked out */
    struct group_seat_label label;
};

#endif
