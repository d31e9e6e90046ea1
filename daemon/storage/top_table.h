/* SPDX-License-Identifier: MIT */
/*
 * Sums per row of the table of processes, and those rows from the largest down. Open addressing;
 * grows up to a limit. Pure; one owner, one thread.
 */
#ifndef MEMTEND_STORAGE_TOP_TABLE_H
#define MEMTEND_STORAGE_TOP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Processes of one question: a day in which three start each second. 16 MiB. */
#define TOP_TABLE_LIMIT ((size_t)1 << 18)

struct top_sum {
    int64_t row;   /* > 0; 0: a free slot */
    int64_t count; /* ticks at which it is known */
    int64_t max, sum;
    int64_t shelf_tick; /* from here on it was counted from the shelf; INT64_MAX: nothing was */
    bool mean;          /* what value it has */
    bool taken;         /* told of already */
};

struct top_table {
    struct top_sum *slots;
    size_t count, capacity; /* 0 or a power of two */
};

void top_table_finish(struct top_table *table); /* safe on a zeroed one */

/* The sum of a row, made when it is new. It may move with the next call. -E2BIG, -ENOMEM. */
int top_table_get(struct top_table *table, int64_t row, struct top_sum **ret_sum);
/* NULL: there is none. */
struct top_sum *top_table_find(const struct top_table *table, int64_t row);
/* Sums stop at the ends of what fits. count 0: nothing happens. */
void top_sum_add(struct top_sum *sum, int64_t count, int64_t max, int64_t total);
/* Peak or mean; count > 0. */
int64_t top_sum_value(const struct top_sum *sum);

/* The largest first. The table must not change while it is in use. */
struct top_heap {
    struct top_sum **sums;
    size_t count;
};

int top_heap_init(struct top_heap *heap, const struct top_table *table); /* -ENOMEM */
void top_heap_finish(struct top_heap *heap);
struct top_sum *top_heap_pop(struct top_heap *heap); /* NULL: no more */

#endif
