/* SPDX-License-Identifier: MIT */
/* Series of units and groups, beside plain sums of what was stored. */
#include "random.h"
#include "store_fixture.h"

static void join(struct fixture *fixture, int64_t row, pid_t pid, const char *unit,
                 const char *group)
{
    fixture_process(fixture, row, pid);
    struct tick_process *process = &fixture->tick.processes[fixture->tick.process_count - 1];
    text_copy(process->unit, sizeof(process->unit), unit);
    text_copy(process->group, sizeof(process->group), group);
}

static struct target named(enum target_kind kind, const char *name)
{
    struct target target = {.kind = kind};
    text_copy(target.name, sizeof(target.name), name);
    return target;
}

static struct series_result ask(struct fixture *fixture, enum target_kind kind, const char *name,
                                enum metric metric, uint64_t from, uint64_t to,
                                enum series_aggregate aggregate)
{
    return fixture_series(fixture, named(kind, name), metric, from, to, to - from + 1, aggregate);
}

static void expect(struct fixture *fixture, enum target_kind kind, const char *name, uint64_t to,
                   const int64_t *expected, size_t count)
{
    struct series_result result = ask(fixture, kind, name, METRIC_RSS, 0, to, SERIES_LAST);
    if (count == 0)
        assert_int_equal(result.count, 0);
    else
        assert_string_equal(result.series[0].target.name, name);
    if (count == 0)
        series_result_finish(&result);
    else
        fixture_assert_points(&result, expected, count);
}

#define EXPECT(kind, name, to, ...)                                                                \
    expect(fixture, kind, name, to, (const int64_t[]){__VA_ARGS__},                                \
           sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void units_and_groups_are_sums(void **state)
{
    struct fixture *fixture = *state;
    fixture_ticks(fixture, 1);
    join(fixture, 1, 10, "a.service", "web");
    join(fixture, 2, 20, "a.service", "web");
    join(fixture, 3, 30, "b.service", "");
    fixture_rss(fixture, 1, 100);
    fixture_rss(fixture, 2, 10);
    fixture_rss(fixture, 3, 7);
    fixture_ticks(fixture, 2);
    fixture_rss(fixture, 2, 20);
    fixture_ticks(fixture, 1);
    fixture_ended(fixture, 2);
    join(fixture, 3, 30, "b.service", "web"); /* its group becomes known later */
    fixture_ticks(fixture, 1);
    EXPECT(TARGET_UNIT, "a.service", 5, FIXTURE_GAP, 110, 110, 120, 100);
    EXPECT(TARGET_UNIT, "b.service", 5, FIXTURE_GAP, 7, 7, 7, 7);
    EXPECT(TARGET_GROUP, "web", 5, FIXTURE_GAP, 117, 117, 127, 107);
    expect(fixture, TARGET_UNIT, "web", 5, NULL, 0);
    expect(fixture, TARGET_GROUP, "", 5, NULL, 0);
    expect(fixture, TARGET_UNIT, "a.servic_", 5, NULL, 0);
    expect(fixture, TARGET_UNIT, "' OR 1=1 --", 5, NULL, 0);
}

/* A restart makes new rows: the processes are the same, and what is not read yet does not dip. */
static void a_restart_does_not_dip(void **state)
{
    struct fixture *fixture = *state;
    join(fixture, 1, 10, "", "web");
    join(fixture, 2, 20, "", "web");
    fixture_value(fixture_row(fixture, 1), METRIC_PSS, 100);
    fixture_value(fixture_row(fixture, 2), METRIC_PSS, 50);
    fixture_ticks(fixture, 3);
    fixture_close(fixture);
    fixture_open(fixture);
    join(fixture, 11, 10, "", "web");
    join(fixture, 12, 20, "", "web");
    fixture_rss(fixture, 12, 1);
    fixture_value(fixture_row(fixture, 11), METRIC_PSS, 101);
    fixture_ticks(fixture, 2);
    fixture_value(fixture_row(fixture, 12), METRIC_PSS, 60);
    fixture_ticks(fixture, 1);
    struct series_result result = ask(fixture, TARGET_GROUP, "web", METRIC_PSS, 0, 6, SERIES_LAST);
    fixture_assert_points(&result, (const int64_t[]){150, 150, 150, 151, 151, 161}, 6);
}

/* PSS of a child that was forked: not before it is read itself. */
static void a_newcomer_counts_from_its_first_reading(void **state)
{
    struct fixture *fixture = *state;
    join(fixture, 1, 10, "", "web");
    fixture_value(fixture_row(fixture, 1), METRIC_PSS, 100);
    fixture_ticks(fixture, 2);
    join(fixture, 2, 20, "", "web");
    fixture_rss(fixture, 2, 90);
    fixture_ticks(fixture, 2);
    struct tick_row *row = fixture_row(fixture, 2);
    fixture_value(row, METRIC_RSS, 90);
    fixture_value(row, METRIC_PSS, 30);
    fixture_value(fixture_row(fixture, 1), METRIC_PSS, 70);
    fixture_ticks(fixture, 2);
    struct series_result result = ask(fixture, TARGET_GROUP, "web", METRIC_PSS, 0, 6, SERIES_RANGE);
    fixture_assert_points(&result, (const int64_t[]){100, 100, 100, 100, 100, 100}, 6);
}

#define MEMBERS 9
#define TICKS   4000 /* an hour that is compacted, and what is newer */

/* What the members have at each tick; 0: it is not there. */
static int64_t truth[TICKS];

static void live(struct fixture *fixture)
{
    uint64_t random = 7;
    memset(truth, 0, sizeof(truth));
    int64_t value[MEMBERS] = {0};
    for (size_t tick = 0; tick < TICKS; tick++) {
        for (size_t i = 0; i < MEMBERS; i++) {
            size_t born = i * 300, dies = i % 2 ? born + 1100 : TICKS;
            if (tick == born)
                join(fixture, (int64_t)i + 1, (pid_t)(100 + i), "u", "");
            if (tick == dies)
                fixture_ended(fixture, (int64_t)i + 1);
            if (tick < born || tick >= dies)
                continue;
            if (tick == born || random_below(&random, 40) == 0) {
                value[i] = 1 + (int64_t)random_below(&random, 1 << 20);
                fixture_rss(fixture, (int64_t)i + 1, value[i]);
            }
            truth[tick] += value[i];
        }
        fixture_tick(fixture);
    }
}

/* With `bounds` the extremes may be wider than those of the sum, never narrower. */
static void compare(struct fixture *fixture, uint64_t from, uint64_t to, size_t points, bool bounds)
{
    struct series_result range = fixture_series(fixture, named(TARGET_UNIT, "u"), METRIC_RSS, from,
                                                to, points, SERIES_RANGE);
    struct series_result average =
        fixture_series(fixture, named(TARGET_UNIT, "u"), METRIC_RSS, from, to, points, SERIES_AVG);
    uint64_t step = (uint64_t)range.step_seconds;
    assert_int_equal(range.count, 1);
    for (size_t i = 0; i < range.series[0].count; i++) {
        const struct series_point *point = &range.series[0].points[i];
        uint64_t first = (uint64_t)point->wall_msec / 1000 - FIXTURE_WALL_USEC / USEC_PER_SEC;
        uint64_t end = (FIXTURE_WALL_USEC / USEC_PER_SEC + first) / step * step + step -
                       FIXTURE_WALL_USEC / USEC_PER_SEC;
        int64_t low = INT64_MAX, high = 0;
        double total = 0;
        end = end < to ? end : to;
        for (uint64_t tick = first; tick < end; tick++) {
            low = truth[tick] < low ? truth[tick] : low;
            high = truth[tick] > high ? truth[tick] : high;
            total += (double)truth[tick];
        }
        assert_true(bounds ? point->value <= low : point->value == low);
        assert_true(bounds ? point->max >= high : point->max == high);
        double mean = total / (double)(end - first),
               got = (double)average.series[0].points[i].value;
        /* A step that begins within a piece of a roll-up has a part of its average. */
        double slack = bounds ? mean / 2 : 1;
        assert_true(got >= mean - slack && got <= mean + slack);
    }
    series_result_finish(&range);
    series_result_finish(&average);
}

static void the_same_as_plain_sums(void **state)
{
    struct fixture *fixture = *state;
    live(fixture);
    compare(fixture, 0, TICKS, 2000, false);
    compare(fixture, 0, TICKS, 100, false);
    compare(fixture, 700, 1900, 300, false);
    compare(fixture, 0, TICKS, 50, true);
    fixture_close(fixture);
    fixture_open(fixture);
    compare(fixture, 0, TICKS, 100, false);
    compare(fixture, 100, 3700, 30, true);
}

static void what_cannot_be_added_up(void **state)
{
    struct fixture *fixture = *state;
    join(fixture, 1, 10, "u", "");
    fixture_rss(fixture, 1, 1);
    fixture_ticks(fixture, 2);
    static const enum metric metrics[] = {METRIC_AGE, METRIC_PY_COVERAGE, METRIC_PY_GC_ENABLED};
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        struct series_query query = {.target_count = 1,
                                     .targets = {named(TARGET_UNIT, "u")},
                                     .metric_count = 2,
                                     .metrics = {METRIC_RSS, metrics[i]},
                                     .from_wall_usec = fixture_wall(0),
                                     .to_wall_usec = fixture_wall(2),
                                     .points = 5};
        struct series_result result;
        struct error error = {0};
        assert_int_equal(history_series(fixture->history, &query, &result, &error), -EOPNOTSUPP);
        assert_non_null(strstr(error.text, metric_info(metrics[i])->name));
        query.targets[0] = fixture_target(10);
        assert_int_equal(history_series(fixture->history, &query, &result, &error), 0);
        series_result_finish(&result);
    }
}

/* Both kinds of question that look at many processes end when their time is over. */
static void questions_have_a_deadline(void **state)
{
    struct fixture *fixture = *state;
    join(fixture, 1, 10, "u", "g");
    fixture_rss(fixture, 1, 5);
    fixture_ticks(fixture, 2);
    struct series_query series = {.target_count = 1,
                                  .targets = {named(TARGET_UNIT, "u")},
                                  .metric_count = 1,
                                  .metrics = {METRIC_RSS},
                                  .from_wall_usec = fixture_wall(0),
                                  .to_wall_usec = fixture_wall(2),
                                  .points = 5};
    struct top_query largest = {
        .from_wall_usec = fixture_wall(0), .to_wall_usec = fixture_wall(2), .limit = 5};
    struct series_result result;
    struct top_process *found;
    struct error error = {0};
    size_t count;
    history_set_deadline(fixture->history, clock_mono_usec());
    assert_int_equal(history_series(fixture->history, &series, &result, &error), -ETIMEDOUT);
    assert_int_equal(history_top(fixture->history, &largest, &count, &found, &error), -ETIMEDOUT);
    history_set_deadline(fixture->history, UINT64_MAX);
    assert_int_equal(history_series(fixture->history, &series, &result, &error), 0);
    series_result_finish(&result);
    assert_int_equal(history_top(fixture->history, &largest, &count, &found, &error), 0);
    assert_int_equal(count, 1);
    free(found);
}

/* The most targets in one question, of every kind. */
static void many_targets_at_once(void **state)
{
    struct fixture *fixture = *state;
    join(fixture, 1, 10, "u", "g");
    fixture_rss(fixture, 1, 5);
    sample_set(&fixture->tick.host, METRIC_MEM_FREE, 9, 1);
    fixture_ticks(fixture, 2);
    struct series_query query = {.target_count = SERIES_TARGETS_LIMIT,
                                 .metric_count = 2,
                                 .metrics = {METRIC_RSS, METRIC_MEM_FREE},
                                 .from_wall_usec = fixture_wall(0),
                                 .to_wall_usec = fixture_wall(2),
                                 .points = 5};
    for (size_t i = 0; i < SERIES_TARGETS_LIMIT; i++)
        query.targets[i] = i % 4 == 0   ? named(TARGET_UNIT, "u")
                           : i % 4 == 1 ? named(TARGET_GROUP, "g")
                           : i % 4 == 2 ? fixture_target(10)
                                        : (struct target){.kind = TARGET_HOST};
    struct series_result result;
    struct error error = {0};
    assert_int_equal(history_series(fixture->history, &query, &result, &error), 0);
    assert_int_equal(result.count, SERIES_TARGETS_LIMIT);
    for (size_t i = 0; i < result.count; i++)
        assert_int_equal(result.series[i].points[0].value, i % 4 == 3 ? 9 : 5);
    series_result_finish(&result);
    query.target_count++;
    assert_int_equal(history_series(fixture->history, &query, &result, &error), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(units_and_groups_are_sums),
        TEST(a_restart_does_not_dip),
        TEST(a_newcomer_counts_from_its_first_reading),
        TEST(the_same_as_plain_sums),
        TEST(what_cannot_be_added_up),
        TEST(questions_have_a_deadline),
        TEST(many_targets_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
