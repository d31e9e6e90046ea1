/* SPDX-License-Identifier: MIT */
/*
 * A set of ticks, kept as ranges: which are asked for, which have been read. There are few ranges,
 * because blocks touch each other. Pure; one owner, one thread.
 */
#ifndef MEMTEND_STORAGE_TICK_SET_H
#define MEMTEND_STORAGE_TICK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More are a file that makes no sense: a year of restarts every ten minutes. */
#define TICK_SET_LIMIT 65536

/* Those from `first` on, `end` not among them. */
struct tick_range {
    int64_t first, end;
};

struct tick_set {
    struct tick_range *ranges; /* in order; they do not touch */
    size_t count, capacity;
};

void tick_set_finish(struct tick_set *set); /* safe on a zeroed one */

/* An empty range: nothing. -ENOMEM, -E2BIG; then the set is as before. */
int tick_set_add(struct tick_set *set, struct tick_range range);
/* The first ticks of the range that are not in the set. false: all are. */
bool tick_set_missing(const struct tick_set *set, struct tick_range range,
                      struct tick_range *ret_missing);

static inline struct tick_range tick_range_common(struct tick_range a, struct tick_range b)
{
    return (struct tick_range){a.first > b.first ? a.first : b.first,
                               a.end < b.end ? a.end : b.end};
}

static inline bool tick_range_empty(struct tick_range range)
{
    return range.first >= range.end;
}

#endif
