/* SPDX-License-Identifier: MIT */
/*
 * Memory of a foreign process as heads of pools: 48 bytes each, the first byte of the input says
 * which size and where. What is taken for a pool holds what it says, and no more than it can.
 */
#include "heap/cpython.h"
#include "heap/pool.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void fuzz_heads(const uint8_t *data, size_t size, uint32_t pool_bytes, uint64_t address)
{
    struct pool_tally tally = {0};
    uint64_t looked = 0;
    for (; size >= POOL_HEAD_SIZE; data += POOL_HEAD_SIZE, size -= POOL_HEAD_SIZE) {
        struct pool_head head;
        looked += pool_bytes;
        if (pool_head_parse(data, address, pool_bytes, &head)) {
            must(head.block_bytes >= POOL_BLOCK_STEP && head.block_bytes <= POOL_BLOCK_MAX);
            must(head.blocks <= head.capacity);
            must(head.capacity * head.block_bytes + POOL_HEAD_SIZE <= pool_bytes);
            pool_tally_add(&tally, address, pool_bytes, &head);
        }
        address += pool_bytes;
    }
    must(tally.used_bytes + tally.pinned_bytes + tally.free_bytes <= looked);
    must(tally.arenas <= tally.used_pools + tally.free_pools);
    uint64_t blocks = 0;
    for (size_t i = 0; i < POOL_CLASSES; i++)
        blocks += tally.classes[i].blocks;
    must(blocks == tally.blocks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct cpython version = {0};
    if (cpython_of_file((const char *)data + 1, size - 1, &version))
        must(version.major <= 3 && version.minor <= 99);
    uint32_t pool_bytes = data[0] & 1 ? POOL_BYTES_NEW : POOL_BYTES_OLD;
    uint64_t address = data[0] & 2 ? UINT64_MAX - POOL_BYTES_NEW + 1 : UINT64_C(0x7f1234500000);
    fuzz_heads(data + 1, size - 1, pool_bytes, address);
    return 0;
}
