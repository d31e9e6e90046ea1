/* SPDX-License-Identifier: MIT */
#include "engine/tick_pool.h"

#include <errno.h>
#include <sys/mman.h>

/* What a tick of some hundred processes with changes uses; kept for the next one. */
#define TICK_POOL_KEEP_BYTES (size_t)32768
#define TICK_POOL_PAGE       (size_t)4096

static size_t tick_pool_whole_pages(size_t bytes)
{
    return (bytes + TICK_POOL_PAGE - 1) / TICK_POOL_PAGE * TICK_POOL_PAGE;
}

/* The arrays one after the other, each on pages of its own. */
struct tick_layout {
    size_t rows_at, ended_at, bytes;
};

static struct tick_layout tick_pool_layout(size_t capacity)
{
    struct tick_layout layout;
    layout.rows_at = tick_pool_whole_pages(capacity * sizeof(struct tick_process));
    layout.ended_at = layout.rows_at + tick_pool_whole_pages(capacity * sizeof(struct tick_row));
    layout.bytes = layout.ended_at + tick_pool_whole_pages(capacity * sizeof(int64_t));
    return layout;
}

static int tick_pool_map(struct tick *tick, size_t capacity)
{
    struct tick_layout layout = tick_pool_layout(capacity);
    char *memory = mmap(NULL, layout.bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    *tick = (struct tick){.capacity = capacity,
                          .processes = (struct tick_process *)(void *)memory,
                          .rows = (struct tick_row *)(void *)(memory + layout.rows_at),
                          .ended = (int64_t *)(void *)(memory + layout.ended_at)};
    return 0;
}

int tick_pool_init(struct tick_pool *pool, size_t capacity)
{
    *pool = (struct tick_pool){.mapped_bytes = tick_pool_layout(capacity).bytes};
    for (size_t i = 0; i < TICK_POOL_TICKS; i++) {
        int r = tick_pool_map(&pool->ticks[i], capacity);
        if (r < 0) {
            tick_pool_finish(pool);
            return r;
        }
    }
    return 0;
}

void tick_pool_finish(struct tick_pool *pool)
{
    for (size_t i = 0; i < TICK_POOL_TICKS; i++)
        if (pool->ticks[i].processes)
            munmap(pool->ticks[i].processes, pool->mapped_bytes);
    *pool = (struct tick_pool){0};
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
    tick->process_count = 0;
    tick->row_count = 0;
    tick->ended_count = 0;
    tick->host.present = 0;
}
