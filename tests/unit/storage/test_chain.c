/* SPDX-License-Identifier: MIT */
#include "storage/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int64_t link_row(struct chain *chain, int64_t row, int64_t id)
{
    int64_t previous = -1;
    assert_int_equal(chain_link(chain, row, id, &previous), 0);
    return previous;
}

static void rows_link_to_their_own_last(void **state)
{
    (void)state;
    struct chain chain;
    chain_init(&chain);
    chain_begin(&chain);
    for (int64_t row = 1; row <= 3000; row++)
        assert_int_equal(link_row(&chain, row, row), 0);
    for (int64_t row = 3000; row >= 1; row--)
        assert_int_equal(link_row(&chain, row, row + 10000), row);
    chain_finish(&chain);
}

static void aborting_takes_links_and_ends_back(void **state)
{
    (void)state;
    struct chain chain;
    chain_init(&chain);
    chain_begin(&chain);
    link_row(&chain, 1, 100);
    chain_begin(&chain);
    link_row(&chain, 1, 200);
    link_row(&chain, 1, 201);
    link_row(&chain, 2, 202);
    chain_end(&chain, 1);
    chain_abort(&chain);
    chain_begin(&chain);
    assert_int_equal(link_row(&chain, 1, 300), 100);
    assert_int_equal(link_row(&chain, 2, 301), 0);
    chain_finish(&chain);
}

static void ended_rows_make_room(void **state)
{
    (void)state;
    struct chain chain;
    chain_init(&chain);
    for (int64_t row = 1; row <= 200000; row++) {
        chain_begin(&chain);
        link_row(&chain, row, row);
        chain_end(&chain, row - 1);
    }
    assert_true(chain.slots <= 4096);
    assert_int_equal(link_row(&chain, 200000, 1), 200000);
    chain_finish(&chain);
}

static void has_a_limit(void **state)
{
    (void)state;
    struct chain chain;
    chain_init(&chain);
    chain_begin(&chain);
    int r = 0;
    int64_t row = 0, previous;
    for (; r == 0; row++)
        r = chain_link(&chain, row + 1, row + 1, &previous);
    assert_true(row > 32768 && chain.slots <= CHAIN_SLOTS_LIMIT);
    chain_finish(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_link_to_their_own_last),
        cmocka_unit_test(aborting_takes_links_and_ends_back),
        cmocka_unit_test(ended_rows_make_room),
        cmocka_unit_test(has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
