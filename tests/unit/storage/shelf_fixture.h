/* SPDX-License-Identifier: MIT */
/* Ticks for the shelf, and numbers that are the same in every run. */
#ifndef MEMTEND_TESTS_SHELF_FIXTURE_H
#define MEMTEND_TESTS_SHELF_FIXTURE_H

#include "storage/shelf.h"

#include <stdlib.h>

struct fixture_random {
    uint64_t state; /* not 0 */
};

static inline uint64_t fixture_random(struct fixture_random *random)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return random->state * UINT64_C(0x2545F4914F6CDD1D);
}

static inline size_t fixture_below(struct fixture_random *random, size_t limit)
{
    return (size_t)(fixture_random(random) >> 20) % limit;
}

/* Small steps, any step, and the ends of what a value can be. */
static inline int64_t fixture_value(struct fixture_random *random, int64_t before)
{
    switch (fixture_below(random, 8)) {
    case 0:
        return (int64_t)fixture_random(random);
    case 1:
        return fixture_below(random, 2) ? INT64_MAX : INT64_MIN;
    case 2:
        return 0;
    default:
        return (int64_t)((uint64_t)before + 4096 * (fixture_below(random, 64) - 32));
    }
}

static inline void fixture_tick_init(struct tick *tick, size_t capacity)
{
    *tick = (struct tick){
        .capacity = capacity,
        .rows = calloc(capacity, sizeof(struct tick_row)),
        .ended = calloc(capacity, sizeof(int64_t)),
    };
    if (!tick->rows || !tick->ended)
        abort();
}

static inline void fixture_tick_finish(struct tick *tick)
{
    free(tick->rows);
    free(tick->ended);
}

/* Empty, at one second after the other. */
static inline void fixture_tick_clear(struct tick *tick, int64_t id)
{
    tick->mono_usec = (uint64_t)id * 1000000 + (uint64_t)(id % 7);
    tick->wall_usec = tick->mono_usec + UINT64_C(1700000000000000);
    tick->row_count = tick->ended_count = 0;
}

static inline struct tick_row *fixture_tick_add(struct tick *tick, int64_t row)
{
    struct tick_row *added = &tick->rows[tick->row_count++];
    *added = (struct tick_row){.row = row};
    return added;
}

static inline void fixture_row_set(struct tick_row *row, enum metric metric, int64_t value)
{
    row->present |= UINT32_C(1) << metric;
    row->value[metric] = value;
}

#endif
