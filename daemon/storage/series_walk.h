/* SPDX-License-Identifier: MIT */
/*
 * Reads the history of one target from its newest row to its oldest and drops each value, with the
 * time it held, into the buckets of its metric. Reader thread, inside a read transaction.
 */
#ifndef MEMTEND_STORAGE_SERIES_WALK_H
#define MEMTEND_STORAGE_SERIES_WALK_H

#include "storage/buckets.h"
#include "storage/query.h"

struct series_walk {
    struct queries *queries;
    uint64_t tick_usec;
    const uid_t *owner; /* of the processes; NULL = anybody */
    size_t metric_count;
    const enum metric *metrics;
    struct buckets *buckets; /* one per metric, all on one grid */
};

/* Fills in what the target leaves open: the start of a pid. -EOPNOTSUPP for units and groups. */
int series_walk_run(const struct series_walk *walk, struct target *target);

#endif
