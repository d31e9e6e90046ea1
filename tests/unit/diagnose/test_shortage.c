/* SPDX-License-Identifier: MIT */
#include "diagnose/shortage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define GIB  (INT64_C(1) << 30)
#define NONE (-1)

static const struct {
    int64_t total, available, some10, some60, full10;
    enum shortage_state state;
    const char *says;
} cases[] = {
    {16 * GIB, 8 * GIB, 0, 0, 0, SHORTAGE_NONE, "not short: 8.0 GiB of 16.0 GiB"},
    {16 * GIB, 8 * GIB, NONE, NONE, NONE, SHORTAGE_NONE, "are available."},
    {16 * GIB, GIB, 0, 0, 0, SHORTAGE_NEAR, "only 1.0 GiB of 16.0 GiB"},
    {16 * GIB, 8 * GIB, 1500, 0, 0, SHORTAGE_NOW, "tasks wait"},
    {16 * GIB, 8 * GIB, 900, 0, 250, SHORTAGE_NOW, "tasks wait"},
    {16 * GIB, GIB / 8, 0, 0, 0, SHORTAGE_NOW, "short now"},
    {16 * GIB, 8 * GIB, 0, 1500, 0, SHORTAGE_RECENT, "within the last minute"},
    {NONE, NONE, 9000, 0, 0, SHORTAGE_UNKNOWN, "does not say"},
    {16 * GIB, NONE, NONE, NONE, NONE, SHORTAGE_UNKNOWN, "does not say"},
};

static void every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct {
            enum metric metric;
            int64_t value;
        } values[] = {{METRIC_MEM_TOTAL, cases[i].total},
                      {METRIC_MEM_AVAILABLE, cases[i].available},
                      {METRIC_PSI_SOME_AVG10, cases[i].some10},
                      {METRIC_PSI_SOME_AVG60, cases[i].some60},
                      {METRIC_PSI_FULL_AVG10, cases[i].full10}};
        struct sample host = {0};
        struct shortage shortage;
        for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++)
            if (values[k].value != NONE)
                sample_set(&host, values[k].metric, values[k].value, 1);
        shortage_find(&host, &shortage);
        print_message("%s\n", shortage.sentence);
        assert_int_equal(shortage.state, cases[i].state);
        assert_non_null(strstr(shortage.sentence, cases[i].says));
        assert_true(shortage.line_count > 0 || shortage.state == SHORTAGE_UNKNOWN);
        assert_non_null(shortage.next);
    }
}

/* All there is to say fits. */
static void every_line(void **state)
{
    (void)state;
    struct sample host = {0};
    struct shortage shortage;
    for (enum metric metric = METRIC_HOST_FIRST; metric < METRIC_COUNT; metric++)
        sample_set(&host, metric, 5000, 1);
    sample_set(&host, METRIC_MEM_TOTAL, 16 * GIB, 1);
    sample_set(&host, METRIC_MEM_AVAILABLE, GIB, 1);
    sample_set(&host, METRIC_MEM_CACHED, 3 * GIB, 1);
    sample_set(&host, METRIC_MEM_SHMEM, 2 * GIB, 1);
    shortage_find(&host, &shortage);
    assert_int_equal(shortage.line_count, SHORTAGE_LINES);
    assert_non_null(strstr(shortage.lines[2], "tmpfs: 2.0 GiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_state), cmocka_unit_test(every_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
