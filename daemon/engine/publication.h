/* SPDX-License-Identifier: MIT */
/*
 * The snapshot's way from the loop to the http thread: a few buffers, of which one is current.
 * The loop fills a free one and publishes it; a reader borrows the current one and nobody writes
 * to it until it is released. Buffers are mapped once for max_processes. The lock covers pointers
 * and counts only, never a copy.
 */
#ifndef MEMTEND_ENGINE_PUBLICATION_H
#define MEMTEND_ENGINE_PUBLICATION_H

#include "model/snapshot.h"

#include <pthread.h>

/* One current, one being filled, one that a slow reader may still hold. */
#define PUBLICATION_BUFFERS 3

struct publication {
    pthread_mutex_t lock;     /* over current and readers */
    struct snapshot *current; /* NULL before the first tick */
    struct snapshot buffers[PUBLICATION_BUFFERS];
    unsigned readers[PUBLICATION_BUFFERS];
    size_t capacity; /* processes in each buffer */
};

int publication_init(struct publication *publication, size_t capacity);
void publication_finish(struct publication *publication);

/* Loop: a buffer that nobody reads, NULL when readers hold all others (skip this tick). */
struct snapshot *publication_begin(struct publication *publication);
void publication_publish(struct publication *publication, struct snapshot *snapshot);

/* Any thread: NULL before the first tick. */
const struct snapshot *publication_acquire(struct publication *publication);
void publication_release(struct publication *publication, const struct snapshot *snapshot);

#endif
