/* SPDX-License-Identifier: MIT */
#include "storage/top_table.h"

#include <errno.h>
#include <stdlib.h>

void top_table_finish(struct top_table *table)
{
    free(table->slots);
    *table = (struct top_table){0};
}

/* Its slot, or the free one where it belongs. The table is never full. */
static struct top_sum *top_table_slot(const struct top_table *table, int64_t row)
{
    size_t mask = table->capacity - 1;
    /* Rows are numbered one after the other: multiplying spreads them. */
    size_t i = (size_t)((uint64_t)row * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;
    while (table->slots[i].row != 0 && table->slots[i].row != row)
        i = (i + 1) & mask;
    return &table->slots[i];
}

static int top_table_grow(struct top_table *table)
{
    size_t capacity = table->capacity ? table->capacity * 2 : 2048;
    struct top_table grown = {.capacity = capacity, .count = table->count};
    grown.slots = calloc(capacity, sizeof(*grown.slots));
    if (!grown.slots)
        return -ENOMEM;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].row != 0)
            *top_table_slot(&grown, table->slots[i].row) = table->slots[i];
    free(table->slots);
    *table = grown;
    return 0;
}

int top_table_get(struct top_table *table, int64_t row, struct top_sum **ret_sum)
{
    if (table->count * 2 >= table->capacity) {
        int r = table->count < TOP_TABLE_LIMIT ? top_table_grow(table) : -E2BIG;
        if (r < 0)
            return r;
    }
    struct top_sum *sum = top_table_slot(table, row);
    if (sum->row == 0) {
        *sum = (struct top_sum){.row = row, .shelf_tick = INT64_MAX};
        table->count++;
    }
    *ret_sum = sum;
    return 0;
}

struct top_sum *top_table_find(const struct top_table *table, int64_t row)
{
    if (table->capacity == 0)
        return NULL;
    struct top_sum *sum = top_table_slot(table, row);
    return sum->row != 0 ? sum : NULL;
}

void top_sum_add(struct top_sum *sum, int64_t count, int64_t max, int64_t total)
{
    if (count <= 0)
        return;
    if (sum->count == 0 || max > sum->max)
        sum->max = max;
    if (__builtin_add_overflow(sum->sum, total, &sum->sum))
        sum->sum = total < 0 ? INT64_MIN : INT64_MAX;
    if (__builtin_add_overflow(sum->count, count, &sum->count))
        sum->count = INT64_MAX;
}

int64_t top_sum_value(const struct top_sum *sum)
{
    return sum->mean ? sum->sum / sum->count : sum->max;
}

static void top_heap_sift(struct top_heap *heap, size_t i)
{
    for (;;) {
        size_t largest = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap->count; child++)
            if (top_sum_value(heap->sums[child]) > top_sum_value(heap->sums[largest]))
                largest = child;
        if (largest == i)
            return;
        struct top_sum *sum = heap->sums[i];
        heap->sums[i] = heap->sums[largest];
        heap->sums[largest] = sum;
        i = largest;
    }
}

int top_heap_init(struct top_heap *heap, const struct top_table *table)
{
    *heap = (struct top_heap){.sums = calloc(table->count + 1, sizeof(struct top_sum *))};
    if (!heap->sums)
        return -ENOMEM;
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].row != 0 && table->slots[i].count > 0)
            heap->sums[heap->count++] = &table->slots[i];
    for (size_t i = heap->count / 2; i-- > 0;)
        top_heap_sift(heap, i);
    return 0;
}

void top_heap_finish(struct top_heap *heap)
{
    free(heap->sums);
    *heap = (struct top_heap){0};
}

struct top_sum *top_heap_pop(struct top_heap *heap)
{
    if (heap->count == 0)
        return NULL;
    struct top_sum *top = heap->sums[0];
    heap->sums[0] = heap->sums[--heap->count];
    top_heap_sift(heap, 0);
    return top;
}
