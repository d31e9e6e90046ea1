/* SPDX-License-Identifier: MIT */
/*
 * Numbers without order that are the same in each run, and shapes that columns have. One state a
 * test.
 */
#ifndef MEMTEND_TESTS_RANDOM_H
#define MEMTEND_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* 0 .. limit - 1 */
static inline size_t random_below(uint64_t *state, size_t limit)
{
    return (size_t)(random_next(state) % limit);
}

#define RANDOM_SHAPES 7

/* What a column may look like: any int64, its ends, one value, steps of pages, counters, noise,
 * ends among small numbers. */
static inline void random_column(uint64_t *state, size_t shape, size_t count, int64_t *ret_values)
{
    int64_t value = (int64_t)(random_next(state) >> 20);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = random_next(state);
        switch (shape) {
        case 0:
            value = (int64_t)bits;
            break;
        case 1:
            value = bits & 1 ? INT64_MAX : INT64_MIN;
            break;
        case 2:
            break;
        case 3:
            value += bits % 16 == 0 ? ((int64_t)(bits >> 8 & 0xff) - 128) * 4096 : 0;
            break;
        case 4:
            value += (int64_t)(bits % 3) * 10000;
            break;
        case 5:
            value = (int64_t)(bits % 1000) - 500;
            break;
        default:
            value = bits % 50 == 0 ? (bits & 64 ? INT64_MAX : INT64_MIN) : (int64_t)(bits % 3);
            break;
        }
        ret_values[i] = value;
    }
}

#endif
