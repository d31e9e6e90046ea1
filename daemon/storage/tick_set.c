/* SPDX-License-Identifier: MIT */
#include "storage/tick_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void tick_set_finish(struct tick_set *set)
{
    free(set->ranges);
    *set = (struct tick_set){0};
}

/* The first range that ends at the tick or behind it. */
static size_t tick_set_find(const struct tick_set *set, int64_t tick)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->ranges[middle].end < tick)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int tick_set_reserve(struct tick_set *set)
{
    if (set->count < set->capacity)
        return 0;
    if (set->count == TICK_SET_LIMIT)
        return -E2BIG;
    size_t capacity = set->capacity ? set->capacity * 2 : 8;
    struct tick_range *ranges = realloc(set->ranges, capacity * sizeof(*ranges));
    if (!ranges)
        return -ENOMEM;
    set->ranges = ranges;
    set->capacity = capacity;
    return 0;
}

int tick_set_add(struct tick_set *set, struct tick_range range)
{
    if (tick_range_empty(range))
        return 0;
    int r = tick_set_reserve(set);
    if (r < 0)
        return r;
    size_t first = tick_set_find(set, range.first), end = first;
    for (; end < set->count && set->ranges[end].first <= range.end; end++) {
        if (set->ranges[end].first < range.first)
            range.first = set->ranges[end].first;
        if (set->ranges[end].end > range.end)
            range.end = set->ranges[end].end;
    }
    memmove(&set->ranges[first + 1], &set->ranges[end], (set->count - end) * sizeof(range));
    set->ranges[first] = range;
    set->count = set->count - end + first + 1;
    return 0;
}

bool tick_set_missing(const struct tick_set *set, struct tick_range range,
                      struct tick_range *ret_missing)
{
    /* One that only ends where the range begins does not hide any of it. */
    for (size_t i = tick_set_find(set, range.first + 1);
         i < set->count && set->ranges[i].first < range.end; i++) {
        if (set->ranges[i].first > range.first) {
            range.end = set->ranges[i].first;
            break;
        }
        range.first = set->ranges[i].end;
    }
    if (tick_range_empty(range))
        return false;
    *ret_missing = range;
    return true;
}
