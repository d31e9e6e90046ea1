/* SPDX-License-Identifier: MIT */
/*
 * Retention, in steps of a few milliseconds: by age, and by the size of the file.
 */
#ifndef MEMTEND_STORAGE_EXPIRE_H
#define MEMTEND_STORAGE_EXPIRE_H

#include "storage/query.h"
#include "storage/store.h"

/*
 * The time by which events are old. A wall clock that goes ahead faster than the daemon runs may
 * have jumped: it is believed when it has been ahead for a day of running. Pure.
 */
struct expire_clock {
    uint64_t wall_usec, mono_usec; /* this was believed then; wall 0: not begun */
    uint64_t ahead_usec;           /* for so long the wall clock has been ahead */
};

void expire_clock_begin(struct expire_clock *clock, uint64_t wall_usec, uint64_t mono_usec);
/* What it would be had the daemon not been stopped, by the times of the newest ticks in the file.
 * A jump that is still on at a restart is as little believed as before it. */
int expire_clock_load(struct expire_clock *clock, struct queries *queries, int64_t newest_tick,
                      uint64_t tick_usec, uint64_t mono_usec);
uint64_t expire_clock_read(struct expire_clock *clock, uint64_t mono_usec, uint64_t wall_usec);

struct expire_now {
    int64_t newest_tick;
    uint64_t tick_usec;
    uint64_t wall_usec; /* by expire_clock_read() */
};

/* Old rows, some of each table, and at most ten events and receipts. In a transaction. *ret_more
 * false: there were none. */
int expire_by_age(struct queries *queries, const struct store_limits *limits,
                  const struct expire_now *now, bool *ret_more);

/*
 * One step towards giving `excess_bytes` back to the file system. Drops the oldest samples, then
 * roll-ups, then events, until so much and `slack_bytes` more is free inside the file; then
 * cuts the file by the excess. In a transaction. *ret_more false: nothing left to do.
 */
int expire_by_size(struct queries *queries, uint64_t excess_bytes, uint64_t slack_bytes,
                   bool *ret_more);

/* One step of giving back what is empty, where that is much of the file. In a transaction. */
int expire_spare(struct queries *queries, bool *ret_more);

#endif
