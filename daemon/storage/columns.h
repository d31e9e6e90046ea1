/* SPDX-License-Identifier: MIT */
/*
 * The number of each column in a stored block, in ONE table (columns.c). A number never changes its
 * meaning and is never given out twice; a new column gets the next one of its range. Blocks of
 * samples have columns of the kind COLUMNS_VALUE; in roll-ups each metric has five columns, one of
 * each other kind. Constant data, any thread.
 */
#ifndef MEMTEND_STORAGE_COLUMNS_H
#define MEMTEND_STORAGE_COLUMNS_H

#include "model/metric.h"

#include <stdint.h>

/* Of one kind: below it a number is one byte long. */
#define COLUMNS_CODES 128

/* The host's block says what time its ticks had. They are not metrics. */
enum columns_time {
    COLUMNS_MONO_USEC = 1, /* when the tick was taken, monotonic clock of that boot */
    COLUMNS_WALL_USEC = 2, /* the same moment on the wall clock */
    COLUMNS_GAP = 3,       /* 1: nothing is known of the time between the tick before and this */
};

/* Numbers are stored too. */
enum columns_kind {
    COLUMNS_VALUE = 0, /* of one tick */
    COLUMNS_MIN = 1,   /* of the ticks of an entry at which it is known */
    COLUMNS_MAX = 2,
    COLUMNS_LAST = 3,
    COLUMNS_SUM = 4,   /* stops at INT64_MIN and INT64_MAX */
    COLUMNS_COUNT = 5, /* how many these were */
    COLUMNS_KINDS
};

/* All codes are below this one. */
enum { COLUMNS_CODE_LIMIT = COLUMNS_CODES * COLUMNS_KINDS };

/* The code of a metric's values; 0 when the store has no column for it. */
uint16_t columns_code(enum metric metric);

/* The code of the same column in another kind. */
static inline uint16_t columns_of_kind(uint16_t code, enum columns_kind kind)
{
    return (uint16_t)(code % COLUMNS_CODES + COLUMNS_CODES * (unsigned)kind);
}

static inline enum columns_kind columns_kind(uint16_t code)
{
    return (enum columns_kind)(code / COLUMNS_CODES);
}

#endif
