/* SPDX-License-Identifier: MIT */
/* Retention: by age slowly, by size down to the limit, oldest samples first. */
#include "store_fixture.h"

#include "storage/connection.h"
#include "storage/expire.h"

#include <pthread.h>
#include <stdatomic.h>

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

/* Until nothing is left to do. */
static void expire_all(struct fixture *fixture)
{
    for (int i = 0; i < 2000; i++)
        if (!expire(fixture, fixture->number) && i > 100)
            break;
}

static void old_samples_become_coarse_and_go(void **state)
{
    struct fixture *fixture = *state;
    reopen_with(fixture, (struct store_limits){.samples_usec = 3600 * USEC_PER_SEC,
                                               .minutes_usec = 7200 * USEC_PER_SEC,
                                               .events_usec = 86400 * USEC_PER_SEC,
                                               .max_size_bytes = 1 << 30});
    fixture_process(fixture, 1, 10);
    fixture_process(fixture, 2, 20);
    for (int i = 0; i < 5 * 3600; i++) {
        if (i % 100 == 0)
            fixture_rss(fixture, 1, i);
        if (i == 0)
            fixture_rss(fixture, 2, i);
        if (i == 3000)
            fixture_ended(fixture, 2);
        fixture_tick(fixture);
        if (i % 600 == 0)
            expire_all(fixture);
    }
    fixture_tick(fixture); /* says that what was before the last one is in blocks */
    expire_all(fixture);
    /* The last tick is 18,001. Hours go when they are old as a whole. */
    assert_int_equal(fixture_count(fixture, "SELECT min(first_tick) FROM block_hour"), 14400);
    assert_int_equal(fixture_count(fixture, "SELECT min(first_tick) FROM rollup_minute"), 10800);
    assert_int_equal(fixture_count(fixture, "SELECT min(first_tick) FROM span"), 10800);
    /* The process that is only in the past goes with it; the living one stays. */
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM process"), 1);
    struct series_result result =
        fixture_series(fixture, fixture_target(10), METRIC_RSS, 11000, 11120, 2, SERIES_LAST);
    assert_int_equal(result.count, 1);
    series_result_finish(&result);
}

static void old_records_go_too(void **state)
{
    struct fixture *fixture = *state;
    reopen_with(fixture, (struct store_limits){.samples_usec = 1000 * USEC_PER_SEC,
                                               .events_usec = 100 * USEC_PER_SEC,
                                               .max_size_bytes = 1 << 30});
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
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM event"), 100);
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM receipt"), 100);
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM receipt_step"), 100);
}

#define ROWS    64
#define METRICS 10

/* Nothing that can be compressed. */
static void fill_rows(struct fixture *fixture, size_t ticks)
{
    uint64_t random = fixture->number * 977 + 1;
    for (size_t i = 0; i < ticks; i++) {
        for (int64_t row = 1; row <= ROWS; row++) {
            struct tick_row *entry = fixture_row(fixture, row);
            for (unsigned metric = 0; metric < METRICS; metric++) {
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
                fixture_value(entry, (enum metric)metric, (int64_t)(random >> 33));
            }
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
    const uint64_t limit = 12 << 20;
    reopen_with(fixture, (struct store_limits){.samples_usec = STORE_SAMPLES_USEC_DEFAULT,
                                               .events_usec = STORE_EVENTS_USEC_DEFAULT,
                                               .max_size_bytes = limit});
    struct event event = {.id = 1, .wall_usec = fixture_wall(0)};
    fixture_event(fixture, &event);
    uint64_t highest = 0;
    for (int round = 0; round < 90; round++) {
        fill_rows(fixture, 200);
        for (int i = 0; i < 1000 && expire(fixture, fixture->number); i++)
            ;
        uint64_t size = size_of(fixture);
        highest = size > highest ? size : highest;
    }
    /* Written: 18,000 ticks of 3 KB, 54 MB. Kept: the limit, what one round brings, and the log. */
    assert_true(highest <= limit + (6 << 20));
    assert_true(highest >= limit * 3 / 4);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    /* The newest are there, events are there, and nothing hangs in the air. */
    assert_int_equal(fixture_count(fixture, "SELECT max(last_wall_usec) FROM span"),
                     fixture_wall(fixture->number - 1));
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM event"), 1);
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM block WHERE first_tick < 600"),
                     0);
    assert_int_equal(
        fixture_count(fixture, "SELECT count(*) FROM block_hour WHERE first_tick < 600"), 0);
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM block WHERE first_tick < "
                                            "(SELECT min(first_tick) FROM span)"),
                     0);
}

static int64_t file_bytes(struct fixture *fixture)
{
    char path[256];
    struct stat status;
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

/* What age alone takes shrinks the file as well. */
static void what_age_takes_is_given_back(void **state)
{
    struct fixture *fixture = *state;
    reopen_with(fixture, (struct store_limits){.samples_usec = 600 * USEC_PER_SEC,
                                               .minutes_usec = 600 * USEC_PER_SEC,
                                               .hours_usec = 600 * USEC_PER_SEC,
                                               .events_usec = STORE_EVENTS_USEC_DEFAULT,
                                               .max_size_bytes = STORE_MAX_SIZE_BYTES_DEFAULT});
    fill_rows(fixture, 2400);
    fixture_close(fixture);
    const int64_t full = file_bytes(fixture);
    fixture_open(fixture);
    /* Hours of nothing: a tick of the host each second. */
    fixture_ticks(fixture, 5000);
    expire_all(fixture);
    fixture_close(fixture);
    assert_true(full > 4 << 20);
    assert_true(file_bytes(fixture) < full / 2);
    fixture_open(fixture);
}

static void a_lowered_limit_gives_the_space_back(void **state)
{
    struct fixture *fixture = *state;
    fill_rows(fixture, 4000);
    for (int i = 0; i < 1000 && expire(fixture, fixture->number); i++)
        ;
    assert_true(size_of(fixture) > 8 << 20);
    reopen_with(fixture, (struct store_limits){.samples_usec = STORE_SAMPLES_USEC_DEFAULT,
                                               .events_usec = STORE_EVENTS_USEC_DEFAULT,
                                               .max_size_bytes = 6 << 20});
    for (int i = 0; i < 2000 && expire(fixture, fixture->number); i++)
        ;
    fixture_close(fixture);
    fixture_open(fixture);
    assert_true(size_of(fixture) <= 6 << 20);
    assert_true(fixture_count(fixture, "SELECT count(*) FROM block") > 10);
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
            connection_number(database, "SELECT sum(length(data)) FROM hot", &count);
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
        TEST(old_samples_become_coarse_and_go),
        TEST(old_records_go_too),
        TEST(size_stays_at_the_limit),
        TEST(what_age_takes_is_given_back),
        TEST(a_lowered_limit_gives_the_space_back),
        TEST(the_log_stays_small_beside_a_slow_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
