/* SPDX-License-Identifier: MIT */
/*
 * One column of a block: whole numbers in a row, any int64, as few bytes. First a head that tells
 * what is asked most (the summary) without reading on, then each value's distance to the one
 * before, divided by what divides them all; runs of equal values are counted. Pure.
 *
 * Layout: unit, 0 when all values are equal; the first value. Unless all are equal, in units from
 * the first value: down to min, up to max, to the last, to the sum (from the first value times
 * count); then the steps: a folded distance in units, or 0 and how many more values stay the same;
 * after the last step nothing changes any more. All are varints; arithmetic wraps at 64 bits, and
 * the unit is 1 where dividing would not be exact then.
 */
#ifndef MEMTEND_STORAGE_COLUMN_H
#define MEMTEND_STORAGE_COLUMN_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bounds the sum and what a reader must have room for. */
#define COLUMN_COUNT_LIMIT 3600

struct column_summary {
    size_t count;
    int64_t min, max, last;
    int64_t sum; /* stops at INT64_MIN and INT64_MAX */
};

/* -ERANGE: no values, or more than the limit. */
int column_summarize(const int64_t *values, size_t count, struct column_summary *ret_summary);

/* Appends to `out`. -ERANGE as above; -ENOBUFS, -ENOMEM: what is in `out` behind its former end
 * means nothing. The summary may be NULL. */
int column_encode(const int64_t *values, size_t count, struct buffer *out,
                  struct column_summary *ret_summary);

/* Of exactly `count` values. -EUCLEAN: these bytes are not such a column. */
int column_peek(const uint8_t *data, size_t size, size_t count, struct column_summary *ret_summary);
/* All values are the summary's: column_peek() has read all there is. Of a column that it took. */
static inline bool column_is_constant(const uint8_t *data)
{
    return data[0] == 0;
}

/* Exactly `count` values, which agree with the summary. -EUCLEAN: some may have been written. */
int column_decode(const uint8_t *data, size_t size, size_t count, int64_t *ret_values);

#endif
