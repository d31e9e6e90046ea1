/* SPDX-License-Identifier: MIT */
#include "storage/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Of version 1 of the blocks. They are in databases: a line here may be added, none changed. */
static const struct {
    const char *metric;
    uint16_t code;
} given_out[] = {
    {"rss", 16},
    {"cpu", 17},
    {"threads", 18},
    {"faults.major", 19},
    {"age", 20},
    {"anon", 21},
    {"file", 22},
    {"shmem", 23},
    {"swap", 24},
    {"rss.peak", 25},
    {"pss", 26},
    {"uss", 27},
    {"swap.pss", 28},
    {"heap.total", 29},
    {"heap.used", 30},
    {"heap.free", 31},
    {"py.blocks", 32},
    {"py.gc.enabled", 33},
    {"py.gc.count0", 34},
    {"py.gc.count1", 35},
    {"py.gc.count2", 36},
    {"py.gc.garbage", 37},
    {"py.gc.frozen", 38},
    {"py.used", 39},
    {"py.pinned", 40},
    {"py.free", 41},
    {"py.pools", 42},
    {"py.coverage", 43},
    {"mem.total", 96},
    {"mem.available", 97},
    {"mem.free", 98},
    {"mem.cached", 99},
    {"mem.shmem", 100},
    {"swap.total", 101},
    {"swap.free", 102},
    {"psi.some.avg10", 103},
    {"psi.some.avg60", 104},
    {"psi.full.avg10", 105},
    {"psi.full.avg60", 106},
    {"oom.kills", 107},
    {"host.faults.major", 108},
    {"swap.in", 109},
    {"swap.out", 110},
};

static bool is_taken(uint16_t code)
{
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
        if (columns_code(metric) == code)
            return true;
    return false;
}

static void numbers_never_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(given_out) / sizeof(given_out[0]); i++) {
        enum metric metric;
        if (metric_find(given_out[i].metric, &metric) == 0)
            assert_int_equal(columns_code(metric), given_out[i].code);
        else
            assert_false(is_taken(given_out[i].code));
    }
    assert_int_equal(COLUMNS_MONO_USEC, 1);
    assert_int_equal(COLUMNS_WALL_USEC, 2);
    assert_int_equal(COLUMNS_GAP, 3);
    assert_int_equal(columns_of_kind(16, COLUMNS_MIN), 144);
    assert_int_equal(columns_of_kind(16, COLUMNS_MAX), 272);
    assert_int_equal(columns_of_kind(16, COLUMNS_LAST), 400);
    assert_int_equal(columns_of_kind(16, COLUMNS_SUM), 528);
    assert_int_equal(columns_of_kind(16, COLUMNS_COUNT), 656);
}

static void each_stored_metric_has_its_own(void **state)
{
    (void)state;
    bool taken[COLUMNS_CODES] = {[0] = true};
    for (size_t time = COLUMNS_MONO_USEC; time <= COLUMNS_GAP; time++)
        taken[time] = true;
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        uint16_t code = columns_code(metric);
        if (!metric_is_stored(metric)) {
            assert_int_equal(code, 0);
            continue;
        }
        assert_in_range(code, 16, COLUMNS_CODES - 1);
        assert_false(taken[code]);
        taken[code] = true;
        bool of_host = metric_info(metric)->scope == METRIC_SCOPE_HOST;
        assert_int_equal(of_host, code >= 96);
        /* The list above knows it: a new one is written down there, too. */
        bool listed = false;
        for (size_t i = 0; i < sizeof(given_out) / sizeof(given_out[0]); i++)
            listed = listed || (given_out[i].code == code &&
                                strcmp(given_out[i].metric, metric_info(metric)->name) == 0);
        assert_true(listed);
    }
}

static void kinds_go_there_and_back(void **state)
{
    (void)state;
    for (enum columns_kind kind = 0; kind < COLUMNS_KINDS; kind++) {
        uint16_t code = columns_of_kind(columns_code(METRIC_PSS), kind);
        assert_int_equal(columns_kind(code), kind);
        assert_int_equal(columns_of_kind(code, COLUMNS_VALUE), columns_code(METRIC_PSS));
        assert_true(code < COLUMNS_CODE_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_never_change),
        cmocka_unit_test(each_stored_metric_has_its_own),
        cmocka_unit_test(kinds_go_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
