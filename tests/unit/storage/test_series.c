/* SPDX-License-Identifier: MIT */
/* What was stored is what a series says, and what was not known is a gap. */
#include "store_fixture.h"

#define GAP FIXTURE_GAP

static struct series_result rss(struct fixture *fixture, pid_t pid, uint64_t from, uint64_t to)
{
    return fixture_series(fixture, fixture_target(pid), METRIC_RSS, from, to, to - from + 1,
                          SERIES_LAST);
}

static void expect_rss(struct fixture *fixture, pid_t pid, uint64_t from, uint64_t to,
                       const int64_t *expected, size_t count)
{
    struct series_result result = rss(fixture, pid, from, to);
    fixture_assert_points(&result, expected, count);
}

#define EXPECT(fixture, pid, from, to, ...)                                                        \
    expect_rss(fixture, pid, from, to, (const int64_t[]){__VA_ARGS__},                             \
               sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void values_hold_until_the_next_row(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 100);
    fixture_ticks(fixture, 4);
    fixture_rss(fixture, 1, 200);
    fixture_ticks(fixture, 2);
    fixture_rss(fixture, 1, 300);
    fixture_ticks(fixture, 2);
    EXPECT(fixture, 10, 0, 8, 100, 100, 100, 100, 200, 200, 300, 300);
    /* From the middle of a value. */
    EXPECT(fixture, 10, 2, 5, 100, 100, 200);
    EXPECT(fixture, 10, 5, 8, 200, 300, 300);
}

static void before_and_after_are_gaps(void **state)
{
    struct fixture *fixture = *state;
    fixture_ticks(fixture, 3);
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 100);
    fixture_ticks(fixture, 3);
    fixture_ended(fixture, 1);
    fixture_ticks(fixture, 4);
    EXPECT(fixture, 10, 0, 10, GAP, 100, 100, 100, GAP);
    /* Nothing at all is no series. */
    struct series_result result = rss(fixture, 10, 7, 9);
    assert_int_equal(result.count, 0);
    series_result_finish(&result);
    result = rss(fixture, 11, 0, 9);
    assert_int_equal(result.count, 0);
    series_result_finish(&result);
}

static void missing_ticks_are_a_gap_and_values_resume(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 100);
    fixture_ticks(fixture, 3);
    fixture->number += 5; /* seconds 3..7 have no tick */
    fixture_ticks(fixture, 3);
    EXPECT(fixture, 10, 0, 11, 100, 100, 100, GAP, 100, 100, 100);
    /* One late tick is none. */
    fixture->number += 1;
    fixture_ticks(fixture, 1);
    EXPECT(fixture, 10, 8, 13, 100, 100, 100, 100, 100);
}

static void two_gaps_inside_one_value(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 7);
    fixture_ticks(fixture, 2);
    fixture->number += 4;
    fixture_ticks(fixture, 2);
    fixture->number += 4;
    fixture_ticks(fixture, 2);
    EXPECT(fixture, 10, 0, 14, 7, 7, GAP, 7, 7, GAP, 7, 7);
    EXPECT(fixture, 10, 7, 14, 7, GAP, 7, 7);
}

static void the_newest_tick_holds_a_little(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 7);
    fixture_ticks(fixture, 3);
    /* Second 3 and half of 4 may still be written; 5 and 6 are unknown. */
    EXPECT(fixture, 10, 0, 7, 7, 7, 7, 7, 7, GAP);
}

static void absent_stays_absent(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    struct tick_row *row = fixture_row(fixture, 1);
    fixture_value(row, METRIC_RSS, 100);
    fixture_value(row, METRIC_PSS, 50);
    fixture_ticks(fixture, 2);
    fixture_rss(fixture, 1, 100); /* PSS is not known any more */
    fixture_ticks(fixture, 2);
    row = fixture_row(fixture, 1);
    fixture_value(row, METRIC_PSS, 0); /* 0 is a value */
    fixture_ticks(fixture, 2);
    struct series_result result =
        fixture_series(fixture, fixture_target(10), METRIC_PSS, 0, 6, 7, SERIES_LAST);
    fixture_assert_points(&result, (const int64_t[]){50, 50, GAP, 0, 0}, 5);
    EXPECT(fixture, 10, 0, 6, 100, 100, 100, 100, GAP);
}

static void every_metric_comes_back(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    struct tick_row *row = fixture_row(fixture, 1);
    for (unsigned i = 0; i < METRIC_STORED_COUNT; i++)
        fixture_value(row, i, (INT64_C(1) << 41) + i);
    for (unsigned i = METRIC_HOST_FIRST; i < METRIC_COUNT; i++)
        sample_set(&fixture->tick.host, i, (INT64_C(1) << 41) + i, 1);
    fixture_tick(fixture);
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        struct target target = fixture_target(10);
        if (metric >= METRIC_HOST_FIRST)
            target.kind = TARGET_HOST;
        struct series_result result = fixture_series(fixture, target, metric, 0, 1, 2, SERIES_LAST);
        assert_int_equal(result.count, metric_is_stored(metric));
        if (!metric_is_stored(metric)) {
            series_result_finish(&result);
            continue;
        }
        assert_int_equal(result.series[0].metric, metric);
        fixture_assert_points(&result, (const int64_t[]){(INT64_C(1) << 41) + (int64_t)metric}, 1);
    }
}

static void host_values_have_gaps_too(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++) {
        sample_set(&fixture->tick.host, METRIC_MEM_FREE, 10 + i, 1);
        fixture_tick(fixture);
    }
    fixture_tick(fixture); /* not readable at second 3 */
    sample_set(&fixture->tick.host, METRIC_MEM_FREE, 20, 1);
    fixture_tick(fixture);
    fixture->number += 10;
    sample_set(&fixture->tick.host, METRIC_MEM_FREE, 30, 1);
    fixture_tick(fixture);
    struct target host = {.kind = TARGET_HOST};
    struct series_result result =
        fixture_series(fixture, host, METRIC_MEM_FREE, 0, 16, 17, SERIES_LAST);
    fixture_assert_points(&result, (const int64_t[]){10, 11, 12, GAP, 20, GAP, 30}, 7);
    /* A metric of processes is not one of the host. */
    result = fixture_series(fixture, host, METRIC_RSS, 0, 16, 17, SERIES_LAST);
    assert_int_equal(result.count, 0);
    series_result_finish(&result);
}

static void a_restart_goes_on_in_the_same_series(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 100);
    fixture_ticks(fixture, 3);
    fixture_close(fixture);
    fixture_open(fixture);
    /* Back within 2.5 periods, the same process under a new row. */
    fixture_process(fixture, 2, 10);
    fixture_rss(fixture, 2, 200);
    fixture_ticks(fixture, 2);
    EXPECT(fixture, 10, 0, 5, 100, 100, 100, 200, 200);
    fixture_close(fixture);
    fixture_open(fixture);
    fixture->number += 5;
    fixture_process(fixture, 3, 10);
    fixture_rss(fixture, 3, 300);
    fixture_ticks(fixture, 1);
    EXPECT(fixture, 10, 3, 11, 200, 200, GAP, 300);
}

static void a_process_that_ended_while_we_were_down(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 100);
    fixture_ticks(fixture, 3);
    fixture_close(fixture);
    fixture_open(fixture);
    fixture_ticks(fixture, 3);
    EXPECT(fixture, 10, 0, 6, 100, 100, 100, GAP);
}

static void the_same_id_after_a_reboot_is_another_process(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 100);
    fixture_ticks(fixture, 3);
    fixture_close(fixture);
    fixture->config.boot_id = "22222222-2222-2222-2222-222222222222";
    fixture_open(fixture);
    fixture_process(fixture, 2, 10);
    fixture_rss(fixture, 2, 200);
    fixture_ticks(fixture, 2);
    EXPECT(fixture, 10, 0, 5, GAP, 200, 200);
}

static void a_pid_means_its_newest_process(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 100);
    fixture_ticks(fixture, 2);
    fixture_ended(fixture, 1);
    fixture_process(fixture, 2, 10);
    fixture->tick.processes[0].id.start_ticks = 999;
    fixture_rss(fixture, 2, 200);
    fixture_ticks(fixture, 2);
    struct target pid = {.kind = TARGET_PID, .id = {.pid = 10}};
    struct series_result result = fixture_series(fixture, pid, METRIC_RSS, 0, 4, 5, SERIES_LAST);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.series[0].target.id.start_ticks, 999);
    fixture_assert_points(&result, (const int64_t[]){GAP, 200, 200}, 3);
}

static void downsampling_keeps_the_extremes(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    for (int i = 0; i < 100; i++) {
        fixture_rss(fixture, 1, i == 57 ? 100000 : 10 + i);
        fixture_tick(fixture);
    }
    struct series_result result =
        fixture_series(fixture, fixture_target(10), METRIC_RSS, 0, 100, 11, SERIES_RANGE);
    assert_int_equal(result.count, 1);
    assert_int_equal(result.series[0].count, 10);
    assert_true(result.step_seconds == 10);
    assert_int_equal(result.series[0].points[5].value, 60);
    assert_int_equal(result.series[0].points[5].max, 100000);
    assert_int_equal(result.series[0].points[6].max, 79);
    series_result_finish(&result);
    result = fixture_series(fixture, fixture_target(10), METRIC_RSS, 0, 100, 11, SERIES_AVG);
    assert_int_equal(result.series[0].points[0].value, 15); /* 14.5 rounds up */
    series_result_finish(&result);
}

static void a_failed_transaction_breaks_no_chain(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 100);
    fixture_tick(fixture);
    fixture_rss(fixture, 1, 555);
    fixture->tick.mono_usec = 101 * USEC_PER_SEC;
    fixture->tick.wall_usec = fixture_wall(1);
    assert_int_equal(store_begin(fixture->store, false), 0);
    assert_int_equal(store_write_tick(fixture->store, &fixture->tick), 0);
    store_rollback(fixture->store);
    fixture_tick(fixture); /* the same again */
    fixture_rss(fixture, 1, 200);
    fixture_tick(fixture);
    EXPECT(fixture, 10, 0, 3, 100, 555, 200);
}

static void several_targets_and_metrics_at_once(void **state)
{
    struct fixture *fixture = *state;
    for (int64_t row = 1; row <= 2; row++) {
        fixture_process(fixture, row, (pid_t)row * 10);
        struct tick_row *entry = fixture_row(fixture, row);
        fixture_value(entry, METRIC_RSS, row * 100);
        fixture_value(entry, METRIC_SWAP, row);
    }
    sample_set(&fixture->tick.host, METRIC_MEM_FREE, 5, 1);
    fixture_ticks(fixture, 2);
    struct series_query query = {
        .target_count = 3,
        .targets = {fixture_target(10), {.kind = TARGET_HOST}, fixture_target(20)},
        .metric_count = 3,
        .metrics = {METRIC_SWAP, METRIC_RSS, METRIC_MEM_FREE},
        .from_wall_usec = fixture_wall(0),
        .to_wall_usec = fixture_wall(1),
        .points = 10,
        .aggregate = SERIES_MAX};
    struct series_result result;
    assert_int_equal(history_series(fixture->history, &query, &result, NULL), 0);
    const int64_t expected[] = {1, 100, 5, 2, 200};
    assert_int_equal(result.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(result.series[i].points[0].value, expected[i]);
    series_result_finish(&result);
}

static void the_processes_of_others_never_were(void **state)
{
    struct fixture *fixture = *state;
    const uid_t owner = 1000, stranger = 1001;
    fixture_process(fixture, 1, 10); /* of uid 1000 */
    fixture_rss(fixture, 1, 100);
    fixture_ticks(fixture, 2);
    history_set_owner(fixture->history, &stranger);
    const struct target targets[] = {fixture_target(10), {.kind = TARGET_PID, .id = {.pid = 10}}};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct series_result result =
            fixture_series(fixture, targets[i], METRIC_RSS, 0, 2, 2, SERIES_LAST);
        assert_int_equal(result.count, 0);
        series_result_finish(&result);
    }
    history_set_owner(fixture->history, &owner);
    EXPECT(fixture, 10, 0, 2, 100, 100);
    history_set_owner(fixture->history, NULL);
    EXPECT(fixture, 10, 0, 2, 100, 100);
}

static void questions_that_make_no_sense(void **state)
{
    struct fixture *fixture = *state;
    struct series_query good = {.target_count = 1,
                                .targets = {{.kind = TARGET_HOST}},
                                .metric_count = 1,
                                .metrics = {METRIC_MEM_FREE},
                                .from_wall_usec = fixture_wall(0),
                                .to_wall_usec = fixture_wall(1),
                                .points = 10};
    struct series_result result;
    struct error error = {0};
    struct series_query bad = good;
    bad.to_wall_usec = bad.from_wall_usec;
    assert_int_equal(history_series(fixture->history, &bad, &result, &error), -EINVAL);
    assert_true(error.text[0]);
    bad = good;
    bad.to_wall_usec = UINT64_MAX;
    assert_int_equal(history_series(fixture->history, &bad, &result, &error), -EINVAL);
    bad = good;
    bad.points = SERIES_POINTS_LIMIT + 1;
    assert_int_equal(history_series(fixture->history, &bad, &result, &error), -EINVAL);
    bad.points = 0;
    assert_int_equal(history_series(fixture->history, &bad, &result, &error), -EINVAL);
    bad = good;
    bad.targets[0].kind = TARGET_UNIT;
    bad.metrics[0] = METRIC_AGE;
    assert_int_equal(history_series(fixture->history, &bad, &result, &error), -EOPNOTSUPP);
    /* All of time, and an empty store. */
    good.from_wall_usec = 0;
    good.to_wall_usec = INT64_MAX;
    assert_int_equal(history_series(fixture->history, &good, &result, &error), 0);
    assert_int_equal(result.count, 0);
    series_result_finish(&result);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_hold_until_the_next_row),
        TEST(before_and_after_are_gaps),
        TEST(missing_ticks_are_a_gap_and_values_resume),
        TEST(two_gaps_inside_one_value),
        TEST(the_newest_tick_holds_a_little),
        TEST(absent_stays_absent),
        TEST(every_metric_comes_back),
        TEST(host_values_have_gaps_too),
        TEST(a_restart_goes_on_in_the_same_series),
        TEST(a_process_that_ended_while_we_were_down),
        TEST(the_same_id_after_a_reboot_is_another_process),
        TEST(a_pid_means_its_newest_process),
        TEST(downsampling_keeps_the_extremes),
        TEST(a_failed_transaction_breaks_no_chain),
        TEST(several_targets_and_metrics_at_once),
        TEST(the_processes_of_others_never_were),
        TEST(questions_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
