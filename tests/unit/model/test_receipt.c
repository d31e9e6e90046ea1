/* SPDX-License-Identifier: MIT */
#include "model/receipt.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MIB (INT64_C(1) << 20)

static struct measure measured(int64_t rss, int64_t uss, int64_t swap, int64_t family)
{
    struct measure measure = {0};
    if (rss >= 0)
        measure_set(&measure, MEASURE_RSS, rss);
    if (uss >= 0)
        measure_set(&measure, MEASURE_USS, uss);
    if (swap >= 0)
        measure_set(&measure, MEASURE_SWAP, swap);
    if (family >= 0)
        measure_set(&measure, MEASURE_FAMILY_PSS, family);
    return measure;
}

static void test_basis_is_the_best_that_both_can_serve(void **state)
{
    (void)state;
    struct measure all = measured(10, 5, 0, 7), no_family = measured(10, 5, 0, -1),
                   no_swap = measured(10, 5, -1, -1), rss = measured(10, -1, -1, -1);
    assert_int_equal(receipt_basis_of(&all, &all, 4), RECEIPT_BASIS_FAMILY_PSS);
    assert_int_equal(receipt_basis_of(&all, &all, 1), RECEIPT_BASIS_USS);
    assert_int_equal(receipt_basis_of(&no_family, &all, 1), RECEIPT_BASIS_USS);
    assert_int_equal(receipt_basis_of(&all, &no_swap, 1), RECEIPT_BASIS_RSS);
    assert_int_equal(receipt_basis_of(&rss, &all, 1), RECEIPT_BASIS_RSS);
    /* USS of one member of a family is never the truth about it. */
    assert_int_equal(receipt_basis_of(&no_family, &no_family, 4), RECEIPT_BASIS_RSS);
    assert_int_equal(receipt_basis_of(&all, &no_family, 4), RECEIPT_BASIS_RSS);
}

static void test_bytes_on_a_basis(void **state)
{
    (void)state;
    struct measure measure = measured(100, 60, 7, 90), rss = measured(100, 60, -1, -1);
    int64_t bytes = -1;
    assert_true(measure_on_basis(&measure, RECEIPT_BASIS_USS, &bytes));
    assert_int_equal(bytes, 67);
    assert_true(measure_on_basis(&measure, RECEIPT_BASIS_FAMILY_PSS, &bytes));
    assert_int_equal(bytes, 90);
    assert_true(measure_on_basis(&measure, RECEIPT_BASIS_RSS, &bytes));
    assert_int_equal(bytes, 100);
    assert_false(measure_on_basis(&rss, RECEIPT_BASIS_USS, &bytes));
    assert_false(measure_on_basis(&rss, RECEIPT_BASIS_FAMILY_PSS, &bytes));
    assert_int_equal(bytes, 100);
}

static void test_judging(void **state)
{
    (void)state;
    static const struct {
        int64_t before, freed;
        enum receipt_outcome outcome;
    } cases[] = {
        {10 * MIB, MIB, RECEIPT_OUTCOME_FREED},
        {10 * MIB, MIB - 1, RECEIPT_OUTCOME_FREED_NOTHING},
        {1000 * MIB, 20 * MIB, RECEIPT_OUTCOME_FREED},
        {1000 * MIB, 19 * MIB, RECEIPT_OUTCOME_FREED_NOTHING},
        {10 * MIB, 0, RECEIPT_OUTCOME_FREED_NOTHING},
        {10 * MIB, -5 * MIB, RECEIPT_OUTCOME_FREED_NOTHING},
        {0, 0, RECEIPT_OUTCOME_FREED_NOTHING},
        {INT64_MAX, INT64_MAX, RECEIPT_OUTCOME_FREED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(receipt_judge(cases[i].before, cases[i].freed), cases[i].outcome);
}

static void test_absent_is_not_zero(void **state)
{
    (void)state;
    struct measure measure = {0};
    int64_t bytes = 42;
    assert_false(measure_get(&measure, MEASURE_PSS, &bytes));
    assert_int_equal(bytes, 42);
    measure_set(&measure, MEASURE_PSS, 0);
    assert_true(measure_get(&measure, MEASURE_PSS, &bytes));
    assert_int_equal(bytes, 0);
}

static void test_outcome_names_round_trip(void **state)
{
    (void)state;
    for (enum receipt_outcome outcome = 0; outcome < RECEIPT_OUTCOME_COUNT; outcome++) {
        enum receipt_outcome found = RECEIPT_OUTCOME_COUNT;
        assert_int_equal(receipt_outcome_find(receipt_outcome_name(outcome), &found), 0);
        assert_int_equal(found, outcome);
    }
    enum receipt_outcome found = RECEIPT_OUTCOME_FREED;
    assert_int_equal(receipt_outcome_find("Freed", &found), -ENOENT);
    assert_int_equal(found, RECEIPT_OUTCOME_FREED);
    assert_string_equal(receipt_basis_name(RECEIPT_BASIS_FAMILY_PSS), "family_pss");
    assert_string_equal(receipt_basis_name(RECEIPT_BASIS_USS), "uss");
    assert_string_equal(receipt_basis_name(RECEIPT_BASIS_RSS), "rss");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basis_is_the_best_that_both_can_serve),
        cmocka_unit_test(test_bytes_on_a_basis),
        cmocka_unit_test(test_judging),
        cmocka_unit_test(test_absent_is_not_zero),
        cmocka_unit_test(test_outcome_names_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
