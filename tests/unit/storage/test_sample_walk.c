/* SPDX-License-Identifier: MIT */
/* What went into the store comes out again: each process, each tick, each value, wherever it lies
 * in the file at that moment. */
#include "store_fixture.h"

#include "random.h"
#include "storage/connection.h"
#include "storage/plain_file.h"
#include "storage/sample_walk.h"

#define PROCESSES 5
#define SECONDS   1500

/* By process and second. */
struct life {
    struct fixture *fixture;
    uint64_t random;
    uint64_t present[PROCESSES][SECONDS];
    int64_t value[PROCESSES][SECONDS][METRIC_STORED_COUNT];
    bool seen[PROCESSES][SECONDS];
};

static pid_t pid_of(size_t process)
{
    return (pid_t)(100 + process);
}

/* Most stays as it was; now and then anything may come or go. */
static void live(struct life *life, size_t process, size_t second)
{
    uint64_t *present = &life->present[process][second];
    int64_t *value = life->value[process][second];
    if (second > 0) {
        *present = life->present[process][second - 1];
        memcpy(value, life->value[process][second - 1], sizeof(life->value[0][0]));
    }
    for (uint64_t left = random_below(&life->random, 4); left > 0; left--) {
        size_t metric = random_below(&life->random, METRIC_STORED_COUNT);
        *present ^= random_below(&life->random, 3) == 0 ? UINT64_C(1) << metric : 0;
        if (*present >> metric & 1)
            value[metric] = random_below(&life->random, 9) == 0
                                ? (int64_t)random_next(&life->random)
                                : (int64_t)random_below(&life->random, 1000000);
    }
    for (size_t metric = 0; metric < METRIC_STORED_COUNT; metric++)
        if (!(*present >> metric & 1))
            value[metric] = 0;
}

static void live_seconds(struct life *life, size_t from, size_t to)
{
    struct fixture *fixture = life->fixture;
    for (size_t second = from; second < to; second++) {
        fixture->number = second;
        for (size_t i = 0; i < PROCESSES; i++) {
            live(life, i, second);
            if (second == 0)
                fixture_process(fixture, (int64_t)i + 1, pid_of(i));
            struct tick_row *row = fixture_row(fixture, (int64_t)i + 1);
            row->present = (uint32_t)life->present[i][second];
            memcpy(row->value, life->value[i][second], sizeof(row->value));
        }
        fixture_tick(fixture);
    }
}

static struct sample_walk *walk_of(const struct fixture *fixture,
                                   const struct sample_walk_query *query)
{
    struct sample_walk *walk;
    struct error error = {0};
    if (sample_walk_new(fixture->directory, query, &walk, &error) < 0)
        fail_msg("%s", error.text);
    return walk;
}

static const struct sample_walk_query everything = {.to_wall_usec = UINT64_MAX};

static bool next(struct sample_walk *walk, struct sample_row *row)
{
    bool more;
    struct error error = {0};
    if (sample_walk_next(walk, row, &more, &error) < 0)
        fail_msg("%s", error.text);
    return more;
}

static void assert_life(struct life *life, size_t seconds)
{
    struct sample_walk *walk = walk_of(life->fixture, &everything);
    struct sample_row row;
    memset(life->seen, 0, sizeof(life->seen));
    while (next(walk, &row)) {
        size_t process = (size_t)row.process->id.pid - 100;
        size_t second = (size_t)((row.wall_usec - FIXTURE_WALL_USEC) / USEC_PER_SEC);
        assert_in_range(process, 0, PROCESSES - 1);
        assert_in_range(second, 0, seconds - 1);
        assert_false(life->seen[process][second]);
        life->seen[process][second] = true;
        assert_int_equal(row.present, life->present[process][second]);
        assert_memory_equal(row.value, life->value[process][second], sizeof(row.value));
        assert_string_equal(row.process->boot, FIXTURE_FIRST_BOOT);
    }
    for (size_t i = 0; i < PROCESSES; i++)
        for (size_t k = 0; k < seconds; k++)
            assert_int_equal(life->seen[i][k], life->present[i][k] != 0);
    assert_true(sample_walk_progress(walk) <= 1);
    sample_walk_free(walk);
}

static void compact(struct fixture *fixture)
{
    bool more = true;
    while (more)
        assert_int_equal(store_expire(fixture->store, fixture_wall(0), &more), 0);
}

/* In hot rows, in blocks, in hours; while the store is open and while it is not. */
static void all_comes_back(void **state)
{
    struct fixture *fixture = *state;
    struct life *life = calloc(1, sizeof(*life));
    assert_non_null(life);
    life->fixture = fixture;
    life->random = 7;
    static const size_t stops[] = {1, 40, 599, 600, 640, 1300, SECONDS};
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        live_seconds(life, i > 0 ? stops[i - 1] : 0, stops[i]);
        assert_life(life, stops[i]);
        compact(fixture);
        assert_life(life, stops[i]);
    }
    fixture_close(fixture);
    assert_life(life, SECONDS);
    fixture_open(fixture);
    assert_life(life, SECONDS);
    fixture_ticks(fixture, 2500); /* over the end of the hour */
    compact(fixture);
    assert_life(life, SECONDS);
    free(life);
}

/* The answer of the REST interface for the same ticks. */
static void it_is_what_a_series_says(void **state)
{
    struct fixture *fixture = *state;
    struct life *life = calloc(1, sizeof(*life));
    assert_non_null(life);
    life->fixture = fixture;
    life->random = 11;
    live_seconds(life, 0, 700);
    for (size_t i = 0; i < PROCESSES; i++) {
        int64_t rss[700];
        for (size_t k = 0; k < 700; k++)
            rss[k] = FIXTURE_GAP;
        struct sample_walk_query query = {.to_wall_usec = UINT64_MAX, .target_count = 1};
        query.targets[0] = fixture_target(pid_of(i));
        struct sample_walk *walk = walk_of(fixture, &query);
        for (struct sample_row row; next(walk, &row);)
            if (row.present >> METRIC_RSS & 1)
                rss[(row.wall_usec - FIXTURE_WALL_USEC) / USEC_PER_SEC] = row.value[METRIC_RSS];
        sample_walk_free(walk);
        struct series_result result = fixture_series(fixture, fixture_target(pid_of(i)), METRIC_RSS,
                                                     0, 700, 701, SERIES_LAST);
        size_t known = 0;
        for (size_t k = 0; result.count > 0 && k < result.series[0].count; k++) {
            const struct series_point *point = &result.series[0].points[k];
            size_t second = (size_t)point->wall_msec / 1000 - FIXTURE_WALL_USEC / USEC_PER_SEC;
            if (point->gap || second >= 700) /* the newest tick holds a little */
                continue;
            assert_int_equal(rss[second], point->value);
            known++;
        }
        for (size_t k = 0; k < 700; k++)
            known -= rss[k] != FIXTURE_GAP;
        assert_int_equal(known, 0);
        series_result_finish(&result);
    }
    free(life);
}

static size_t count_rows(const struct fixture *fixture, const struct sample_walk_query *query,
                         pid_t *ret_pid)
{
    struct sample_walk *walk = walk_of(fixture, query);
    struct sample_row row;
    size_t count = 0;
    while (next(walk, &row)) {
        *ret_pid = row.process->id.pid;
        count++;
    }
    sample_walk_free(walk);
    return count;
}

static void a_part_of_it(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    text_copy(fixture->tick.processes[0].unit, PROCESS_UNIT_SIZE, "a.service");
    fixture_process(fixture, 2, 11);
    fixture_rss(fixture, 1, 100);
    fixture_rss(fixture, 2, 200);
    fixture_ticks(fixture, 650);
    pid_t pid = 0;
    assert_int_equal(count_rows(fixture, &everything, &pid), 1300);
    struct sample_walk_query query = {.from_wall_usec = fixture_wall(5),
                                      .to_wall_usec = fixture_wall(8)};
    assert_int_equal(count_rows(fixture, &query, &pid), 6);
    query.target_count = 1;
    query.targets[0] = (struct target){.kind = TARGET_PID, .id = {.pid = 11}};
    assert_int_equal(count_rows(fixture, &query, &pid), 3);
    assert_int_equal(pid, 11);
    query.targets[0] = (struct target){.kind = TARGET_UNIT, .name = "a.service"};
    assert_int_equal(count_rows(fixture, &query, &pid), 3);
    assert_int_equal(pid, 10);
    query.from_wall_usec = fixture_wall(5000);
    query.to_wall_usec = UINT64_MAX;
    assert_int_equal(count_rows(fixture, &query, &pid), 0);
}

static void assert_no_walk(const char *directory, const struct sample_walk_query *query, int r,
                           const char *text)
{
    struct sample_walk *walk;
    struct error error = {0};
    assert_int_equal(sample_walk_new(directory, query, &walk, &error), r);
    if (!strstr(error.text, text))
        fail_msg("%s", error.text);
}

static void what_cannot_be(void **state)
{
    struct fixture *fixture = *state;
    struct sample_walk_query query = everything;
    assert_no_walk("/nonexistent", &query, -ENOENT, "there is no memtend.db");
    query.target_count = 1;
    query.targets[0] = (struct target){.kind = TARGET_PID, .id = {.pid = 11}};
    assert_no_walk(fixture->directory, &query, -ESRCH, "no process 11");
    query.targets[0] = (struct target){.kind = TARGET_HOST};
    assert_no_walk(fixture->directory, &query, -EOPNOTSUPP, "only processes");
    char path[256];
    fixture_close(fixture);
    fixture_path(fixture, STORE_FILE, path);
    sqlite3 *database;
    assert_int_equal(connection_open_write(path, &database), 0);
    assert_int_equal(connection_run(database, "PRAGMA user_version = 99"), 0);
    assert_no_walk(fixture->directory, &everything, -EPROTO, "a newer memtend");
    assert_int_equal(connection_run(database, "PRAGMA application_id = 0"), 0);
    connection_close(database);
    assert_no_walk(fixture->directory, &everything, -EMEDIUMTYPE, "another program");
}

static int64_t ask(sqlite3 *database, const char *sql)
{
    int64_t number = INT64_MIN;
    assert_int_equal(connection_number(database, sql, &number), 0);
    return number;
}

static void as_plain_tables(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    struct tick_row *first = fixture_row(fixture, 1);
    fixture_value(first, METRIC_RSS, 4096);
    fixture_value(first, METRIC_CPU, 1234);
    fixture_ticks(fixture, 3);
    char path[256];
    fixture_path(fixture, "plain.db", path);
    close(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    struct plain_file *file;
    assert_int_equal(plain_file_new(path, &file), 0);
    struct sample_walk *walk = walk_of(fixture, &everything);
    for (struct sample_row row; next(walk, &row);)
        assert_int_equal(plain_file_add(file, &row), 0);
    sample_walk_free(walk);
    assert_int_equal(plain_file_finish(file), 0);
    plain_file_free(file);
    sqlite3 *database;
    assert_int_equal(connection_open_read(path, &database), 0);
    assert_int_equal(ask(database, "SELECT count(*) FROM process"), 1);
    assert_int_equal(ask(database,
                         "SELECT count(*) FROM sample JOIN process ON process.id = "
                         "sample.process WHERE process.process = '10-100' AND "
                         "rss_bytes = 4096 AND cpu_percent = 12.34 AND pss_bytes IS NULL"),
                     3);
    assert_int_equal(ask(database, "SELECT count(*) FROM sample WHERE "
                                   "strftime('%s', time) - 1760000000 BETWEEN 0 AND 2"),
                     3);
    assert_int_equal(ask(database, "PRAGMA application_id"), 0);
    connection_close(database);
}

/* Whoever takes the rows takes his time. */
static void a_slow_taker_does_not_hold_the_log(void **state)
{
    struct fixture *fixture = *state;
    for (int64_t row = 1; row <= 200; row++)
        fixture_process(fixture, row, (pid_t)row);
    for (int second = 0; second < 700; second++) {
        for (int64_t row = 1; row <= 200; row++)
            fixture_rss(fixture, row, (row * second * 7919) % 1000003);
        fixture_tick(fixture);
    }
    struct sample_walk *walk = walk_of(fixture, &everything);
    struct sample_row row;
    size_t rows = 0;
    uint64_t most = 0;
    while (next(walk, &row)) {
        if (rows++ % 700 != 0)
            continue;
        for (int i = 0; i < 40; i++) {
            for (int64_t k = 1; k <= 200; k++)
                fixture_rss(fixture, k, (int64_t)(fixture->number * (uint64_t)k * 7919 % 1000003));
            fixture_tick(fixture); /* fails the test when it is refused */
        }
        char path[256];
        struct stat status;
        fixture_path(fixture, STORE_FILE "-wal", path);
        assert_int_equal(stat(path, &status), 0);
        most = (uint64_t)status.st_size > most ? (uint64_t)status.st_size : most;
    }
    sample_walk_free(walk);
    assert_int_equal(rows, 200 * 700);
    assert_in_range(most, 1, 16 << 20);
    assert_true(fixture->number > 700 + 199 * 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_comes_back),  TEST(it_is_what_a_series_says),
        TEST(a_part_of_it),    TEST(what_cannot_be),
        TEST(as_plain_tables), TEST(a_slow_taker_does_not_hold_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
