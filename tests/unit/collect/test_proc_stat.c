/* SPDX-License-Identifier: MIT */
#include "collect/proc_stat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define REPLACED "\xEF\xBF\xBD"

/* What follows the name: R, ppid 7, threads 3, started at 555, 100 pages. */
#define TAIL                                                                                       \
    " R 7 42 42 0 -1 4194560 1000 20 33 0 11 12 3 4 20 0 3 0 555 16547840 100 "                    \
    "18446744073709551615 1 1 140722 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

static enum outcome parse(const char *text, struct proc_stat *ret_stat)
{
    return proc_stat_parse(text, strlen(text), ret_stat);
}

static void test_fields(void **state)
{
    (void)state;
    struct proc_stat stat;
    assert_int_equal(parse("42 (sleep)" TAIL, &stat), OUTCOME_OK);
    assert_int_equal(stat.id.pid, 42);
    assert_int_equal(stat.id.start_ticks, 555);
    assert_int_equal(stat.ppid, 7);
    assert_int_equal(stat.state, 'R');
    assert_int_equal(stat.major_faults, 33);
    assert_int_equal(stat.user_ticks, 11);
    assert_int_equal(stat.system_ticks, 12);
    assert_int_equal(stat.threads, 3);
    assert_int_equal(stat.rss_bytes, 100 * sysconf(_SC_PAGESIZE));
    assert_int_equal(stat.exec_mark, 140722);
    assert_false(stat.kernel_thread);
    assert_string_equal(stat.comm, "sleep");
}

static void test_kernel_thread(void **state)
{
    (void)state;
    struct proc_stat stat;
    static const char text[] = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 24 0 0 "
                               "18446744073709551615 0 0 0 0\n";
    assert_int_equal(parse(text, &stat), OUTCOME_OK);
    assert_true(stat.kernel_thread);
    assert_int_equal(stat.exec_mark, 0);
    assert_int_equal(stat.rss_bytes, 0);
}

struct name_case {
    const char *raw, *clean;
};

static void test_hostile_names(void **state)
{
    (void)state;
    static const struct name_case cases[] = {
        {"", ""},
        {")", ")"},
        {") R 1", ") R 1"},
        {"x) R 1 1 1 1 (y", "x) R 1 1 1 1 (y"},
        {"((", "(("},
        {"a\nb", "a" REPLACED "b"},
        {"\x1b[31m", REPLACED "[31m"},
        {"\xff\xfe", REPLACED REPLACED},
        {"a\\nb", "a\\nb"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
         REPLACED REPLACED REPLACED REPLACED REPLACED REPLACED REPLACED REPLACED REPLACED REPLACED
             REPLACED REPLACED REPLACED REPLACED REPLACED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        struct proc_stat stat;
        snprintf(text, sizeof(text), "42 (%s)" TAIL, cases[i].raw);
        assert_int_equal(parse(text, &stat), OUTCOME_OK);
        assert_string_equal(stat.comm, cases[i].clean);
        assert_int_equal(stat.ppid, 7);
        assert_int_equal(stat.id.start_ticks, 555);
    }
}

/* Cut anywhere before the last number is whole: nothing at all, never a part. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    static const char text[] = "42 (sleep)" TAIL;
    size_t whole = (size_t)(strstr(text, " 140722 ") - text) + strlen(" 140722 ");
    for (size_t length = 0; length < sizeof(text) - 1; length++) {
        struct proc_stat stat = {.ppid = 99};
        enum outcome outcome = proc_stat_parse(text, length, &stat);
        assert_int_equal(outcome, length < whole ? OUTCOME_MALFORMED : OUTCOME_OK);
        assert_int_equal(stat.ppid, length < whole ? 99 : 7);
    }
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "x (sleep)" TAIL,
        "42 sleep" TAIL,
        "42 sleep)" TAIL,
        "42(sleep)" TAIL,
        "99999999999 (sleep)" TAIL,
        "42 (sleep) R x 42 42 0 -1 4194560 1000 20 33 0 11 12 3 4 20 0 3 0 555 16547840 100 1 1 1 "
        "1 1\n",
        "42 (sleep) R 7  42 42 0 -1 4194560 1000 20 33 0 11 12 3 4 20 0 3 0 555 16547840 100 1 1 1 "
        "1 1\n",
        "42 (sleep) R 7 42 42 0 -1 4194560 1000 20 33 0 11 12 3 4 20 0 3 0 555 16547840 "
        "18446744073709551615 1 1 1 1 1\n",
        "42 (sleep) R 7 42 42 0 -1 4194560 1000 20 33 0 11 12 3 4 20 0 3 0 555 16547840 "
        "18446744073709551616 1 1 1 1 1\n",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct proc_stat stat = {.ppid = 99};
        assert_int_equal(parse(wrong[i], &stat), OUTCOME_MALFORMED);
        assert_int_equal(stat.ppid, 99);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),        cmocka_unit_test(test_kernel_thread),
        cmocka_unit_test(test_hostile_names), cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
