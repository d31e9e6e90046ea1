/* SPDX-License-Identifier: MIT */
#include "agents/statistics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_was_said_is_set(void **state)
{
    (void)state;
    const struct control_stats stats = {
        .has = CONTROL_HAS_MALLOC_FREE | CONTROL_HAS_GC_ENABLED | CONTROL_HAS_GC_COUNT,
        .malloc_free_bytes = 4096,
        .gc_count = {7, 8, 9},
    };
    struct sample sample = {0};
    int64_t value = -1;
    statistics_into_sample(&stats, 55, &sample);
    assert_true(sample_get(&sample, METRIC_HEAP_FREE, &value));
    assert_int_equal(value, 4096);
    assert_int_equal(sample_time(&sample, METRIC_HEAP_FREE), 55);
    assert_true(sample_get(&sample, METRIC_PY_GC_COUNT2, &value));
    assert_int_equal(value, 9);
    assert_true(sample_get(&sample, METRIC_PY_GC_ENABLED, &value));
    assert_int_equal(value, 0);
}

static void dear_answers_are_asked_for_rarely(void **state)
{
    (void)state;
    static const struct {
        uint64_t malloc_usec, hold_usec, least_usec, interval_usec;
    } cases[] = {
        {0, 0, 5000000, 5000000}, /* nothing known yet */
        {15, 100, 1000000, 1000000},
        {4900, 0, 500000, 980000},            /* 0.5 % of the time */
        {3000, 2100, 1000000, 20000000},      /* stands still for too long: 20 times */
        {217000, 0, 1000000, 43400000},       /* glibc with very many free chunks */
        {217000, 0, 5000000, 100000000},      /* the same, nobody in a hurry */
        {UINT64_MAX, 1, 1000000, UINT64_MAX}, /* whoever says so is not asked again */
        {0, UINT64_MAX / 100, 1000000, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct control_stats stats = {.malloc_usec = cases[i].malloc_usec,
                                            .hold_usec = cases[i].hold_usec};
        uint64_t interval = statistics_interval_usec(&stats, cases[i].least_usec);
        assert_int_equal(interval, cases[i].interval_usec);
    }
}

static void what_was_not_said_is_absent(void **state)
{
    (void)state;
    const struct control_stats stats = {.has = CONTROL_HAS_PY_BLOCKS, .malloc_total_bytes = 1};
    struct sample sample = {0};
    sample_set(&sample, METRIC_HEAP_TOTAL, 1, 1);
    sample_set(&sample, METRIC_PY_GC_ENABLED, 1, 1);
    sample_set(&sample, METRIC_RSS, 1, 1);
    statistics_into_sample(&stats, 2, &sample);
    assert_false(sample_has(&sample, METRIC_HEAP_TOTAL));
    assert_false(sample_has(&sample, METRIC_PY_GC_ENABLED));
    assert_true(sample_has(&sample, METRIC_PY_BLOCKS));
    assert_true(sample_has(&sample, METRIC_RSS));
}

static void pools_stay_until_they_are_told_again(void **state)
{
    (void)state;
    struct control_stats stats = {.has = CONTROL_HAS_PY_POOLS, .py_used_bytes = 5, .py_pools = 2};
    struct sample sample = {0};
    int64_t value = -1;
    statistics_pools_into_sample(&stats, 7, &sample);
    stats.has = CONTROL_HAS_PY_BLOCKS;
    stats.py_used_bytes = 0;
    statistics_pools_into_sample(&stats, 9, &sample);
    statistics_into_sample(&stats, 9, &sample);
    assert_true(sample_get(&sample, METRIC_PY_USED, &value));
    assert_int_equal(value, 5);
    assert_int_equal(sample_time(&sample, METRIC_PY_POOLS), 7);
}

static void hello_into_info(void **state)
{
    (void)state;
    const struct control_hello hello = {
        .version = 1,
        .runtime = "a runtime with a name longer than fits",
        .allocator = "glibc 2.36",
    };
    struct agent_info info;
    statistics_into_info(&hello, &info);
    assert_string_equal(info.runtime, "a runtime with a name l");
    assert_string_equal(info.allocator, "glibc 2.36");
    assert_int_equal(info.version, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_said_is_set),
        cmocka_unit_test(dear_answers_are_asked_for_rarely),
        cmocka_unit_test(what_was_not_said_is_absent),
        cmocka_unit_test(pools_stay_until_they_are_told_again),
        cmocka_unit_test(hello_into_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
