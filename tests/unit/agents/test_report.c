/* SPDX-License-Identifier: MIT */
#include "agents/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct agent_value *find(const struct agent_report *report, const char *section,
                                      const char *key)
{
    for (size_t i = 0; i < report->value_count; i++)
        if (strcmp(report->values[i].section, section) == 0 &&
            strcmp(report->values[i].key, key) == 0)
            return &report->values[i];
    return NULL;
}

static void only_what_was_said_is_in_it(void **state)
{
    (void)state;
    const struct control_stats stats = {
        .has = CONTROL_HAS_MALLOC_IN_USE | CONTROL_HAS_GC_COLLECTED | CONTROL_HAS_GC_ENABLED,
        .malloc_in_use_bytes = 4096,
        .malloc_free_bytes = 1,
        .gc_collected = {1, 2, 3},
    };
    const struct control_stats none = {0};
    struct agent_report report;
    report_fill(&stats, &none, &report);
    assert_int_equal(report.value_count, 3);
    assert_int_equal(find(&report, "malloc", "in_use_bytes")->numbers[0], 4096);
    assert_int_equal(find(&report, "gc", "collected")->numbers[2], 3);
    assert_int_equal(find(&report, "gc", "enabled")->numbers[0], 0);
    assert_null(find(&report, "malloc", "free_bytes"));
    assert_false(report.has_pools);
    assert_int_equal(report.class_count, 0);
}

static void pools_come_from_the_answer_that_told_them(void **state)
{
    (void)state;
    const struct control_stats stats = {.has = CONTROL_HAS_PY_BLOCKS, .py_blocks = 9};
    struct control_stats pools = {
        .has = CONTROL_HAS_PY_POOLS | CONTROL_HAS_PY_BLOCKS, .py_blocks = 8, .py_used_bytes = 70};
    struct agent_report report;
    pools.py_class_pools.count = pools.py_class_blocks.count = CONTROL_CLASSES_MAX;
    pools.py_class_pools.values[63] = 5;
    pools.py_class_blocks.values[63] = 6;
    report_fill(&stats, &pools, &report);
    assert_true(report.has_pools);
    assert_int_equal(find(&report, "gc", "allocated_blocks")->numbers[0], 9);
    assert_int_equal(find(&report, "pymalloc", "used_bytes")->numbers[0], 70);
    assert_int_equal(report.class_count, 1);
    assert_int_equal(report.classes[0].block_bytes, 512);
    assert_int_equal(report.classes[0].blocks, 6);
}

/* Lists of different lengths are a liar's; nothing is read behind them. */
static void lists_that_do_not_match_are_harmless(void **state)
{
    (void)state;
    struct control_stats pools = {.has = CONTROL_HAS_PY_POOLS};
    struct agent_report report;
    pools.py_class_pools.count = CONTROL_CLASSES_MAX;
    for (size_t i = 0; i < CONTROL_CLASSES_MAX; i++)
        pools.py_class_pools.values[i] = UINT32_MAX;
    report_fill(&pools, &pools, &report);
    assert_int_equal(report.class_count, CONTROL_CLASSES_MAX);
    assert_int_equal(report.classes[63].blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_said_is_in_it),
        cmocka_unit_test(pools_come_from_the_answer_that_told_them),
        cmocka_unit_test(lists_that_do_not_match_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
