/* SPDX-License-Identifier: MIT */
/*
 * Somebody else's transaction that does not end keeps the log from starting over: the log stays
 * below its limit, the store says why it stores nothing, and goes on when the reader is gone. The
 * clock is handed out by the test, so that waiting takes no time. MEMTEND_LONG=1: also for an hour
 * of real time; MEMTEND_STUCK_SECONDS: for so long.
 */
#include "store_fixture.h"

#include "storage/connection.h"

#define HOUR_TICKS      3600
#define LOG_LIMIT_BYTES (UINT64_C(16) << 20)
#define ROWS            250
#define REOPEN_EVERY    2 /* refused ticks: the daemon does it each two seconds */

uint64_t __wrap_clock_mono_usec(void);
uint64_t __real_clock_mono_usec(void);

static bool real_time;

uint64_t __wrap_clock_mono_usec(void)
{
    static uint64_t now = 1;
    return real_time ? __real_clock_mono_usec() : (now += USEC_PER_SEC);
}

static uint64_t log_bytes(const struct fixture *fixture)
{
    char path[256];
    struct stat status;
    fixture_path(fixture, STORE_FILE "-wal", path);
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static int try_tick(struct fixture *fixture, int64_t value)
{
    struct tick *tick = &fixture->tick;
    tick->id = 0;
    tick->number = fixture->number;
    tick->mono_usec = (fixture->number + 100) * USEC_PER_SEC;
    tick->wall_usec = fixture_wall(fixture->number++);
    tick->row_count = 0;
    for (int64_t row = 1; row <= ROWS; row++)
        fixture_rss(fixture, row, value * ROWS + row);
    int r = store_begin(fixture->store, value % 5 == 0);
    if (r == 0)
        r = store_write_tick(fixture->store, tick);
    if (r == 0)
        r = store_commit(fixture->store);
    if (r < 0)
        store_rollback(fixture->store);
    return r;
}

static sqlite3 *read_and_stay(const struct fixture *fixture)
{
    char path[256];
    sqlite3 *reader;
    int64_t count;
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(connection_open_read(path, &reader), 0);
    assert_int_equal(connection_run(reader, "BEGIN"), 0);
    assert_int_equal(connection_number(reader, "SELECT count(*) FROM event", &count), 0);
    return reader;
}

static void wait_until(uint64_t usec)
{
    uint64_t now = __real_clock_mono_usec();
    if (real_time && now < usec)
        usleep((useconds_t)(usec - now));
}

static void stay_for(struct fixture *fixture, int64_t seconds)
{
    for (int64_t i = 0; i < 10; i++)
        assert_int_equal(try_tick(fixture, i), 0);
    sqlite3 *reader = read_and_stay(fixture);
    size_t refused = 0;
    uint64_t highest = 0, start = __real_clock_mono_usec();
    for (int64_t i = 0; i < seconds; i++) {
        wait_until(start + (uint64_t)i * USEC_PER_SEC);
        int r = try_tick(fixture, i);
        if (r < 0) {
            assert_int_equal(r, -EBUSY);
            if (refused++ % REOPEN_EVERY == 0) {
                fixture_close(fixture);
                fixture_open(fixture);
            }
        }
        highest = log_bytes(fixture) > highest ? log_bytes(fixture) : highest;
        assert_in_range(highest, 0, LOG_LIMIT_BYTES);
    }
    assert_true(refused > 0 || seconds < HOUR_TICKS); /* else the limit was never met */
    printf("TOTAL: %d s%s, %zu ticks refused, the log at most %d bytes\n", (int)seconds,
           real_time ? " of real time" : "", refused, (int)highest);
    connection_close(reader);
    for (int64_t i = 0; i < 10; i++)
        assert_int_equal(try_tick(fixture, i), 0);
    assert_in_range(log_bytes(fixture), 0, LOG_LIMIT_BYTES / 4);
}

static void the_log_is_bounded(void **state)
{
    stay_for(*state, HOUR_TICKS);
}

static void the_log_is_bounded_in_real_time(void **state)
{
    const char *seconds = getenv("MEMTEND_STUCK_SECONDS"), *wanted = getenv("MEMTEND_LONG");
    if (!seconds && (!wanted || strcmp(wanted, "1") != 0))
        return;
    real_time = true;
    stay_for(*state, seconds ? strtol(seconds, NULL, 10) : HOUR_TICKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_log_is_bounded, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_log_is_bounded_in_real_time, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
