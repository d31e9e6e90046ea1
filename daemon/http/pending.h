/* SPDX-License-Identifier: MIT */
/*
 * Commands on their way, and which waiting exchange each belongs to. A command carries a handle,
 * not a pointer, in command->owner: when the answer comes after its client is gone or was told
 * "too late", the handle fits nothing any more and the answer is dropped. Pure; time is handed in
 * (monotonic); the http thread owns it.
 */
#ifndef MEMTEND_HTTP_PENDING_H
#define MEMTEND_HTTP_PENDING_H

#include "http/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pending_slot {
    void *waiter; /* NULL = free */
    uint32_t generation;
    uint64_t deadline_usec;
};

struct pending {
    size_t under_way; /* commands out, also those whose waiter is gone; <= HTTP_PENDING */
    struct pending_slot slots[HTTP_PENDING];
};

/* Counts a command out. -ENOBUFS when HTTP_PENDING are out already. Handles are never NULL. */
int pending_add(struct pending *pending, void *waiter, uint64_t deadline_usec, void **ret_handle);
/* The command came back, or was not taken: its waiter, NULL when that is gone. */
void *pending_take(struct pending *pending, void *handle);
/* The waiter does not wait any more; its command is still out. */
void pending_forget(struct pending *pending, const void *waiter);
/* A waiter past its deadline, forgotten by this call; NULL: none. */
void *pending_expire(struct pending *pending, uint64_t now_usec);
/* The earliest deadline, UINT64_MAX without any. */
uint64_t pending_deadline(const struct pending *pending);

#endif
