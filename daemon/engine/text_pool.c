/* SPDX-License-Identifier: MIT */
#include "engine/text_pool.h"

#include "engine/pages.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* A multiple of a page, so that it can be given back; 15 of the longest texts fit. */
#define POOL_SLAB_BYTES (size_t)65536
/* Slots begin there: an offset into 64 GiB fits 32 bits, and there is room for a number of 0. */
#define POOL_GRAIN (size_t)16

struct text_slot {
    uint32_t next; /* of the chain, or the next free one: number of a slot, 0 = none */
    uint32_t hash;
    uint32_t users; /* 0 = free */
    char text[];
};

/* Steps of at most a half: the worst a text wastes. */
static const uint16_t pool_sizes[TEXT_POOL_SIZES] = {32,  48,  64,  80,   96,   128,  192,
                                                     256, 384, 512, 1024, 2048, 3072, 4112};

_Static_assert(TEXT_POOL_LONGEST + offsetof(struct text_slot, text) <= 4112,
               "the longest text fits the largest slot");

/* Numbers of slabs are + 1, 0 = none. */
struct text_slab {
    uint32_t next, before; /* in the list of those with room, or that are idle (next only) */
    uint32_t free;         /* number of the first slot that was given back */
    uint16_t fresh;        /* slots that have been in use at some time */
    uint16_t used;         /* now */
    uint8_t size;          /* index of pool_sizes */
};

/* Number of a slot: its distance from the memory's begin in grains, + 1. */
static struct text_slot *pool_slot(const struct text_pool *pool, uint32_t number)
{
    return (struct text_slot *)(void *)(pool->memory + (size_t)(number - 1) * POOL_GRAIN);
}

static uint32_t pool_number(const struct text_pool *pool, const struct text_slot *slot)
{
    return (uint32_t)((size_t)((const char *)slot - pool->memory) / POOL_GRAIN) + 1;
}

static uint32_t pool_slab_of(const struct text_pool *pool, const struct text_slot *slot)
{
    return (uint32_t)((size_t)((const char *)slot - pool->memory) / POOL_SLAB_BYTES) + 1;
}

static size_t pool_slots(const struct text_slab *slab)
{
    return POOL_SLAB_BYTES / pool_sizes[slab->size];
}

int text_pool_init(struct text_pool *pool, size_t bytes, size_t texts)
{
    /* One begun slab of each size on top: a small pool has room for texts of every size. */
    struct text_pool new = {.slab_limit = bytes / POOL_SLAB_BYTES + TEXT_POOL_SIZES};
    size_t buckets = 16;
    while (buckets < texts)
        buckets *= 2;
    if (new.slab_limit > UINT32_MAX / (POOL_SLAB_BYTES / POOL_GRAIN))
        new.slab_limit = UINT32_MAX / (POOL_SLAB_BYTES / POOL_GRAIN);
    new.bucket_mask = buckets - 1;
    new.memory = pages_map(new.slab_limit, POOL_SLAB_BYTES);
    new.slabs = pages_map(new.slab_limit, sizeof(*new.slabs));
    new.buckets = pages_map(buckets, sizeof(*new.buckets));
    if (!new.memory || !new.slabs || !new.buckets) {
        text_pool_finish(&new);
        return -ENOMEM;
    }
    *pool = new;
    return 0;
}

void text_pool_finish(struct text_pool *pool)
{
    pages_unmap(pool->memory, pool->slab_limit, POOL_SLAB_BYTES);
    pages_unmap(pool->slabs, pool->slab_limit, sizeof(*pool->slabs));
    pages_unmap(pool->buckets, pool->bucket_mask + 1, sizeof(*pool->buckets));
    *pool = (struct text_pool){0};
}

/* FNV-1a. Who makes many texts of one hash makes long chains of as many processes as it started. */
static uint32_t pool_hash(const char *text, size_t length)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT32_C(16777619);
    return hash;
}

/* ---- slabs ---- */

static void pool_link(struct text_pool *pool, uint32_t number)
{
    struct text_slab *slab = &pool->slabs[number - 1];
    uint32_t *first = &pool->open[slab->size];
    slab->before = 0;
    slab->next = *first;
    if (*first)
        pool->slabs[*first - 1].before = number;
    *first = number;
}

static void pool_unlink(struct text_pool *pool, uint32_t number)
{
    struct text_slab *slab = &pool->slabs[number - 1];
    if (slab->next)
        pool->slabs[slab->next - 1].before = slab->before;
    if (slab->before)
        pool->slabs[slab->before - 1].next = slab->next;
    else
        pool->open[slab->size] = slab->next;
}

/* One that is idle, or a new one; 0 = there is none. */
static uint32_t pool_slab_new(struct text_pool *pool, uint8_t size)
{
    uint32_t number = pool->idle;
    if (number)
        pool->idle = pool->slabs[number - 1].next;
    else if (pool->slab_count < pool->slab_limit)
        number = (uint32_t)++pool->slab_count;
    else
        return 0;
    pool->slabs[number - 1] = (struct text_slab){.size = size};
    pool_link(pool, number);
    return number;
}

static void pool_slab_end(struct text_pool *pool, uint32_t number)
{
    pool_unlink(pool, number);
    pages_release(pool->memory + (size_t)(number - 1) * POOL_SLAB_BYTES, 1, POOL_SLAB_BYTES);
    pool->slabs[number - 1].next = pool->idle;
    pool->idle = number;
}

/* NULL: no room. */
static struct text_slot *pool_slot_new(struct text_pool *pool, uint8_t size)
{
    uint32_t number = pool->open[size] ? pool->open[size] : pool_slab_new(pool, size);
    if (number == 0)
        return NULL;
    struct text_slab *slab = &pool->slabs[number - 1];
    struct text_slot *slot;
    if (slab->free) {
        slot = pool_slot(pool, slab->free);
        slab->free = slot->next;
    } else {
        char *first = pool->memory + (size_t)(number - 1) * POOL_SLAB_BYTES;
        slot = (struct text_slot *)(void *)(first + (size_t)slab->fresh++ * pool_sizes[size]);
    }
    if (++slab->used == pool_slots(slab))
        pool_unlink(pool, number);
    return slot;
}

static void pool_slot_end(struct text_pool *pool, struct text_slot *slot)
{
    uint32_t number = pool_slab_of(pool, slot);
    struct text_slab *slab = &pool->slabs[number - 1];
    if (slab->used == pool_slots(slab))
        pool_link(pool, number);
    slot->next = slab->free;
    slab->free = pool_number(pool, slot);
    if (--slab->used == 0)
        pool_slab_end(pool, number);
}

/* ---- texts ---- */

static struct text_slot *pool_find(const struct text_pool *pool, const char *text, uint32_t hash)
{
    uint32_t number = pool->buckets[hash & pool->bucket_mask];
    while (number) {
        struct text_slot *slot = pool_slot(pool, number);
        if (slot->hash == hash && strcmp(slot->text, text) == 0)
            return slot;
        number = slot->next;
    }
    return NULL;
}

static uint8_t pool_size_for(size_t bytes)
{
    uint8_t size = 0;
    while (pool_sizes[size] < bytes)
        size++;
    return size;
}

const char *text_pool_take(struct text_pool *pool, const char *text)
{
    size_t length = strnlen(text, TEXT_POOL_LONGEST);
    if (length == TEXT_POOL_LONGEST)
        return NULL;
    uint32_t hash = pool_hash(text, length);
    struct text_slot *slot = pool_find(pool, text, hash);
    if (!slot) {
        slot = pool_slot_new(pool, pool_size_for(offsetof(struct text_slot, text) + length + 1));
        if (!slot)
            return NULL;
        uint32_t *bucket = &pool->buckets[hash & pool->bucket_mask];
        *slot = (struct text_slot){.next = *bucket, .hash = hash};
        memcpy(slot->text, text, length + 1);
        *bucket = pool_number(pool, slot);
        pool->count++;
    }
    slot->users++;
    return slot->text;
}

void text_pool_drop(struct text_pool *pool, const char *text)
{
    if (!text)
        return;
    size_t offset = (size_t)(text - pool->memory) - offsetof(struct text_slot, text);
    struct text_slot *slot = (struct text_slot *)(void *)(pool->memory + offset);
    assert(slot->users > 0);
    if (--slot->users > 0)
        return;
    uint32_t number = pool_number(pool, slot);
    uint32_t *link = &pool->buckets[slot->hash & pool->bucket_mask];
    while (*link != number)
        link = &pool_slot(pool, *link)->next;
    *link = slot->next;
    pool->count--;
    pool_slot_end(pool, slot);
}
