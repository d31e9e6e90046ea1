/* SPDX-License-Identifier: MIT */
/*
 * Pools of pymalloc, CPython's allocator for objects up to 512 bytes, known by the 48 bytes at
 * their beginning, which have been the same since 2.7. An arena is cut into pools of one size, a
 * pool into blocks of one size. Pure over bytes, whoever read them and from wherever; no
 * allocation, and of the C library only memcpy: the agent compiles it too.
 */
#ifndef MEMTEND_HEAP_POOL_H
#define MEMTEND_HEAP_POOL_H

#include <stdbool.h>
#include <stdint.h>

#define POOL_HEAD_SIZE 48

/* Pools are as large as this and begin at multiples of it. */
#define POOL_BYTES_OLD UINT32_C(4096)  /* CPython 2.7 to 3.9; arenas of 256 KiB */
#define POOL_BYTES_NEW UINT32_C(16384) /* 3.10 and later; arenas of 1 MiB */

/* Blocks are multiples of 8 or of 16 bytes, by version and platform, up to 512. */
#define POOL_BLOCK_STEP 8
#define POOL_BLOCK_MAX  512
#define POOL_CLASSES    (POOL_BLOCK_MAX / POOL_BLOCK_STEP)

struct pool_head {
    uint32_t block_bytes;
    uint32_t blocks;   /* in use; 0: the pool is free, for blocks of any size */
    uint32_t capacity; /* blocks that it can hold */
    uint32_t arena;    /* number of its arena in its interpreter */
};

/* 0 for a version that is not known to have pools of these sizes. */
uint32_t pool_bytes_of_version(unsigned major, unsigned minor);

/*
 * Is this the head of a pool that begins at `address`, a multiple of pool_bytes? Every number in
 * it must agree with the others and with the address: memory that only looks alike does not pass,
 * but for copies of a Python heap at the very address. *ret_head is untouched when it is none.
 */
bool pool_head_parse(const unsigned char bytes[static POOL_HEAD_SIZE], uint64_t address,
                     uint32_t pool_bytes, struct pool_head *ret_head);

struct pool_class {
    uint64_t pools; /* that hold a block of this size */
    uint64_t blocks;
};

/* What was found in the memory that has been looked at. Zeroed = nothing yet. */
struct pool_tally {
    uint64_t used_pools;   /* with at least one block in use */
    uint64_t free_pools;   /* have been used before, hold no block now */
    uint64_t blocks;       /* in use */
    uint64_t used_bytes;   /* of those blocks */
    uint64_t pinned_bytes; /* free blocks in used pools: cannot be given back */
    uint64_t free_bytes;   /* of free pools, whole */
    uint64_t arenas;       /* with a pool in them, when pools were added by rising address */
    struct pool_class classes[POOL_CLASSES]; /* [i]: blocks of (i + 1) * POOL_BLOCK_STEP bytes */

    uint64_t arena_address; /* of the first pool of the last arena */
    uint32_t arena;
};

/* Each pool once, by rising address. */
void pool_tally_add(struct pool_tally *tally, uint64_t address, uint32_t pool_bytes,
                    const struct pool_head *head);

#endif
