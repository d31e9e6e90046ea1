/* SPDX-License-Identifier: MIT */
/* Retention: by age slowly, by size down to the limit, oldest samples first. */
#include "store_fixture.h"

#include "storage/connection.h"

#include <pthread.h>
#include <stdatomic.h>

static int64_t count_of(const struct fixture *fixture, const char *sql)
{
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    sqlite3 *database;
    int64_t count = -1;
    assert_int_equal(connection_open_read(path, &database), 0);
    assert_int_equal(connection_number(database, sql, &count), 0);
    connection_close(database);
    return count;
}

/* One step; true: it wants to go on. */
static bool expire(struct fixture *fixture, uint64_t second)
{
    bool more = false;
    assert_int_equal(store_expire(fixture->store, fixture_wall(second), &more), 0);
    return more;
}

static void reopen_with(struct fixture *fixture, struct store_limits limits)
{
    fixture_close(fixture);
    fixture->config.limits = limits;
    fixture_open(fixture);
}

static void old_samples_go_ten_ticks_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    reopen_with(fixture, (struct store_limits){100 * USEC_PER_SEC, 1000 * USEC_PER_SEC, 1 << 30});
    fixture_process(fixture, 1, 10);
    fixture_process(fixture, 2, 20);
    for (int i = 0; i < 150; i++) {
        fixture_rss(fixture, 1, i);
        if (i < 30)
            fixture_rss(fixture, 2, i);
        if (i == 30)
            fixture_ended(fixture, 2);
        fixture_tick(fixture);
    }
    assert_false(expire(fixture, 99));
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM tick"), 150);
    assert_false(expire(fixture, 150));
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM tick"), 140);
    for (int i = 0; i < 20; i++)
        expire(fixture, 150);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM tick"), 100);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM sample"), 100);
    assert_int_equal(count_of(fixture, "SELECT min(wall_usec) FROM tick"), fixture_wall(50));
    /* The process that is only in the past goes with it; the living one stays. */
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM process"), 1);
    struct series_result result =
        fixture_series(fixture, fixture_target(10), METRIC_RSS, 48, 52, 5, SERIES_LAST);
    fixture_assert_points(&result, (const int64_t[]){FIXTURE_GAP, 50, 51}, 3);
}

static void a_clock_that_jumps_cannot_empty_the_history(void **state)
{
    struct fixture *fixture = *state;
    fixture_ticks(fixture, 200);
    uint64_t ten_years = UINT64_C(10) * 365 * 86400;
    for (int i = 0; i < 5; i++)
        assert_false(expire(fixture, ten_years));
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM tick"), 150);
}

static void old_records_go_too(void **state)
{
    struct fixture *fixture = *state;
    reopen_with(fixture, (struct store_limits){1000 * USEC_PER_SEC, 100 * USEC_PER_SEC, 1 << 30});
    for (int64_t i = 0; i < 120; i++) {
        struct event event = {.id = i + 1, .wall_usec = fixture_wall((uint64_t)i)};
        struct receipt receipt = {.wall_usec = event.wall_usec, .step_count = 1};
        snprintf(receipt.id, sizeof(receipt.id), "r-%d", (int)i);
        assert_int_equal(store_begin(fixture->store, true), 0);
        assert_int_equal(store_write_event(fixture->store, &event), 0);
        assert_int_equal(store_write_receipt(fixture->store, &receipt), 0);
        assert_int_equal(store_commit(fixture->store), 0);
    }
    for (int i = 0; i < 5; i++)
        expire(fixture, 120);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM event"), 100);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM receipt"), 100);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM receipt_step"), 100);
}

static void fill_rows(struct fixture *fixture, size_t ticks)
{
    for (size_t i = 0; i < ticks; i++) {
        for (int64_t row = 1; row <= FIXTURE_CAPACITY; row++) {
            struct tick_row *entry = fixture_row(fixture, row);
            for (unsigned metric = 0; metric < METRIC_STORED_COUNT; metric++)
                fixture_value(entry, metric, (int64_t)(i * 1000000007 + metric));
        }
        fixture_tick(fixture);
    }
}

static uint64_t size_of(struct fixture *fixture)
{
    uint64_t bytes;
    assert_int_equal(store_size(fixture->store, &bytes), 0);
    return bytes;
}

static void size_stays_at_the_limit(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t limit = 24 << 20;
    reopen_with(fixture, (struct store_limits){STORE_SAMPLES_USEC_DEFAULT,
                                               STORE_EVENTS_USEC_DEFAULT, limit});
    struct event event = {.id = 1, .wall_usec = fixture_wall(0)};
    fixture_event(fixture, &event);
    uint64_t highest = 0;
    for (int round = 0; round < 60; round++) {
        fill_rows(fixture, 20);
        uint64_t start = clock_mono_usec();
        for (int i = 0; i < 1000 && expire(fixture, fixture->number); i++)
            ;
        assert_true(clock_mono_usec() - start < 60 * USEC_PER_SEC);
        uint64_t size = size_of(fixture);
        highest = size > highest ? size : highest;
    }
    /* Written: 60 * 20 * 256 rows of some 200 bytes, 60 MB. Kept: the limit and one round. */
    assert_true(highest <= limit + (6 << 20));
    assert_true(highest >= limit * 3 / 4);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    assert_true(size_of(fixture) <= limit);
    int64_t ticks = count_of(fixture, "SELECT count(*) FROM tick");
    assert_true(ticks > 100 && ticks < 1200);
    /* The newest are there, events are there, and nothing hangs in the air. */
    assert_int_equal(count_of(fixture, "SELECT max(wall_usec) FROM tick"),
                     fixture_wall(fixture->number - 1));
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM event"), 1);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM sample WHERE tick NOT IN "
                                       "(SELECT id FROM tick)"),
                     0);
}

static void a_lowered_limit_gives_the_space_back(void **state)
{
    struct fixture *fixture = *state;
    fill_rows(fixture, 300);
    uint64_t before = size_of(fixture);
    assert_true(before > 12 << 20);
    reopen_with(fixture, (struct store_limits){STORE_SAMPLES_USEC_DEFAULT,
                                               STORE_EVENTS_USEC_DEFAULT, 8 << 20});
    for (int i = 0; i < 2000 && expire(fixture, fixture->number); i++)
        ;
    fixture_close(fixture);
    fixture_open(fixture);
    assert_true(size_of(fixture) <= 8 << 20);
    assert_true(count_of(fixture, "SELECT count(*) FROM sample") > 1000);
}

struct slow_reader {
    const char *path;
    atomic_bool stop;
};

/* Some query is always under way, but none for ever. */
static void *read_slowly(void *context)
{
    struct slow_reader *reader = context;
    sqlite3 *database;
    int64_t count;
    if (connection_open_read(reader->path, &database) < 0)
        return NULL;
    while (!atomic_load(&reader->stop)) {
        connection_run(database, "BEGIN");
        for (int i = 0; i < 5; i++)
            connection_number(database, "SELECT sum(rss_bytes) FROM sample", &count);
        connection_run(database, "COMMIT");
        usleep(100); /* the answer goes out, the next question comes in */
    }
    connection_close(database);
    return NULL;
}

static void the_log_stays_small_beside_a_slow_reader(void **state)
{
    struct fixture *fixture = *state;
    char path[256], log[256];
    fixture_path(fixture, STORE_FILE, path);
    fixture_path(fixture, STORE_FILE "-wal", log);
    struct slow_reader reader = {.path = path};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
    uint64_t highest = 0;
    for (int round = 0; round < 30; round++) {
        fill_rows(fixture, 20);
        struct stat status;
        assert_int_equal(stat(log, &status), 0);
        highest = (uint64_t)status.st_size > highest ? (uint64_t)status.st_size : highest;
    }
    atomic_store(&reader.stop, true);
    pthread_join(thread, NULL);
    assert_true(highest <= 16 << 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(old_samples_go_ten_ticks_at_a_time),
        TEST(a_clock_that_jumps_cannot_empty_the_history),
        TEST(old_records_go_too),
        TEST(size_stays_at_the_limit),
        TEST(a_lowered_limit_gives_the_space_back),
        TEST(the_log_stays_small_beside_a_slow_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
