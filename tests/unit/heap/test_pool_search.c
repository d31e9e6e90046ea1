/* SPDX-License-Identifier: MIT */
#include "heap/pool_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool file(struct pool_search *search, bool executed, const char *name)
{
    return pool_search_on_file(search, executed, name, strlen(name));
}

static void test_the_program_tells_all(void **state)
{
    (void)state;
    struct pool_search search = {0};
    assert_true(file(&search, true, "python3.9"));
    assert_true(search.is_cpython);
    assert_int_equal(pool_search_bytes(&search), POOL_BYTES_OLD);
}

static void test_the_library_tells_the_version(void **state)
{
    (void)state;
    struct pool_search search = {0};
    assert_false(file(&search, true, "python"));
    assert_true(search.is_cpython);
    assert_int_equal(pool_search_bytes(&search), POOL_BYTES_NEW);
    assert_false(file(&search, false, "libc.so.6"));
    assert_true(file(&search, false, "libpython2.7.so.1.0"));
    assert_int_equal(search.version.major, 2);
    assert_int_equal(pool_search_bytes(&search), POOL_BYTES_OLD);
}

static void test_a_mapped_file_must_say_more(void **state)
{
    (void)state;
    struct pool_search search = {0};
    assert_false(file(&search, true, "uwsgi"));
    assert_false(file(&search, false, "python"));
    assert_false(search.is_cpython);
    assert_true(file(&search, false, "libpython3.11.so.1.0"));
    assert_true(search.is_cpython);
}

/* As obmalloc lays it out: 16 KiB of blocks of 16 bytes, two carved, one in use. */
static void test_heads_are_added_up(void **state)
{
    (void)state;
    const uint64_t address = UINT64_C(0x7f1234500000);
    const struct {
        uint32_t count, padding;
        uint64_t free_block, next_pool, previous_pool;
        uint32_t arena, size_index, next_offset, max_next_offset;
    } head = {.count = 1,
              .free_block = address + POOL_HEAD_SIZE + 16,
              .next_offset = POOL_HEAD_SIZE + 32,
              .max_next_offset = POOL_BYTES_NEW - 16};
    _Static_assert(sizeof(head) == POOL_HEAD_SIZE, "the layout of a head");
    unsigned char bytes[POOL_HEAD_SIZE], noise[POOL_HEAD_SIZE];
    memcpy(bytes, &head, sizeof(bytes));
    memset(noise, 0x5a, sizeof(noise));
    struct pool_search search = {.pool_bytes = POOL_BYTES_NEW};
    pool_search_on_head(&search, address, bytes);
    pool_search_on_head(&search, address + POOL_BYTES_NEW, noise);
    assert_int_equal(search.tally.used_pools, 1);
    assert_int_equal(search.tally.used_bytes, 16);
    search = (struct pool_search){.pool_bytes = POOL_BYTES_OLD};
    pool_search_on_head(&search, address, bytes);
    assert_int_equal(search.tally.used_pools, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_program_tells_all),
        cmocka_unit_test(test_the_library_tells_the_version),
        cmocka_unit_test(test_a_mapped_file_must_say_more),
        cmocka_unit_test(test_heads_are_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
