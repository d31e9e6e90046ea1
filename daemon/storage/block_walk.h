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
    uint32_t member;               /* of a group: rows of one process have the same number */
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

/* --- for those that visit pieces themselves -------------------------------------------------- */

/* What a roll-up has of one metric, into the reader's slots, one for each kind. -ENOENT: nothing.
 */
int block_walk_kinds(struct block_reader *reader, const struct block_piece *piece, uint16_t code);
/* One entry of those. false: nothing is known. */
bool block_walk_entry(const struct block_reader *reader, size_t i,
                      struct column_summary *ret_entry);
/* The ticks of an entry; the last one of a block may be short. */
struct tick_range block_walk_ticks(const struct block_piece *piece, size_t i);
/* The first entry that has ticks of the piece. */
size_t block_walk_first(const struct block_piece *piece);
/* The time of some ticks, and what is known in it. */
void block_walk_add_entry(const struct timeline *timeline, struct tick_range ticks,
                          const struct bucket_entry *entry, struct buckets *buckets);

#endif
