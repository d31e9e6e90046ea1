/* SPDX-License-Identifier: MIT */
/*
 * Reads the history of targets and drops each value, with the time it held, into the buckets of its
 * metric. Wall times are read once, from the host's blocks, for all targets. A clock may have been
 * set: the ticks of one time need not be in a row. Reader thread, inside a read transaction.
 *
 * Where the steps of the grid are an hour of ticks or more, hours of roll-ups are read, from a
 * minute on minutes; at the edges of a query, and of a step, these are as coarse as themselves.
 */
#ifndef MEMTEND_STORAGE_BLOCK_WALK_H
#define MEMTEND_STORAGE_BLOCK_WALK_H

#include "storage/block_reader.h"
#include "storage/buckets.h"
#include "storage/timeline.h"

/* One row of table process: a run of the daemon in which a target was there. */
struct block_walk_row {
    int64_t row;
    int64_t first_tick, last_tick; /* last: INT64_MAX while it lives */
};

struct block_walk {
    struct block_reader *reader;
    struct timeline timeline;
    struct tick_set ticks; /* of the timeline */
    enum block_level level;
};

/* Reads the times. Nothing known at all is no error. -ENOMEM, -E2BIG, -EUCLEAN. */
int block_walk_begin(struct block_walk *walk, struct block_reader *reader,
                     const struct bucket_grid *grid, uint64_t tick_usec);
void block_walk_finish(struct block_walk *walk); /* safe on a zeroed one */

/* `buckets`: one for each of the metrics. Those that are not stored stay empty. */
int block_walk_row(struct block_walk *walk, const struct block_walk_row *row,
                   const enum metric *metrics, size_t metric_count, struct buckets *buckets);

#endif
