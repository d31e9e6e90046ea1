/* SPDX-License-Identifier: MIT */
/* Sums over the members of a group: who counts when, and what nobody knows. */
#include "storage/group_sum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NONE INT64_MIN

static struct tick_set ticks;
static struct group_sum sum;

static void begin(const struct tick_range *ranges, size_t count, int64_t slot_ticks)
{
    group_sum_finish(&sum);
    tick_set_finish(&ticks);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(tick_set_add(&ticks, ranges[i]), 0);
    assert_int_equal(group_sum_init(&sum, &ticks, slot_ticks), 0);
}

static int tear_down(void **state)
{
    (void)state;
    group_sum_finish(&sum);
    tick_set_finish(&ticks);
    return 0;
}

/* Values from the first tick on; NONE: not known there. */
static void member(int64_t first, const int64_t *values, size_t count, bool back)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] != NONE)
            group_sum_tick(&sum, first + (int64_t)i, values[i]);
    group_sum_member_end(&sum, (struct tick_range){first, first + (int64_t)count}, back);
}

#define VALUES(...) (const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / 8

static void expect(const int64_t *values, size_t count)
{
    assert_int_equal(sum.count, count);
    for (size_t i = 0; i < count; i++) {
        struct tick_range at;
        struct bucket_entry entry = {.average = (double)NONE};
        bool known = group_sum_slot(&sum, i, &at, &entry);
        if (known != (values[i] != NONE))
            fail_msg("slot %zu: %s", i, known ? "known" : "unknown");
        if (known && (entry.last != values[i] || entry.min != values[i] || entry.max != values[i] ||
                      (int64_t)entry.average != values[i]))
            fail_msg("slot %zu: %lld", i, (long long)entry.last);
    }
}

/* No double is INT64_MAX: the next one does not fit. */
static void the_largest_value_holds(void **state)
{
    (void)state;
    begin(&(struct tick_range){0, 3}, 1, 1);
    member(0, VALUES(NONE, INT64_MAX, NONE), true);
    for (size_t i = 0; i < 3; i++) {
        struct tick_range at;
        struct bucket_entry entry = {0};
        assert_true(group_sum_slot(&sum, i, &at, &entry));
        assert_true(entry.min == INT64_MAX && entry.max == INT64_MAX && entry.last == INT64_MAX);
    }
}

static void members_add_up(void **state)
{
    (void)state;
    begin(&(struct tick_range){10, 16}, 1, 1);
    member(10, VALUES(1, 2, 3, 4, 5, 6), true);
    member(12, VALUES(100, 200), true);
    /* Of a time that nobody asks for. */
    member(3, VALUES(7, 7, 7), true);
    member(16, VALUES(7, 7, 7), true);
    expect(VALUES(1, 2, 103, 204, 5, 6));
}

static void what_is_not_known_does_not_dip(void **state)
{
    (void)state;
    begin(&(struct tick_range){0, 8}, 1, 1);
    member(0, VALUES(10, 10, 10, 10, 10, 10, 10, 10), true);
    member(1, VALUES(5, NONE, NONE, 6, NONE, NONE), true); /* ends at 7 */
    expect(VALUES(10, 15, 15, 15, 16, 16, 16, 10));
}

static void before_the_first_value(void **state)
{
    (void)state;
    begin(&(struct tick_range){0, 5}, 1, 1);
    member(0, VALUES(NONE, NONE, 3, 3, 3), true);
    member(1, VALUES(NONE, NONE, 40, 40), false); /* a newcomer: not before */
    member(0, VALUES(NONE, NONE, NONE, NONE, NONE), true);
    expect(VALUES(3, 3, 3, 43, 43));
    /* Not for ever. */
    begin(&(struct tick_range){0, 2000}, 1, 1);
    group_sum_tick(&sum, 1999, 7);
    group_sum_member_end(&sum, (struct tick_range){0, INT64_MAX}, true);
    struct tick_range at;
    struct bucket_entry entry;
    assert_false(group_sum_slot(&sum, 1999 - GROUP_SUM_BACK_TICKS - 1, &at, &entry));
    assert_true(group_sum_slot(&sum, 1999 - GROUP_SUM_BACK_TICKS, &at, &entry));
}

static void nobody_is_unknown(void **state)
{
    (void)state;
    begin(&(struct tick_range){0, 4}, 1, 1);
    expect(VALUES(NONE, NONE, NONE, NONE));
    member(1, VALUES(0, 0), true); /* 0 is a value */
    expect(VALUES(NONE, 0, 0, NONE));
    begin(NULL, 0, 60);
    group_sum_tick(&sum, 5, 5);
    member(1, VALUES(1, 2), true);
    assert_int_equal(sum.count, 0);
}

static void over_missing_ticks(void **state)
{
    (void)state;
    begin((const struct tick_range[]){{5, 7}, {20, 22}, {40, 42}}, 3, 1);
    group_sum_tick(&sum, 6, 9);
    group_sum_tick(&sum, 41, 4);
    group_sum_member_end(&sum, (struct tick_range){5, 42}, true);
    member(21, VALUES(100), true);
    expect(VALUES(9, 9, 9, 109, 9, 4));
}

/* Roll-ups: the average is exact, the extremes hold those of the sum. */
static void slots_of_many_ticks(void **state)
{
    (void)state;
    begin(&(struct tick_range){30, 180}, 1, 60);
    const struct column_summary first = {.count = 30, .min = 1, .max = 9, .last = 5, .sum = 150};
    const struct column_summary second = {.count = 60, .min = 2, .max = 4, .last = 4, .sum = 180};
    group_sum_entry(&sum, (struct tick_range){30, 60}, &first);
    group_sum_entry(&sum, (struct tick_range){60, 120}, &second);
    group_sum_member_end(&sum, (struct tick_range){30, 120}, true);
    const struct column_summary half = {
        .count = 30, .min = 100, .max = 100, .last = 100, .sum = 3000};
    group_sum_entry(&sum, (struct tick_range){90, 120}, &half);
    group_sum_member_end(&sum, (struct tick_range){90, INT64_MAX}, true);
    static const struct {
        struct tick_range ticks;
        int64_t average, min, max, last;
    } expected[] = {
        {{30, 60}, 5, 1, 9, 5}, {{60, 120}, 53, 2, 104, 104}, {{120, 180}, 100, 100, 100, 100}};
    assert_int_equal(sum.count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct tick_range at;
        struct bucket_entry entry;
        assert_true(group_sum_slot(&sum, i, &at, &entry));
        assert_int_equal(at.first, expected[i].ticks.first);
        assert_int_equal(at.end, expected[i].ticks.end);
        assert_int_equal((int64_t)entry.average, expected[i].average);
        assert_int_equal(entry.min, expected[i].min);
        assert_int_equal(entry.max, expected[i].max);
        assert_int_equal(entry.last, expected[i].last);
    }
}

/* An hour where minutes are asked for: all of its minutes have it. */
static void a_coarser_entry(void **state)
{
    (void)state;
    begin(&(struct tick_range){0, 180}, 1, 60);
    const struct column_summary hour = {.count = 180, .min = 1, .max = 3, .last = 2, .sum = 360};
    group_sum_entry(&sum, (struct tick_range){0, 180}, &hour);
    group_sum_member_end(&sum, (struct tick_range){0, 180}, true);
    for (size_t i = 0; i < 3; i++) {
        struct tick_range at;
        struct bucket_entry entry;
        assert_true(group_sum_slot(&sum, i, &at, &entry));
        assert_int_equal((int64_t)entry.average, 2);
        assert_int_equal(entry.max, 3);
    }
}

static void sums_stop_at_what_fits(void **state)
{
    (void)state;
    begin(&(struct tick_range){0, 1}, 1, 1);
    member(0, VALUES(INT64_MAX), true);
    member(0, VALUES(INT64_MAX), true);
    struct tick_range at;
    struct bucket_entry entry;
    assert_true(group_sum_slot(&sum, 0, &at, &entry));
    assert_true(entry.max == INT64_MAX && entry.last == INT64_MAX);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members_add_up),
        TEST(the_largest_value_holds),
        TEST(what_is_not_known_does_not_dip),
        TEST(before_the_first_value),
        TEST(nobody_is_unknown),
        TEST(over_missing_ticks),
        TEST(slots_of_many_ticks),
        TEST(a_coarser_entry),
        TEST(sums_stop_at_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
