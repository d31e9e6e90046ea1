/* SPDX-License-Identifier: MIT */
/*
 * Downsampling: pieces of time with a value, or with what is known of many, go in, in any order; at
 * most so many points come out. Averages are weighted by time; extremes stay visible in min, max
 * and range; a run of buckets about which nothing is known becomes one gap. Pure.
 */
#ifndef MEMTEND_STORAGE_BUCKETS_H
#define MEMTEND_STORAGE_BUCKETS_H

#include "model/series.h"

#include <stdint.h>

/* The buckets of a query: all its series have the same. */
struct bucket_grid {
    uint64_t from_usec, to_usec; /* wall, of the query */
    uint64_t first_usec;         /* start of the first bucket, <= from_usec */
    uint64_t step_usec;
    size_t count;
};

struct bucket {
    double weighted; /* sum of value times usec */
    double weight;   /* usec; 0 = nothing known */
    int64_t min, max, last;
    uint64_t last_usec; /* end of the piece that `last` is from */
};

/* What a roll-up says of a piece of time. */
struct bucket_entry {
    double average;
    double share; /* of that time, for which it is known: above 0, up to 1 */
    int64_t min, max, last;
};

/* `count` of them, zeroed. */
struct buckets {
    const struct bucket_grid *grid;
    struct bucket *buckets;
};

/* Steps are whole ticks and begin at multiples of the step, so that a chart that is drawn again a
 * second later has the same points. */
struct bucket_grid bucket_grid_of(const struct series_query *query, uint64_t tick_usec);

/* The value was so from start to end; what lies outside the query is cut off. */
void buckets_add(struct buckets *buckets, uint64_t start_usec, uint64_t end_usec, int64_t value);
/* The same for many values. Where in that time each of them was is not known: a bucket that has
 * some of it gets the extremes of all of it. */
void buckets_add_entry(struct buckets *buckets, uint64_t start_usec, uint64_t end_usec,
                       const struct bucket_entry *entry);
/* On the heap; *ret_count 0 when nothing is known at all. -ENOMEM. */
int buckets_points(const struct buckets *buckets, enum series_aggregate aggregate,
                   size_t *ret_count, struct series_point **ret_points);

#endif
