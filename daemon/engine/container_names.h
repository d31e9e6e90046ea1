/* SPDX-License-Identifier: MIT */
/*
 * Names of containers from a directory on a disk, asked for by the loop, which never waits for a
 * disk: each question is answered by a thread that lives for it alone, one at a time. Where there
 * is no such directory nobody asks, since no group is of a pod. The loop owns it.
 */
#ifndef MEMTEND_ENGINE_CONTAINER_NAMES_H
#define MEMTEND_ENGINE_CONTAINER_NAMES_H

#include "collect/cgroup_names.h"

#include <stdbool.h>
#include <stddef.h>

/* Names in one question; more have their turn with the next one. */
#define CONTAINER_NAMES_LIMIT 256

struct container_names;

/* root is a descriptor of "/", the caller's, open as long as this. 0 or -errno. */
int container_names_new(int root, struct container_names **ret_names);
/* Waits for a question under way: a directory is read to its end. */
void container_names_free(struct container_names *names);

/* The ids are copied. -EBUSY: one is under way, or its answer has not been taken. */
int container_names_ask(struct container_names *names, const struct cgroup_name *wanted,
                        size_t count);
/*
 * The answer, once: what was asked for, with names where they were found; valid until the next
 * question. NULL: there is none (yet).
 */
const struct cgroup_name *container_names_take(struct container_names *names, size_t *ret_count);

#endif
