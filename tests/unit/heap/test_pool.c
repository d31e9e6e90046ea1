/* SPDX-License-Identifier: MIT */
#include "heap/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE UINT64_C(0x7f1234500000) /* a multiple of every pool size */

/* The fields of obmalloc's struct pool_header, in its order. */
struct head {
    uint32_t count, padding;
    uint64_t free_block, next_pool, previous_pool;
    uint32_t arena, size_index, next_offset, max_next_offset;
};

_Static_assert(sizeof(struct head) == POOL_HEAD_SIZE, "the layout of a head");

/* A pool of this version's size with `count` of `carved` blocks in use; the last is free. */
static struct head make(uint32_t pool_bytes, uint32_t step, uint32_t size_index, uint32_t carved,
                        uint32_t count)
{
    uint32_t block = (size_index + 1) * step, capacity = (pool_bytes - POOL_HEAD_SIZE) / block;
    return (struct head){
        .count = count,
        .free_block = count == capacity ? 0 : BASE + POOL_HEAD_SIZE + (carved - 1) * block,
        .next_pool = BASE + 5,
        .previous_pool = 77,
        .arena = 3,
        .size_index = size_index,
        .next_offset = POOL_HEAD_SIZE + carved * block,
        .max_next_offset = pool_bytes - block,
    };
}

static bool parse(const struct head *head, uint64_t address, uint32_t pool_bytes,
                  struct pool_head *ret_head)
{
    unsigned char bytes[POOL_HEAD_SIZE];
    memcpy(bytes, head, sizeof(bytes));
    return pool_head_parse(bytes, address, pool_bytes, ret_head);
}

static void refuse(struct head head)
{
    struct pool_head untouched = {.blocks = 42};
    assert_false(parse(&head, BASE, POOL_BYTES_OLD, &untouched));
    assert_int_equal(untouched.blocks, 42);
}

static void test_every_shape_of_every_version(void **state)
{
    (void)state;
    static const struct {
        uint32_t pool_bytes, step;
    } shapes[] = {{POOL_BYTES_OLD, 8}, {POOL_BYTES_OLD, 16}, {POOL_BYTES_NEW, 16}};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        uint32_t bytes = shapes[i].pool_bytes, step = shapes[i].step;
        for (uint32_t index = 0; index < POOL_BLOCK_MAX / step; index++) {
            uint32_t block = (index + 1) * step, capacity = (bytes - POOL_HEAD_SIZE) / block;
            for (uint32_t carved = 1; carved <= capacity; carved++) {
                struct pool_head found = {0};
                struct head head = make(bytes, step, index, carved, carved - 1);
                assert_true(parse(&head, BASE, bytes, &found));
                assert_int_equal(found.block_bytes, block);
                assert_int_equal(found.blocks, carved - 1);
                assert_int_equal(found.capacity, capacity);
                assert_int_equal(found.arena, 3);
                /* Never a pool of the other size as well. */
                uint32_t other = bytes == POOL_BYTES_OLD ? POOL_BYTES_NEW : POOL_BYTES_OLD;
                assert_false(parse(&head, BASE, other, &found));
            }
            struct pool_head found;
            struct head full = make(bytes, step, index, capacity, capacity);
            assert_true(parse(&full, BASE, bytes, &found));
            assert_int_equal(found.blocks, capacity);
        }
    }
}

static void test_numbers_that_do_not_agree(void **state)
{
    (void)state;
    const struct head good = make(POOL_BYTES_OLD, 16, 3, 10, 4); /* 63 blocks of 64 bytes */
    struct pool_head found;
    assert_true(parse(&good, BASE, POOL_BYTES_OLD, &found));
    struct head bad = good;
    bad.size_index = 64;
    refuse(bad);
    bad = good;
    bad.size_index = UINT32_MAX; /* so that the next one is 0 */
    refuse(bad);
    bad = good;
    bad.size_index++;
    refuse(bad);
    bad = good;
    bad.max_next_offset -= 8;
    refuse(bad);
    bad = good;
    bad.max_next_offset = POOL_BYTES_OLD;
    refuse(bad);
    bad = good;
    bad.next_offset += 8;
    refuse(bad);
    bad = good;
    bad.next_offset = POOL_HEAD_SIZE;
    refuse(bad);
    bad = good;
    bad.next_offset = 0U - 16; /* one block before the first */
    refuse(bad);
    bad = good;
    bad.next_offset = POOL_HEAD_SIZE + 64 * 64; /* one more than there is room for */
    refuse(bad);
    bad = good;
    bad.count = 11; /* of 10 that were ever used */
    refuse(bad);
    bad = good;
    bad.count = UINT32_MAX;
    refuse(bad);
}

static void test_free_block_must_be_one_of_its_own(void **state)
{
    (void)state;
    const struct head good = make(POOL_BYTES_OLD, 16, 3, 10, 4);
    struct head bad = good;
    bad.free_block = 0; /* only a full pool has none */
    refuse(bad);
    bad.free_block = BASE + 16; /* inside the head */
    refuse(bad);
    bad.free_block = BASE - 64;
    refuse(bad);
    bad.free_block = good.free_block + 1;
    refuse(bad);
    bad.free_block = good.free_block + 64; /* never used */
    refuse(bad);
    bad.free_block = good.free_block + POOL_BYTES_OLD; /* of the next pool */
    refuse(bad);
    struct head full = make(POOL_BYTES_OLD, 16, 3, 63, 63);
    full.count--;
    refuse(full);
}

static void test_a_head_is_good_at_its_address_only(void **state)
{
    (void)state;
    const struct head head = make(POOL_BYTES_OLD, 16, 3, 10, 4);
    struct pool_head found;
    assert_false(parse(&head, BASE + POOL_BYTES_OLD, POOL_BYTES_OLD, &found));
    assert_false(parse(&head, BASE + 16, POOL_BYTES_OLD, &found));
    assert_false(parse(&head, 0, POOL_BYTES_OLD, &found));
    /* At the end of the address space nothing wraps around. */
    struct head last = head;
    last.free_block = UINT64_MAX;
    assert_false(parse(&last, UINT64_MAX - POOL_BYTES_OLD + 1, POOL_BYTES_OLD, &found));
}

static void test_a_head_need_not_be_aligned(void **state)
{
    (void)state;
    unsigned char bytes[POOL_HEAD_SIZE + 1];
    const struct head head = make(POOL_BYTES_NEW, 16, 0, 2, 1);
    struct pool_head found;
    memcpy(bytes + 1, &head, sizeof(head));
    assert_true(pool_head_parse(bytes + 1, BASE, POOL_BYTES_NEW, &found));
}

static void test_random_bytes_are_no_pools(void **state)
{
    (void)state;
    unsigned char bytes[POOL_HEAD_SIZE];
    struct pool_head found;
    srandom(1);
    for (unsigned round = 0; round < 2000000; round++) {
        uint64_t address = BASE + (uint64_t)round * POOL_BYTES_NEW;
        for (size_t i = 0; i < sizeof(bytes); i += 4) {
            /* Half of them small, as numbers in real programs are. */
            uint32_t word = (uint32_t)random();
            if (round % 2)
                word %= 4200;
            memcpy(bytes + i, &word, sizeof(word));
        }
        assert_false(pool_head_parse(bytes, address, POOL_BYTES_OLD, &found));
        assert_false(pool_head_parse(bytes, address, POOL_BYTES_NEW, &found));
    }
}

static void test_tally(void **state)
{
    (void)state;
    struct pool_tally tally = {0};
    const struct pool_head small = {.block_bytes = 16, .blocks = 10, .capacity = 253, .arena = 0};
    const struct pool_head large = {.block_bytes = 512, .blocks = 7, .capacity = 7, .arena = 0};
    const struct pool_head empty = {.block_bytes = 64, .blocks = 0, .capacity = 63, .arena = 0};
    pool_tally_add(&tally, BASE, POOL_BYTES_OLD, &small);
    pool_tally_add(&tally, BASE + 4096, POOL_BYTES_OLD, &large);
    pool_tally_add(&tally, BASE + 2 * 4096, POOL_BYTES_OLD, &empty);
    pool_tally_add(&tally, BASE + 3 * 4096, POOL_BYTES_OLD, &small);
    assert_int_equal(tally.used_pools, 3);
    assert_int_equal(tally.free_pools, 1);
    assert_int_equal(tally.blocks, 27);
    assert_int_equal(tally.used_bytes, 20 * 16 + 7 * 512);
    assert_int_equal(tally.pinned_bytes, 2 * 243 * 16);
    assert_int_equal(tally.free_bytes, 4096);
    assert_int_equal(tally.classes[1].pools, 2);
    assert_int_equal(tally.classes[1].blocks, 20);
    assert_int_equal(tally.classes[POOL_CLASSES - 1].pools, 1);
    assert_int_equal(tally.classes[POOL_CLASSES - 1].blocks, 7);
    assert_int_equal(tally.classes[7].pools, 0); /* of a free pool it means nothing */
    assert_int_equal(tally.arenas, 1);
}

static void test_arenas(void **state)
{
    (void)state;
    struct pool_tally tally = {0};
    struct pool_head head = {.block_bytes = 16, .blocks = 1, .capacity = 1000, .arena = 0};
    const uint64_t arena_bytes = 64 * POOL_BYTES_NEW;
    pool_tally_add(&tally, BASE, POOL_BYTES_NEW, &head);
    pool_tally_add(&tally, BASE + 63 * POOL_BYTES_NEW, POOL_BYTES_NEW, &head);
    assert_int_equal(tally.arenas, 1);
    head.arena = 1; /* the neighbour */
    pool_tally_add(&tally, BASE + arena_bytes, POOL_BYTES_NEW, &head);
    assert_int_equal(tally.arenas, 2);
    /* Another interpreter counts from the beginning again. */
    pool_tally_add(&tally, BASE + 2 * arena_bytes, POOL_BYTES_NEW, &head);
    assert_int_equal(tally.arenas, 3);
}

static void test_versions(void **state)
{
    (void)state;
    assert_int_equal(pool_bytes_of_version(2, 7), POOL_BYTES_OLD);
    assert_int_equal(pool_bytes_of_version(3, 6), POOL_BYTES_OLD);
    assert_int_equal(pool_bytes_of_version(3, 9), POOL_BYTES_OLD);
    assert_int_equal(pool_bytes_of_version(3, 10), POOL_BYTES_NEW);
    assert_int_equal(pool_bytes_of_version(3, 13), POOL_BYTES_NEW);
    assert_int_equal(pool_bytes_of_version(0, 0), 0);
    assert_int_equal(pool_bytes_of_version(2, 6), 0);
    assert_int_equal(pool_bytes_of_version(4, 0), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shape_of_every_version),
        cmocka_unit_test(test_numbers_that_do_not_agree),
        cmocka_unit_test(test_free_block_must_be_one_of_its_own),
        cmocka_unit_test(test_a_head_is_good_at_its_address_only),
        cmocka_unit_test(test_a_head_need_not_be_aligned),
        cmocka_unit_test(test_random_bytes_are_no_pools),
        cmocka_unit_test(test_tally),
        cmocka_unit_test(test_arenas),
        cmocka_unit_test(test_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
