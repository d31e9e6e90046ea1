/* SPDX-License-Identifier: MIT */
#include "http/pending.h"

#include <errno.h>

#define PENDING_INDEX_BITS 8
_Static_assert(HTTP_PENDING == 1 << PENDING_INDEX_BITS, "an index fits its bits");
/* Of the handle's 32 bits; a handle would have to be late by 16 million commands to fit again. */
#define PENDING_GENERATION_MASK UINT32_C(0xFFFFFF)

static void *pending_handle(uint32_t index, uint32_t generation)
{
    return (void *)(uintptr_t)(generation << PENDING_INDEX_BITS | index);
}

int pending_add(struct pending *pending, void *waiter, uint64_t deadline_usec, void **ret_handle)
{
    if (pending->under_way >= HTTP_PENDING)
        return -ENOBUFS;
    for (uint32_t i = 0; i < HTTP_PENDING; i++) {
        struct pending_slot *slot = &pending->slots[i];
        if (slot->waiter)
            continue;
        slot->generation = (slot->generation + 1) & PENDING_GENERATION_MASK;
        if (slot->generation == 0)
            slot->generation = 1;
        slot->waiter = waiter;
        slot->deadline_usec = deadline_usec;
        pending->under_way++;
        *ret_handle = pending_handle(i, slot->generation);
        return 0;
    }
    return -ENOBUFS;
}

void *pending_take(struct pending *pending, void *handle)
{
    uint32_t index = (uint32_t)(uintptr_t)handle & (HTTP_PENDING - 1);
    struct pending_slot *slot = &pending->slots[index];
    if (pending->under_way > 0)
        pending->under_way--;
    if (handle != pending_handle(index, slot->generation))
        return NULL;
    void *waiter = slot->waiter;
    slot->waiter = NULL;
    return waiter;
}

void pending_forget(struct pending *pending, const void *waiter)
{
    for (uint32_t i = 0; i < HTTP_PENDING; i++)
        if (pending->slots[i].waiter == waiter)
            pending->slots[i].waiter = NULL;
}

void *pending_expire(struct pending *pending, uint64_t now_usec)
{
    for (uint32_t i = 0; i < HTTP_PENDING; i++) {
        struct pending_slot *slot = &pending->slots[i];
        if (!slot->waiter || slot->deadline_usec > now_usec)
            continue;
        void *waiter = slot->waiter;
        slot->waiter = NULL;
        return waiter;
    }
    return NULL;
}

uint64_t pending_deadline(const struct pending *pending)
{
    uint64_t deadline_usec = UINT64_MAX;
    if (pending->under_way == 0)
        return deadline_usec;
    for (uint32_t i = 0; i < HTTP_PENDING; i++)
        if (pending->slots[i].waiter && pending->slots[i].deadline_usec < deadline_usec)
            deadline_usec = pending->slots[i].deadline_usec;
    return deadline_usec;
}
