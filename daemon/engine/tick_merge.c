/* SPDX-License-Identifier: MIT */
#include "engine/tick_merge.h"

#include <stdbool.h>
#include <stdlib.h>

static int compare_ids(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_processes(const void *a, const void *b)
{
    return compare_ids(((const struct tick_process *)a)->row,
                       ((const struct tick_process *)b)->row);
}

static int compare_ended(const void *a, const void *b)
{
    return compare_ids(*(const int64_t *)a, *(const int64_t *)b);
}

static void tick_sort(struct tick *tick)
{
    qsort(tick->processes, tick->process_count, sizeof(*tick->processes), compare_processes);
    qsort(tick->ended, tick->ended_count, sizeof(*tick->ended), compare_ended);
}

static bool tick_has_process(const struct tick *tick, size_t count, int64_t row)
{
    struct tick_process key = {.row = row};
    return bsearch(&key, tick->processes, count, sizeof(key), compare_processes);
}

static bool tick_has_ended(const struct tick *tick, int64_t row)
{
    return bsearch(&row, tick->ended, tick->ended_count, sizeof(row), compare_ended);
}

static void tick_merge_processes(const struct tick *older, struct tick *newer, int64_t stored_row)
{
    size_t own = newer->process_count;
    for (size_t i = 0; i < older->process_count && newer->process_count < newer->capacity; i++) {
        const struct tick_process *process = &older->processes[i];
        bool brief = process->row > stored_row && tick_has_ended(newer, process->row);
        if (!brief && !tick_has_process(newer, own, process->row))
            newer->processes[newer->process_count++] = *process;
    }
}

static void tick_merge_ended(const struct tick *older, struct tick *newer, int64_t stored_row)
{
    size_t kept = 0;
    for (size_t i = 0; i < newer->ended_count; i++)
        if (newer->ended[i] <= stored_row)
            newer->ended[kept++] = newer->ended[i];
    newer->ended_count = kept;
    for (size_t i = 0; i < older->ended_count && newer->ended_count < newer->capacity; i++)
        if (older->ended[i] <= stored_row)
            newer->ended[newer->ended_count++] = older->ended[i];
}

void tick_merge(struct tick *older, struct tick *newer, int64_t stored_row)
{
    tick_sort(older);
    tick_sort(newer);
    tick_merge_processes(older, newer, stored_row);
    tick_merge_ended(older, newer, stored_row);
}
