/* SPDX-License-Identifier: MIT */
/*
 * What the members of a group had together, in the order of ticks. Pure; one owner, one thread.
 *
 * The sum stands tick by tick; where roll-ups are read, for each of their pieces of time. Of these
 * the average is exact; max is not below and min not above what the sum had at any tick, because
 * members need not have had theirs at the same one.
 *
 * A member counts from its first tick to its last. Where it was there and its value is not known,
 * it counts with the last one that was known: a sum does not fall because somebody could not be
 * read. Before the first known value it counts with that one, but no more than GROUP_SUM_BACK_TICKS
 * back. Who was never known within the query does not count, and where nobody counts nothing is
 * known. The rows that restarts of the daemon made of one process are one member.
 *
 * PSS is read now and then. Of a newcomer it counts only from its own first reading on: what it
 * shares is in the PSS of its parent until then. From there to the next reading of the parent it is
 * in both; what is stored does not tell.
 */
#ifndef MEMTEND_STORAGE_GROUP_SUM_H
#define MEMTEND_STORAGE_GROUP_SUM_H

#include "storage/buckets.h"
#include "storage/column.h"
#include "storage/tick_set.h"

#include <stdbool.h>

/* The daemon's first round of deep readings is over by then. */
#define GROUP_SUM_BACK_TICKS 600

/* Of the group, or of the member that is being added. */
struct group_slot {
    double count; /* ticks known; of the group: members counted */
    double sum;   /* of the member over those ticks; of the group the sum of averages */
    int64_t min, max, last;
};

struct group_sum {
    const struct tick_set *ticks; /* that the sum is about */
    int64_t slot_ticks;           /* a slot is so many ticks; none crosses a multiple of it */
    size_t count;
    size_t *offsets; /* the first slot of each range */
    struct group_slot *slots, *member;
    size_t hint; /* the range looked at last */
};

/* The ticks must not change meanwhile. -ENOMEM. */
int group_sum_init(struct group_sum *sum, const struct tick_set *ticks, int64_t slot_ticks);
void group_sum_finish(struct group_sum *sum); /* safe on a zeroed one */

/* One member: its values in any order, each tick once, then the end. Ticks that the sum is not
 * about are left out. */
void group_sum_tick(struct group_sum *sum, int64_t tick, int64_t value);
/* The same of several ticks in a row; some of them may be unknown. */
void group_sum_entry(struct group_sum *sum, struct tick_range ticks,
                     const struct column_summary *known);
/* `life`: when it was there. `back`: it counts before its first known value too. */
void group_sum_member_end(struct group_sum *sum, struct tick_range life, bool back);

/* false: nobody counts there. */
bool group_sum_slot(const struct group_sum *sum, size_t slot, struct tick_range *ret_ticks,
                    struct bucket_entry *ret_entry);

#endif
