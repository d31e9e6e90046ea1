/* SPDX-License-Identifier: MIT */
/*
 * History of one metric of one target, downsampled. Points are on the heap, owned by the holder.
 */
#ifndef MEMTEND_MODEL_SERIES_H
#define MEMTEND_MODEL_SERIES_H

#include "model/metric.h"
#include "model/target.h"

#include <stdbool.h>

enum series_aggregate {
    SERIES_AVG,
    SERIES_MIN,
    SERIES_MAX,
    SERIES_LAST,
    SERIES_RANGE, /* [ms, min, max] */
};

struct series_point {
    int64_t wall_msec;
    bool gap;           /* nothing known from here to the next point; one per gap */
    int64_t value, max; /* value = min for SERIES_RANGE; max only there */
};

struct series {
    struct target target;
    enum metric metric;
    size_t count;
    struct series_point *points;
};

#define SERIES_POINTS_LIMIT  2000
#define SERIES_METRICS_LIMIT 8
#define SERIES_TARGETS_LIMIT 8

struct series_query {
    size_t target_count;
    struct target targets[SERIES_TARGETS_LIMIT];
    size_t metric_count;
    enum metric metrics[SERIES_METRICS_LIMIT];
    uint64_t from_wall_usec, to_wall_usec;
    size_t points; /* at most so many per series, 1..SERIES_POINTS_LIMIT */
    enum series_aggregate aggregate;
};

struct series_result {
    double step_seconds;
    size_t count;
    struct series *series; /* target_count * metric_count, those with data */
};

void series_result_finish(struct series_result *result);
int series_aggregate_find(const char *name, enum series_aggregate *ret_aggregate); /* -ENOENT */

#endif
