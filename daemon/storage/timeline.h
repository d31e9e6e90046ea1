/* SPDX-License-Identifier: MIT */
/*
 * When ticks were, on the wall clock: made once for a query from the host's times, asked for every
 * process. Ticks are added in any order, each once; then timeline_settle() says how long each held.
 * Pure; one owner, one thread.
 *
 * A tick holds until the next one; the last before a gap for one period; the newest of all for as
 * long as a tick may be late. A clock that is set shows as one step between two ticks that is much
 * longer than those beside it, or goes back: then the tick holds as long as the one before it, and
 * the time that was skipped is unknown. In a longer period all steps are long.
 */
#ifndef MEMTEND_STORAGE_TIMELINE_H
#define MEMTEND_STORAGE_TIMELINE_H

#include "model/tick.h"
#include "storage/column.h"
#include "storage/tick_set.h"

/* Entries of one query: 33 h of seconds are 120,000; more when a clock was set back. 24 MiB. */
#define TIMELINE_RUNS_LIMIT 600000

/* Ticks in a row, evenly over their time. */
struct timeline_run {
    int64_t first_tick;
    uint32_t ticks;
    bool gap; /* nothing is known of the time before it */
    uint64_t start_usec, end_usec;
};

struct timeline {
    uint64_t tick_usec; /* the configured period */
    struct timeline_run *runs;
    size_t count, capacity;
};

/* What a roll-up says of the host's times: of the same ticks each. */
struct timeline_entry {
    struct tick_range ticks;
    struct tick_range wanted; /* those among them that there are and that are to be added */
    struct column_summary wall;
    int64_t mono_first_usec, mono_last_usec; /* of one boot when first < last */
    bool gap;                                /* at one of them at least */
};

void timeline_finish(struct timeline *timeline); /* safe on a zeroed one */

/* -ENOMEM; -E2BIG: more than TIMELINE_RUNS_LIMIT. */
int timeline_add_tick(struct timeline *timeline, int64_t tick, uint64_t wall_usec, bool gap);
int timeline_add_entry(struct timeline *timeline, const struct timeline_entry *entry);

/* Says until when each holds, and keeps those that hold within [from, to). `newest_tick`: of all
 * that there are; one that was not added counts as a gap. */
void timeline_settle(struct timeline *timeline, int64_t newest_tick, uint64_t from_usec,
                     uint64_t to_usec);
/* The ticks that are left. Errors as tick_set_add(). */
int timeline_ticks(const struct timeline *timeline, struct tick_set *ret_ticks);

/* The run that has this tick, or else the first behind it; timeline->count: there is none. */
size_t timeline_find(const struct timeline *timeline, int64_t tick);

#endif
