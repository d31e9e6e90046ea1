/* SPDX-License-Identifier: MIT */
/* The largest processes, beside plain sums of what was stored. */
#include "random.h"
#include "store_fixture.h"

#define PROCESSES 12
#define TICKS     1500 /* two periods that are sealed, and half a one on the shelf */

/* Of each process, over all ticks. */
struct sums {
    int64_t count, max, sum;
};

struct life {
    struct sums rss[PROCESSES], pss[PROCESSES];
};

static void sums_add(struct sums *sums, int64_t value)
{
    sums->max = sums->count == 0 || value > sums->max ? value : sums->max;
    sums->sum += value;
    sums->count++;
}

static void life_tick(struct fixture *fixture, struct life *life, uint64_t *random, int64_t base)
{
    for (int64_t i = 0; i < PROCESSES; i++) {
        struct tick_row *row = fixture_row(fixture, base + i + 1);
        int64_t rss = (int64_t)random_below(random, 1 << 20) * (i + 1);
        fixture_value(row, METRIC_RSS, rss);
        sums_add(&life->rss[i], rss);
        if (random_below(random, 3) == 0) {
            fixture_value(row, METRIC_PSS, rss / 3);
            sums_add(&life->pss[i], rss / 3);
        }
    }
    fixture_tick(fixture);
}

static void life_processes(struct fixture *fixture, int64_t base)
{
    for (int64_t i = 0; i < PROCESSES; i++)
        fixture_process(fixture, base + i + 1, (pid_t)(100 + i));
}

static int64_t sums_value(const struct sums *sums, bool mean)
{
    return mean ? sums->sum / sums->count : sums->max;
}

static int64_t top_value(const struct top_process *process, bool mean)
{
    return mean ? process->average_bytes : process->peak_bytes;
}

static size_t ask(struct fixture *fixture, enum top_by by, uint64_t from, uint64_t to, size_t limit,
                  struct top_process **ret_processes)
{
    struct top_query query = {.from_wall_usec = fixture_wall(from),
                              .to_wall_usec = fixture_wall(to),
                              .limit = limit,
                              .by = by};
    size_t count = 0;
    struct error error = {0};
    assert_int_equal(history_top(fixture->history, &query, &count, ret_processes, &error), 0);
    return count;
}

static void expect_top(struct fixture *fixture, const struct sums *sums, enum top_by by)
{
    bool mean = by == TOP_MEAN_RSS || by == TOP_MEAN_PSS;
    struct top_process *found;
    assert_int_equal(ask(fixture, by, 0, fixture->number, 5, &found), 5);
    int64_t before = INT64_MAX;
    for (size_t i = 0; i < 5; i++) {
        size_t larger = 0;
        for (size_t k = 0; k < PROCESSES; k++)
            larger += sums_value(&sums[k], mean) > top_value(&found[i], mean);
        assert_true(larger <= i);
        const struct sums *own = &sums[found[i].id.pid - 100];
        assert_int_equal(found[i].peak_bytes, sums_value(own, false));
        assert_int_equal(found[i].average_bytes, sums_value(own, true));
        assert_true(top_value(&found[i], mean) <= before);
        before = top_value(&found[i], mean);
    }
    assert_true(found[0].first_wall_usec < fixture_wall(2));
    assert_true(found[0].last_wall_usec >= fixture_wall(fixture->number - 2));
    free(found);
}

static void expect_all(struct fixture *fixture, const struct life *life)
{
    expect_top(fixture, life->rss, TOP_PEAK_RSS);
    expect_top(fixture, life->rss, TOP_MEAN_RSS);
    expect_top(fixture, life->pss, TOP_PEAK_PSS);
    expect_top(fixture, life->pss, TOP_MEAN_PSS);
}

static void the_same_as_plain_sums(void **state)
{
    struct fixture *fixture = *state;
    struct life life = {0};
    uint64_t random = 42;
    life_processes(fixture, 0);
    for (size_t i = 0; i < TICKS; i++) {
        life_tick(fixture, &life, &random, 0);
        if (i % 500 == 60)
            expect_all(fixture, &life);
    }
    expect_all(fixture, &life);
    /* The daemon restarts: the same processes in other rows are the same processes. */
    fixture_close(fixture);
    fixture_open(fixture);
    life_processes(fixture, 1000);
    for (size_t i = 0; i < 100; i++)
        life_tick(fixture, &life, &random, 1000);
    expect_all(fixture, &life);
}

static void only_within_the_time(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 1000);
    fixture_ticks(fixture, 700);
    fixture_ended(fixture, 1);
    fixture_process(fixture, 2, 20);
    fixture_rss(fixture, 2, 500);
    fixture_ticks(fixture, 2000);
    struct top_process *found;
    assert_int_equal(ask(fixture, TOP_PEAK_RSS, 0, 2700, 10, &found), 2);
    assert_int_equal(found[0].id.pid, 10);
    assert_int_equal(found[1].id.pid, 20);
    /* Who is gone is told of all the same, and that it is. */
    assert_true(found[0].ended && !found[1].ended);
    assert_string_equal(found[0].comm, "p10");
    free(found);
    assert_int_equal(ask(fixture, TOP_PEAK_RSS, 1900, 2700, 10, &found), 1);
    assert_int_equal(found[0].id.pid, 20);
    assert_int_equal(found[0].peak_bytes, 500);
    free(found);
    assert_int_equal(ask(fixture, TOP_PEAK_RSS, 9000, 9900, 10, &found), 0);
    free(found);
}

/* What is on the shelf only, what is in blocks, and what began in one and ended in the other. */
static void when_it_was_there(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 1000);
    fixture_ticks(fixture, 500);
    fixture_process(fixture, 2, 20);
    fixture_rss(fixture, 2, 500);
    fixture_ticks(fixture, 150);
    fixture_ended(fixture, 1);
    fixture_ticks(fixture, 20);
    fixture_process(fixture, 3, 30);
    fixture_rss(fixture, 3, 100);
    fixture_ticks(fixture, 10);
    fixture_ended(fixture, 3);
    fixture_ticks(fixture, 20);
    static const struct {
        uint64_t first, last;
        bool ended;
    } expected[] = {{0, 649, true}, {500, 699, false}, {670, 679, true}};
    struct top_process *found;
    assert_int_equal(ask(fixture, TOP_PEAK_RSS, 0, 700, 10, &found), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(found[i].first_wall_usec / USEC_PER_SEC,
                         fixture_wall(expected[i].first) / USEC_PER_SEC);
        assert_int_equal(found[i].last_wall_usec / USEC_PER_SEC,
                         fixture_wall(expected[i].last) / USEC_PER_SEC);
        assert_int_equal(found[i].ended, expected[i].ended);
    }
    free(found);
}

static void the_processes_of_others_are_not_told(void **state)
{
    struct fixture *fixture = *state;
    const uid_t owner = 1000, stranger = 1001;
    fixture_process(fixture, 1, 10); /* of uid 1000 */
    fixture_rss(fixture, 1, 100);
    fixture_ticks(fixture, 2);
    struct top_process *found;
    history_set_owner(fixture->history, &stranger);
    assert_int_equal(ask(fixture, TOP_PEAK_RSS, 0, 2, 10, &found), 0);
    free(found);
    history_set_owner(fixture->history, &owner);
    assert_int_equal(ask(fixture, TOP_PEAK_RSS, 0, 2, 10, &found), 1);
    free(found);
}

static void questions_that_make_no_sense(void **state)
{
    struct fixture *fixture = *state;
    const struct top_query queries[] = {
        {.from_wall_usec = 5, .to_wall_usec = 5, .limit = 1},
        {.from_wall_usec = 5, .to_wall_usec = UINT64_MAX, .limit = 1},
        {.from_wall_usec = 5, .to_wall_usec = 6, .limit = 0},
        {.from_wall_usec = 5, .to_wall_usec = 6, .limit = TOP_LIMIT + 1},
    };
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct error error = {0};
        size_t count;
        struct top_process *found;
        assert_int_equal(history_top(fixture->history, &queries[i], &count, &found, &error),
                         -EINVAL);
        assert_true(error.text[0]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_as_plain_sums),
        TEST(only_within_the_time),
        TEST(when_it_was_there),
        TEST(the_processes_of_others_are_not_told),
        TEST(questions_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
