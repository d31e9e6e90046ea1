/* SPDX-License-Identifier: MIT */
#include "storage/buckets.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct bucket_grid grid_of(uint64_t from_sec, uint64_t to_sec, size_t points)
{
    struct series_query query = {.from_wall_usec = from_sec * USEC_PER_SEC,
                                 .to_wall_usec = to_sec * USEC_PER_SEC,
                                 .points = points};
    return bucket_grid_of(&query, USEC_PER_SEC);
}

static void never_more_points_than_asked(void **state)
{
    (void)state;
    for (uint64_t from = 1000; from < 1040; from += 7)
        for (uint64_t range = 1; range < 4000; range = range * 3 / 2 + 1)
            for (size_t points = 1; points < 300; points = points * 2 + 1) {
                struct bucket_grid grid = grid_of(from, from + range, points);
                assert_true(grid.count >= 1 && grid.count <= points);
                assert_true(grid.first_usec <= grid.from_usec);
                assert_true(grid.first_usec + grid.count * grid.step_usec >= grid.to_usec);
            }
}

static void steps_stay_where_they_are(void **state)
{
    (void)state;
    struct bucket_grid one = grid_of(1003, 1603, 61), later = grid_of(1004, 1604, 61);
    assert_int_equal(one.step_usec, 10 * USEC_PER_SEC);
    assert_int_equal(one.first_usec, later.first_usec);
}

struct fill {
    struct bucket_grid grid;
    struct bucket buckets[64];
    struct buckets view;
};

static void fill_init(struct fill *fill, uint64_t from_sec, uint64_t to_sec, size_t points)
{
    *fill = (struct fill){.grid = grid_of(from_sec, to_sec, points)};
    assert_true(fill->grid.count <= 64);
    fill->view = (struct buckets){.grid = &fill->grid, .buckets = fill->buckets};
}

static struct series_point only_point(const struct fill *fill, enum series_aggregate aggregate)
{
    size_t count;
    struct series_point *points;
    assert_int_equal(buckets_points(&fill->view, aggregate, &count, &points), 0);
    assert_int_equal(count, 1);
    struct series_point point = points[0];
    free(points);
    return point;
}

static void aggregates_weigh_time_and_keep_extremes(void **state)
{
    (void)state;
    struct fill fill;
    fill_init(&fill, 100, 110, 1);
    /* 8 s of 10, 1 s of 1000, 1 s of 2; newest first. */
    buckets_add(&fill.view, 109 * USEC_PER_SEC, 200 * USEC_PER_SEC, 2);
    buckets_add(&fill.view, 108 * USEC_PER_SEC, 109 * USEC_PER_SEC, 1000);
    buckets_add(&fill.view, 0, 108 * USEC_PER_SEC, 10);
    assert_int_equal(only_point(&fill, SERIES_AVG).value, 108);
    assert_int_equal(only_point(&fill, SERIES_MIN).value, 2);
    assert_int_equal(only_point(&fill, SERIES_MAX).value, 1000);
    assert_int_equal(only_point(&fill, SERIES_LAST).value, 2);
    assert_int_equal(only_point(&fill, SERIES_RANGE).value, 2);
    assert_int_equal(only_point(&fill, SERIES_RANGE).max, 1000);
    assert_int_equal(only_point(&fill, SERIES_RANGE).wall_msec, 100000);
}

static void average_of_one_value_is_that_value(void **state)
{
    (void)state;
    for (int64_t value = 1; value > 0 && value < INT64_C(1) << 50; value = value * 7 + 3) {
        struct fill fill;
        fill_init(&fill, 100, 110, 1);
        for (uint64_t i = 0; i < 10; i++)
            buckets_add(&fill.view, (109 - i) * USEC_PER_SEC + i, (110 - i) * USEC_PER_SEC, value);
        assert_int_equal(only_point(&fill, SERIES_AVG).value, value);
    }
}

static void a_run_of_unknown_is_one_gap(void **state)
{
    (void)state;
    struct fill fill;
    fill_init(&fill, 100, 110, 20);
    buckets_add(&fill.view, 106 * USEC_PER_SEC, 107 * USEC_PER_SEC, 7);
    buckets_add(&fill.view, 102 * USEC_PER_SEC, 104 * USEC_PER_SEC, 5);
    size_t count;
    struct series_point *points;
    assert_int_equal(buckets_points(&fill.view, SERIES_AVG, &count, &points), 0);
    const int64_t times[] = {100, 102, 103, 104, 106, 107};
    const bool gaps[] = {true, false, false, true, false, true};
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(points[i].wall_msec, times[i] * 1000);
        assert_int_equal(points[i].gap, gaps[i]);
    }
    free(points);
}

static void nothing_known_is_no_series(void **state)
{
    (void)state;
    struct fill fill;
    fill_init(&fill, 100, 110, 20);
    buckets_add(&fill.view, 90 * USEC_PER_SEC, 100 * USEC_PER_SEC, 5);
    buckets_add(&fill.view, 110 * USEC_PER_SEC, 120 * USEC_PER_SEC, 5);
    /* A clock that was set back makes pieces that end before they start. */
    buckets_add(&fill.view, 105 * USEC_PER_SEC, 104 * USEC_PER_SEC, 5);
    size_t count = 1;
    struct series_point *points = (void *)&fill;
    assert_int_equal(buckets_points(&fill.view, SERIES_AVG, &count, &points), 0);
    assert_int_equal(count, 0);
    assert_null(points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_more_points_than_asked),
        cmocka_unit_test(steps_stay_where_they_are),
        cmocka_unit_test(aggregates_weigh_time_and_keep_extremes),
        cmocka_unit_test(average_of_one_value_is_that_value),
        cmocka_unit_test(a_run_of_unknown_is_one_gap),
        cmocka_unit_test(nothing_known_is_no_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
