/* SPDX-License-Identifier: MIT */
#include "engine/container_names.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Readdir needs 32 KiB of heap, and of the stack little more than a path. */
#define CONTAINER_NAMES_STACK ((size_t)64 << 10)

struct container_names {
    int root;
    pthread_attr_t attributes;
    pthread_t thread;
    bool running; /* the thread has to be joined */
    /* Set by the thread when it is through: from then on the rest is the loop's. */
    atomic_bool done;
    size_t count;
    struct cgroup_name names[CONTAINER_NAMES_LIMIT];
};

static void *container_names_run(void *context)
{
    struct container_names *names = context;
    cgroup_names_find(names->root, names->names, names->count);
    atomic_store_explicit(&names->done, true, memory_order_release);
    return NULL;
}

int container_names_new(int root, struct container_names **ret_names)
{
    struct container_names *names = calloc(1, sizeof(*names));
    if (!names)
        return -ENOMEM;
    names->root = root;
    int r = pthread_attr_init(&names->attributes);
    if (r == 0)
        r = pthread_attr_setstacksize(&names->attributes, CONTAINER_NAMES_STACK);
    if (r != 0) {
        free(names);
        return -r;
    }
    *ret_names = names;
    return 0;
}

void container_names_free(struct container_names *names)
{
    if (!names)
        return;
    if (names->running)
        pthread_join(names->thread, NULL);
    pthread_attr_destroy(&names->attributes);
    free(names);
}

int container_names_ask(struct container_names *names, const struct cgroup_name *wanted,
                        size_t count)
{
    if (names->running)
        return -EBUSY;
    names->count = count < CONTAINER_NAMES_LIMIT ? count : CONTAINER_NAMES_LIMIT;
    memcpy(names->names, wanted, names->count * sizeof(*wanted));
    atomic_store_explicit(&names->done, false, memory_order_relaxed);
    int r = pthread_create(&names->thread, &names->attributes, container_names_run, names);
    names->running = r == 0;
    return -r;
}

const struct cgroup_name *container_names_take(struct container_names *names, size_t *ret_count)
{
    if (!names->running || !atomic_load_explicit(&names->done, memory_order_acquire))
        return NULL;
    pthread_join(names->thread, NULL); /* it is at its end */
    names->running = false;
    *ret_count = names->count;
    return names->names;
}
