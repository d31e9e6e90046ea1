/* SPDX-License-Identifier: MIT */
#include "model/metric.h"
#include "base/text.h"
#include "model/sample.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_table_is_whole_and_names_are_unique(void **state)
{
    (void)state;
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        const struct metric_info *info = metric_info(metric);
        assert_true(text_is_name(info->name, METRIC_JSON_NAME_SIZE - 10));
        assert_true(strlen(info->help) > 3);
        char json[METRIC_JSON_NAME_SIZE];
        metric_json_name(metric, json);
        assert_null(strchr(json, '.'));
        for (enum metric other = 0; other < metric; other++) {
            char other_json[METRIC_JSON_NAME_SIZE];
            metric_json_name(other, other_json);
            assert_string_not_equal(info->name, metric_info(other)->name);
            assert_string_not_equal(json, other_json);
        }
    }
}

static void test_process_metrics_come_first(void **state)
{
    (void)state;
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
        assert_int_equal(metric_info(metric)->scope,
                         metric < METRIC_HOST_FIRST ? METRIC_SCOPE_PROCESS : METRIC_SCOPE_HOST);
}

static void test_find_by_both_names(void **state)
{
    (void)state;
    enum metric found;
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        char json[METRIC_JSON_NAME_SIZE];
        metric_json_name(metric, json);
        assert_int_equal(metric_find(metric_info(metric)->name, &found), 0);
        assert_int_equal(found, metric);
        assert_int_equal(metric_find(json, &found), 0);
        assert_int_equal(found, metric);
    }
    found = METRIC_CPU;
    assert_int_equal(metric_find("heap-free", &found), -ENOENT);
    assert_int_equal(metric_find("", &found), -ENOENT);
    assert_int_equal(found, METRIC_CPU);
}

static void test_json_names_carry_the_unit(void **state)
{
    (void)state;
    static const struct {
        enum metric metric;
        const char *json;
    } cases[] = {
        {METRIC_RSS, "rss_bytes"},       {METRIC_HEAP_FREE, "heap_free_bytes"},
        {METRIC_CPU, "cpu_percent"},     {METRIC_AGE, "age_seconds"},
        {METRIC_THREADS, "threads"},     {METRIC_PY_GC_ENABLED, "py_gc_enabled"},
        {METRIC_OOM_KILLS, "oom_kills"}, {METRIC_PSI_SOME_AVG10, "psi_some_avg10_percent"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[METRIC_JSON_NAME_SIZE];
        metric_json_name(cases[i].metric, json);
        assert_string_equal(json, cases[i].json);
    }
}

static void test_sample_keeps_absent_apart_from_zero(void **state)
{
    (void)state;
    struct sample sample = {0};
    int64_t value = 42;
    assert_false(sample_has(&sample, METRIC_SWAP));
    assert_false(sample_get(&sample, METRIC_SWAP, &value));
    assert_int_equal(value, 42);
    assert_int_equal(sample_time(&sample, METRIC_SWAP), 0);
    sample_set(&sample, METRIC_SWAP, 0, 77);
    assert_true(sample_get(&sample, METRIC_SWAP, &value));
    assert_int_equal(value, 0);
    assert_int_equal(sample_time(&sample, METRIC_SWAP), 77);
    sample_clear(&sample, METRIC_SWAP);
    assert_false(sample_has(&sample, METRIC_SWAP));
    assert_int_equal(sample_time(&sample, METRIC_SWAP), 0);
}

static void test_sample_knows_what_changed(void **state)
{
    (void)state;
    struct sample sample = {0};
    sample_set(&sample, METRIC_RSS, 0, 1);
    assert_int_equal(sample.changed, 1u << METRIC_RSS); /* from absent to 0 */
    sample.changed = 0;
    sample_set(&sample, METRIC_RSS, 0, 2);
    sample_touch(&sample, METRIC_RSS, 3);
    sample_clear(&sample, METRIC_SWAP);
    assert_int_equal(sample.changed, 0);
    assert_int_equal(sample_time(&sample, METRIC_RSS), 3);
    sample_set(&sample, METRIC_RSS, 5, 4);
    assert_int_equal(sample.changed, 1u << METRIC_RSS);
    sample.changed = 0;
    sample_clear(&sample, METRIC_RSS);
    assert_int_equal(sample.changed, 1u << METRIC_RSS);
}

static void test_sample_holds_every_metric_of_its_scope(void **state)
{
    (void)state;
    struct sample process = {0}, host = {0};
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
        sample_set(metric < METRIC_HOST_FIRST ? &process : &host, metric, metric, 1);
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        int64_t value = -1;
        assert_true(sample_get(metric < METRIC_HOST_FIRST ? &process : &host, metric, &value));
        assert_int_equal(value, metric);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_whole_and_names_are_unique),
        cmocka_unit_test(test_process_metrics_come_first),
        cmocka_unit_test(test_find_by_both_names),
        cmocka_unit_test(test_json_names_carry_the_unit),
        cmocka_unit_test(test_sample_keeps_absent_apart_from_zero),
        cmocka_unit_test(test_sample_knows_what_changed),
        cmocka_unit_test(test_sample_holds_every_metric_of_its_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
