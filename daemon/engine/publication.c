/* SPDX-License-Identifier: MIT */
#include "engine/publication.h"

#include "engine/pages.h"

#include <errno.h>

int publication_init(struct publication *publication, size_t capacity)
{
    *publication = (struct publication){.capacity = capacity};
    pthread_mutex_init(&publication->lock, NULL);
    for (size_t i = 0; i < PUBLICATION_BUFFERS; i++) {
        publication->buffers[i].processes = pages_map(capacity, sizeof(struct process));
        if (!publication->buffers[i].processes) {
            publication_finish(publication);
            return -ENOMEM;
        }
    }
    return 0;
}

void publication_finish(struct publication *publication)
{
    if (publication->capacity == 0)
        return;
    for (size_t i = 0; i < PUBLICATION_BUFFERS; i++)
        pages_unmap(publication->buffers[i].processes, publication->capacity,
                    sizeof(struct process));
    pthread_mutex_destroy(&publication->lock);
    *publication = (struct publication){0};
}

struct snapshot *publication_begin(struct publication *publication)
{
    struct snapshot *found = NULL;
    pthread_mutex_lock(&publication->lock);
    for (size_t i = 0; i < PUBLICATION_BUFFERS && !found; i++)
        if (publication->readers[i] == 0 && &publication->buffers[i] != publication->current)
            found = &publication->buffers[i];
    pthread_mutex_unlock(&publication->lock);
    return found;
}

void publication_publish(struct publication *publication, struct snapshot *snapshot)
{
    pthread_mutex_lock(&publication->lock);
    publication->current = snapshot;
    pthread_mutex_unlock(&publication->lock);
}

const struct snapshot *publication_acquire(struct publication *publication)
{
    pthread_mutex_lock(&publication->lock);
    const struct snapshot *snapshot = publication->current;
    if (snapshot)
        publication->readers[snapshot - publication->buffers]++;
    pthread_mutex_unlock(&publication->lock);
    return snapshot;
}

void publication_release(struct publication *publication, const struct snapshot *snapshot)
{
    pthread_mutex_lock(&publication->lock);
    publication->readers[snapshot - publication->buffers]--;
    pthread_mutex_unlock(&publication->lock);
}
