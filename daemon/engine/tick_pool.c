/* SPDX-License-Identifier: MIT */
#include "engine/tick_pool.h"

#include "engine/pages.h"

#include <errno.h>
#include <sys/mman.h>

/* What a tick of some hundred processes with changes uses; kept for the next one. */
#define TICK_POOL_KEEP_BYTES (size_t)32768
#define TICK_POOL_PAGE       (size_t)4096

int tick_pool_init(struct tick_pool *pool, size_t capacity)
{
    *pool = (struct tick_pool){0};
    for (size_t i = 0; i < TICK_POOL_TICKS; i++) {
        struct tick *tick = &pool->ticks[i];
        tick->capacity = capacity;
        tick->processes = pages_map(capacity, sizeof(*tick->processes));
        tick->rows = pages_map(capacity, sizeof(*tick->rows));
        tick->ended = pages_map(capacity, sizeof(*tick->ended));
        if (!tick->processes || !tick->rows || !tick->ended) {
            tick_pool_finish(pool);
            return -ENOMEM;
        }
    }
    return 0;
}

void tick_pool_finish(struct tick_pool *pool)
{
    for (size_t i = 0; i < TICK_POOL_TICKS; i++) {
        struct tick *tick = &pool->ticks[i];
        pages_unmap(tick->processes, tick->capacity, sizeof(*tick->processes));
        pages_unmap(tick->rows, tick->capacity, sizeof(*tick->rows));
        pages_unmap(tick->ended, tick->capacity, sizeof(*tick->ended));
    }
    *pool = (struct tick_pool){0};
}

static size_t tick_pool_whole_pages(size_t bytes)
{
    return (bytes + TICK_POOL_PAGE - 1) / TICK_POOL_PAGE * TICK_POOL_PAGE;
}

static void tick_pool_release(void *array, size_t used_bytes)
{
    if (used_bytes > TICK_POOL_KEEP_BYTES)
        madvise((char *)array + TICK_POOL_KEEP_BYTES,
                tick_pool_whole_pages(used_bytes) - TICK_POOL_KEEP_BYTES, MADV_DONTNEED);
}

void tick_pool_clean(struct tick *tick)
{
    tick_pool_release(tick->processes, tick->process_count * sizeof(*tick->processes));
    tick_pool_release(tick->rows, tick->row_count * sizeof(*tick->rows));
    tick_pool_release(tick->ended, tick->ended_count * sizeof(*tick->ended));
    tick->id = 0;
    tick->process_count = 0;
    tick->row_count = 0;
    tick->ended_count = 0;
    tick->host.present = 0;
}
