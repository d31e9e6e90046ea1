/* SPDX-License-Identifier: MIT */
/*
 * Sums of what each process had within a time: from what stands beside the blobs, and from the
 * shelf what is newer. Inner part of history_top.c. Reader thread.
 */
#ifndef MEMTEND_STORAGE_TOP_SUMS_H
#define MEMTEND_STORAGE_TOP_SUMS_H

#include "storage/history_state.h"
#include "storage/top_table.h"

/* When some ticks in a row were: the lowest and the highest wall time. */
struct top_span {
    int64_t first_tick, ticks;
    int64_t first_wall_usec, last_wall_usec;
};

struct top_sums {
    struct history *history;
    const struct top_query *query;
    bool pss, mean;
    struct top_table table;
    struct tick_set shelf_ticks; /* periods of the shelf, and below of the file, that touch the */
    struct tick_set ticks;       /* time of the query */
    uint64_t newest_wall_usec;   /* of all ticks */
    struct top_span shelf_spans[SHELF_CLOSING_LIMIT + 1];
    size_t shelf_span_count;
};

void top_sums_finish(struct top_sums *sums);

/* Before the transaction in which the file is read, so that nothing is in neither. Errors as
 * history_top(). */
int top_sums_shelf(struct top_sums *sums);
/* The rest, inside that transaction. */
int top_sums_file(struct top_sums *sums);

#endif
