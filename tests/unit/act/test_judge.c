/* SPDX-License-Identifier: MIT */
#include "act/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MIB (INT64_C(1) << 20)

static struct measure before, after;
static int64_t size;

static int setup(void **state)
{
    (void)state;
    before = after = (struct measure){0};
    size = -1;
    return 0;
}

static void swap_only_rises(void **state)
{
    (void)state;
    assert_int_equal(judge_moved_to_swap(&before, &after), 0);
    measure_set(&before, MEASURE_SWAP, 10 * MIB);
    assert_int_equal(judge_moved_to_swap(&before, &after), 0);
    measure_set(&after, MEASURE_SWAP, 14 * MIB);
    assert_int_equal(judge_moved_to_swap(&before, &after), 4 * MIB);
    measure_set(&after, MEASURE_SWAP, 3 * MIB);
    assert_int_equal(judge_moved_to_swap(&before, &after), 0);
}

static void freed_may_be_negative(void **state)
{
    (void)state;
    measure_set(&before, MEASURE_FAMILY_PSS, 100 * MIB);
    measure_set(&after, MEASURE_FAMILY_PSS, 280 * MIB);
    assert_int_equal(judge_freed(&before, &after, RECEIPT_BASIS_FAMILY_PSS, &size), -180 * MIB);
    assert_int_equal(size, 100 * MIB);
}

static void rss_that_went_to_swap_is_not_freed(void **state)
{
    (void)state;
    measure_set(&before, MEASURE_RSS, 100 * MIB);
    measure_set(&after, MEASURE_RSS, 40 * MIB);
    measure_set(&before, MEASURE_SWAP, 0);
    measure_set(&after, MEASURE_SWAP, 50 * MIB);
    assert_int_equal(judge_freed(&before, &after, RECEIPT_BASIS_RSS, &size), 10 * MIB);
}

static void what_lacks_is_nothing(void **state)
{
    (void)state;
    measure_set(&before, MEASURE_USS, 100 * MIB);
    assert_int_equal(judge_freed(&before, &after, RECEIPT_BASIS_USS, &size), 0);
    assert_int_equal(size, 0);
}

/* A forked child trims pages that its parent still has: RSS falls, the machine gets nothing. */
static void a_child_that_trims_shared_pages_freed_nothing(void **state)
{
    (void)state;
    measure_set(&before, MEASURE_RSS, 239 * MIB);
    measure_set(&after, MEASURE_RSS, 49 * MIB);
    measure_set(&before, MEASURE_FAMILY_PSS, 245 * MIB);
    measure_set(&after, MEASURE_FAMILY_PSS, 244 * MIB + MIB / 2);
    assert_int_equal(judge_step(&before, &after, 2), RECEIPT_OUTCOME_FREED_NOTHING);
    assert_int_equal(judge_step(&before, &after, 1), RECEIPT_OUTCOME_FREED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(swap_only_rises, setup),
        cmocka_unit_test_setup(freed_may_be_negative, setup),
        cmocka_unit_test_setup(rss_that_went_to_swap_is_not_freed, setup),
        cmocka_unit_test_setup(what_lacks_is_nothing, setup),
        cmocka_unit_test_setup(a_child_that_trims_shared_pages_freed_nothing, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
