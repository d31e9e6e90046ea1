/* SPDX-License-Identifier: MIT */
#include "collect/proc_rollup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const rollup_lines[] = {
    "00400000-7ffd71d1c000 ---p 00000000 00:00 0                              [rollup]\n",
    "Rss:                1000 kB\n",
    "Pss:                 900 kB\n",
    "Pss_Dirty:             1 kB\n",
    "Shared_Clean:         50 kB\n",
    "Shared_Dirty:         60 kB\n",
    "Private_Clean:        70 kB\n",
    "Private_Dirty:       820 kB\n",
    "Referenced:            1 kB\n",
    "Anonymous:           700 kB\n",
    "Swap:                 30 kB\n",
    "SwapPss:              20 kB\n",
    "Locked:               10 kB\n",
};

#define LINES (sizeof(rollup_lines) / sizeof(rollup_lines[0]))

/* All lines but one. */
static size_t rollup_without(size_t left_out, char *ret_text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < LINES; i++)
        if (i != left_out)
            length += (size_t)snprintf(ret_text + length, size - length, "%s", rollup_lines[i]);
    return length;
}

static void test_fields(void **state)
{
    (void)state;
    char text[1024];
    size_t length = rollup_without(LINES, text, sizeof(text));
    struct proc_rollup rollup;
    assert_int_equal(proc_rollup_parse(text, length, &rollup), OUTCOME_OK);
    assert_int_equal(rollup.rss_bytes, 1000 * 1024);
    assert_int_equal(rollup.pss_bytes, 900 * 1024);
    assert_int_equal(rollup.uss_bytes, (70 + 820) * 1024);
    assert_int_equal(rollup.shared_bytes, (50 + 60) * 1024);
    assert_int_equal(rollup.private_dirty_bytes, 820 * 1024);
    assert_int_equal(rollup.anonymous_bytes, 700 * 1024);
    assert_int_equal(rollup.swap_bytes, 30 * 1024);
    assert_int_equal(rollup.swap_pss_bytes, 20 * 1024);
    assert_int_equal(rollup.locked_bytes, 10 * 1024);
}

static void test_one_missing_key_is_too_many(void **state)
{
    (void)state;
    static const size_t not_ours[] = {0, 3, 8};
    for (size_t i = 0; i < LINES; i++) {
        char text[1024];
        size_t length = rollup_without(i, text, sizeof(text));
        struct proc_rollup rollup = {.pss_bytes = 77};
        bool needed = i != not_ours[0] && i != not_ours[1] && i != not_ours[2];
        assert_int_equal(proc_rollup_parse(text, length, &rollup),
                         needed ? OUTCOME_MALFORMED : OUTCOME_OK);
        assert_int_equal(rollup.pss_bytes, needed ? 77 : 900 * 1024);
    }
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    char text[1024];
    size_t whole = rollup_without(LINES, text, sizeof(text));
    for (size_t length = 0; length < whole; length++) {
        struct proc_rollup rollup = {.pss_bytes = 77};
        assert_int_equal(proc_rollup_parse(text, length, &rollup), OUTCOME_MALFORMED);
        assert_int_equal(rollup.pss_bytes, 77);
    }
}

static void test_numbers_no_machine_has(void **state)
{
    (void)state;
    char text[1024];
    size_t length = rollup_without(7, text, sizeof(text));
    length += (size_t)snprintf(text + length, sizeof(text) - length,
                               "Private_Dirty: 9007199254740993 kB\n");
    struct proc_rollup rollup;
    assert_int_equal(proc_rollup_parse(text, length, &rollup), OUTCOME_MALFORMED);
}

static void test_sample(void **state)
{
    (void)state;
    struct proc_rollup rollup = {.pss_bytes = 3, .uss_bytes = 2, .swap_pss_bytes = 1};
    struct sample sample = {0};
    int64_t value;
    proc_rollup_sample(&rollup, 5, &sample);
    assert_true(sample_get(&sample, METRIC_PSS, &value) && value == 3);
    assert_true(sample_get(&sample, METRIC_USS, &value) && value == 2);
    assert_true(sample_get(&sample, METRIC_SWAP_PSS, &value) && value == 1);
    assert_false(sample_has(&sample, METRIC_SWAP));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),       cmocka_unit_test(test_one_missing_key_is_too_many),
        cmocka_unit_test(test_cut_anywhere), cmocka_unit_test(test_numbers_no_machine_has),
        cmocka_unit_test(test_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
