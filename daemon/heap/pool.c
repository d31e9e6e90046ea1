/* SPDX-License-Identifier: MIT */
#include "heap/pool.h"

#include <stddef.h>
#include <string.h>

/* struct pool_header of obmalloc on 64-bit machines. */
struct head_layout {
    uint32_t count, padding;
    uint64_t free_block; /* first of a list; 0 = none */
    uint64_t next_pool, previous_pool;
    uint32_t arena_index;
    uint32_t size_index;      /* block size = (size_index + 1) * step */
    uint32_t next_offset;     /* of the first block that was never used */
    uint32_t max_next_offset; /* of the last place where a block fits: pool size - block size */
};

_Static_assert(sizeof(struct head_layout) == POOL_HEAD_SIZE, "the layout of a head");

#define POOL_STEP_OLD 8
#define POOL_STEP_NEW 16

/* Arenas have held 64 pools in every version. */
#define POOL_ARENA_POOLS 64

uint32_t pool_bytes_of_version(unsigned major, unsigned minor)
{
    if (major == 3 && minor >= 10)
        return POOL_BYTES_NEW;
    if ((major == 3 && minor >= 3) || (major == 2 && minor == 7))
        return POOL_BYTES_OLD;
    return 0;
}

/*
 * 0 when it is none. The step is found in each head by itself: which version and platform has
 * which was changed by point releases and by distributions.
 */
static uint32_t head_block_bytes(const struct head_layout *head, uint32_t pool_bytes)
{
    if (head->size_index >= POOL_CLASSES || head->max_next_offset >= pool_bytes)
        return 0;
    uint32_t block = pool_bytes - head->max_next_offset;
    bool fits = block == (head->size_index + 1) * POOL_STEP_OLD ||
                block == (head->size_index + 1) * POOL_STEP_NEW;
    return fits && block <= POOL_BLOCK_MAX ? block : 0;
}

/* Without a free block the pool must be full; with one, that must be a block it has had before. */
static bool head_free_block_fits(const struct head_layout *head, uint64_t address, uint32_t block,
                                 uint32_t capacity)
{
    if (head->free_block == 0)
        return head->count == capacity;
    if (head->free_block < address + POOL_HEAD_SIZE ||
        head->free_block >= address + head->next_offset)
        return false;
    return (head->free_block - address - POOL_HEAD_SIZE) % block == 0;
}

bool pool_head_parse(const unsigned char bytes[static POOL_HEAD_SIZE], uint64_t address,
                     uint32_t pool_bytes, struct pool_head *ret_head)
{
    struct head_layout head;
    memcpy(&head, bytes, sizeof(head));
    uint32_t block = head_block_bytes(&head, pool_bytes);
    if (block == 0 || address == 0 || address % pool_bytes != 0)
        return false;
    uint32_t capacity = (pool_bytes - POOL_HEAD_SIZE) / block;
    if (head.next_offset < POOL_HEAD_SIZE || (head.next_offset - POOL_HEAD_SIZE) % block != 0)
        return false;
    uint32_t carved = (head.next_offset - POOL_HEAD_SIZE) / block;
    if (carved == 0 || carved > capacity || head.count > carved)
        return false;
    if (!head_free_block_fits(&head, address, block, capacity))
        return false;
    *ret_head = (struct pool_head){.block_bytes = block,
                                   .blocks = head.count,
                                   .capacity = capacity,
                                   .arena = head.arena_index};
    return true;
}

/* An arena is one range of addresses. Two interpreters may each have one of the same number. */
static bool tally_is_same_arena(const struct pool_tally *tally, uint64_t address,
                                uint32_t pool_bytes, uint32_t arena)
{
    return tally->arenas > 0 && tally->arena == arena &&
           address - tally->arena_address < (uint64_t)pool_bytes * POOL_ARENA_POOLS;
}

void pool_tally_add(struct pool_tally *tally, uint64_t address, uint32_t pool_bytes,
                    const struct pool_head *head)
{
    if (!tally_is_same_arena(tally, address, pool_bytes, head->arena)) {
        tally->arenas++;
        tally->arena = head->arena;
        tally->arena_address = address;
    }
    if (head->blocks == 0) {
        tally->free_pools++;
        tally->free_bytes += pool_bytes;
        return;
    }
    struct pool_class *class = &tally->classes[head->block_bytes / POOL_BLOCK_STEP - 1];
    class->pools++;
    class->blocks += head->blocks;
    tally->used_pools++;
    tally->blocks += head->blocks;
    tally->used_bytes += (uint64_t)head->blocks * head->block_bytes;
    tally->pinned_bytes += (uint64_t)(head->capacity - head->blocks) * head->block_bytes;
}
