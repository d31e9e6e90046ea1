/* SPDX-License-Identifier: MIT */
/*
 * The ticks that travel between loop and writer: mapped once for max_processes, of which only what
 * was used takes memory. The pool owns them; whoever holds a tick uses it alone.
 */
#ifndef MEMTEND_ENGINE_TICK_POOL_H
#define MEMTEND_ENGINE_TICK_POOL_H

#include "model/tick.h"

/* A disk may stall for so many ticks before resolution is lost. */
#define TICK_POOL_TICKS 16

struct tick_pool {
    struct tick ticks[TICK_POOL_TICKS];
};

int tick_pool_init(struct tick_pool *pool, size_t capacity);
void tick_pool_finish(struct tick_pool *pool);
/* Counts to 0; memory that only an unusually large tick needs goes back to the kernel. */
void tick_pool_clean(struct tick *tick);

#endif
