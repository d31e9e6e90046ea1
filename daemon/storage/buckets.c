/* SPDX-License-Identifier: MIT */
#include "storage/buckets.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct bucket_grid bucket_grid_of(const struct series_query *query, uint64_t tick_usec)
{
    struct bucket_grid grid = {.from_usec = query->from_wall_usec, .to_usec = query->to_wall_usec};
    uint64_t range = grid.to_usec - grid.from_usec;
    if (query->points < 2) {
        grid.first_usec = grid.from_usec;
        grid.step_usec = range;
        grid.count = 1;
        return grid;
    }
    /* A range that does not begin at a multiple of the step touches one bucket more. */
    uint64_t step = (range + query->points - 2) / (query->points - 1);
    uint64_t ticks = (step + tick_usec - 1) / tick_usec;
    grid.step_usec = (ticks > 0 ? ticks : 1) * tick_usec;
    grid.first_usec = grid.from_usec / grid.step_usec * grid.step_usec;
    grid.count = (size_t)((grid.to_usec - 1 - grid.first_usec) / grid.step_usec) + 1;
    return grid;
}

static void bucket_add(struct bucket *bucket, uint64_t start_usec, uint64_t end_usec,
                       const struct bucket_entry *entry)
{
    bool first = bucket->weight == 0;
    double weight = (double)(end_usec - start_usec) * entry->share;
    bucket->weighted += entry->average * weight;
    bucket->weight += weight;
    if (first || entry->min < bucket->min)
        bucket->min = entry->min;
    if (first || entry->max > bucket->max)
        bucket->max = entry->max;
    if (first || end_usec > bucket->last_usec) {
        bucket->last = entry->last;
        bucket->last_usec = end_usec;
    }
}

void buckets_add_entry(struct buckets *buckets, uint64_t start_usec, uint64_t end_usec,
                       const struct bucket_entry *entry)
{
    const struct bucket_grid *grid = buckets->grid;
    uint64_t start = start_usec > grid->from_usec ? start_usec : grid->from_usec;
    uint64_t end = end_usec < grid->to_usec ? end_usec : grid->to_usec;
    while (start < end) {
        size_t index = (size_t)((start - grid->first_usec) / grid->step_usec);
        uint64_t next = grid->first_usec + (index + 1) * grid->step_usec;
        uint64_t until = next < end ? next : end;
        bucket_add(&buckets->buckets[index], start, until, entry);
        start = until;
    }
}

void buckets_add(struct buckets *buckets, uint64_t start_usec, uint64_t end_usec, int64_t value)
{
    const struct bucket_entry entry = {
        .average = (double)value, .share = 1, .min = value, .max = value, .last = value};
    buckets_add_entry(buckets, start_usec, end_usec, &entry);
}

static struct series_point bucket_point(const struct bucket *bucket,
                                        enum series_aggregate aggregate)
{
    switch (aggregate) {
    case SERIES_AVG:
        return (struct series_point){.value = llround(bucket->weighted / bucket->weight)};
    case SERIES_MIN:
        return (struct series_point){.value = bucket->min};
    case SERIES_MAX:
        return (struct series_point){.value = bucket->max};
    case SERIES_LAST:
        return (struct series_point){.value = bucket->last};
    case SERIES_RANGE:
        break;
    }
    return (struct series_point){.value = bucket->min, .max = bucket->max};
}

static int64_t bucket_grid_msec(const struct bucket_grid *grid, size_t index)
{
    uint64_t start = grid->first_usec + index * grid->step_usec;
    return (int64_t)((start > grid->from_usec ? start : grid->from_usec) / USEC_PER_MSEC);
}

int buckets_points(const struct buckets *buckets, enum series_aggregate aggregate,
                   size_t *ret_count, struct series_point **ret_points)
{
    const struct bucket_grid *grid = buckets->grid;
    struct series_point *points = calloc(grid->count, sizeof(*points));
    if (!points)
        return -ENOMEM;
    size_t count = 0;
    bool any = false;
    for (size_t i = 0; i < grid->count; i++) {
        const struct bucket *bucket = &buckets->buckets[i];
        struct series_point point = {.gap = true};
        if (bucket->weight > 0)
            point = bucket_point(bucket, aggregate);
        else if (count > 0 && points[count - 1].gap)
            continue;
        any = any || !point.gap;
        point.wall_msec = bucket_grid_msec(grid, i);
        points[count++] = point;
    }
    if (!any) {
        free(points);
        points = NULL;
        count = 0;
    }
    *ret_points = points;
    *ret_count = count;
    return 0;
}
