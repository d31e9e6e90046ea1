/* SPDX-License-Identifier: MIT */
/* A wall clock that jumps, by seconds or years, in use and over a restart: no gap comes of it, and
 * nothing is taken for old that is not. */
#include "store_fixture.h"

#include "storage/columns.h"
#include "storage/connection.h"
#include "storage/expire.h"
#include "storage/recent.h"

#define DAY_SECONDS  UINT64_C(86400)
#define YEAR_SECONDS (UINT64_C(365) * DAY_SECONDS)
#define JUMPS        1000
#define JUMP_TICKS   3
#define EVENT_EVERY  10
#define REOPEN_EVERY 250 /* ticks */

static uint64_t random_state;

static uint64_t next_random(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % limit;
}

/* 1 s to 10 years, as often short as long. */
static int64_t next_jump(void)
{
    static const uint64_t sizes[] = {1, 60, 3600, DAY_SECONDS, YEAR_SECONDS, 10 * YEAR_SECONDS};
    int64_t seconds = 1 + (int64_t)next_random(sizes[next_random(6)]);
    return (next_random(2) ? seconds : -seconds) * (int64_t)USEC_PER_SEC;
}

static void tick_at(struct fixture *fixture, uint64_t wall_usec)
{
    struct tick *tick = &fixture->tick;
    tick->id = 0;
    tick->number = fixture->number;
    tick->mono_usec = (fixture->number + 100) * USEC_PER_SEC;
    tick->wall_usec = wall_usec;
    assert_int_equal(store_begin(fixture->store, false), 0);
    assert_int_equal(store_write_tick(fixture->store, tick), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    fixture->number++;
    tick->process_count = tick->row_count = 0;
}

static void expire_at(struct fixture *fixture, uint64_t wall_usec)
{
    bool more;
    assert_int_equal(store_expire(fixture->store, wall_usec, &more), 0);
}

static void put_event(struct fixture *fixture, uint64_t wall_usec)
{
    struct event event = {.id = fixture_count(fixture, "SELECT count(*) FROM event") + 1,
                          .kind = EVENT_KIND_DEPLOY,
                          .wall_usec = wall_usec};
    fixture_event(fixture, &event);
}

struct found {
    int64_t ticks, gaps;
};

static int count_tick(void *context, int64_t tick, const struct open_log_row *row)
{
    struct found *found = context;
    (void)tick;
    found->ticks++;
    found->gaps += (row->present >> COLUMNS_GAP & 1) != 0;
    return 0;
}

static struct found find_ticks(struct fixture *fixture)
{
    char path[256];
    sqlite3 *database;
    struct queries queries;
    struct found found = {0};
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(connection_open_read(path, &database), 0);
    queries_init(&queries, database);
    struct recent recent = {.queries = &queries,
                            .shelf = store_shelf(fixture->store),
                            .row = SHELF_HOST,
                            .from_tick = 1,
                            .to_tick = store_shelf(fixture->store)->newest_tick};
    assert_int_equal(recent_visit(&recent, count_tick, &found), 0);
    queries_finish(&queries);
    connection_close(database);
    return found;
}

static void a_thousand_jumps(void **state)
{
    struct fixture *fixture = *state;
    int64_t jump = 0, events = 0, openings = 1;
    random_state = 20261123;
    for (uint64_t i = 0; i < JUMPS * JUMP_TICKS; i++) {
        if (i % JUMP_TICKS == 0)
            jump = next_random(3) ? next_jump() : 0;
        uint64_t wall_usec = (uint64_t)((int64_t)fixture_wall(i) + jump);
        tick_at(fixture, wall_usec);
        if (i % EVENT_EVERY == 0) {
            put_event(fixture, i == 0 ? fixture_wall(0) : wall_usec);
            events++;
        }
        expire_at(fixture, wall_usec);
        if (i % REOPEN_EVERY == REOPEN_EVERY - 1) {
            fixture_close(fixture);
            fixture_open(fixture);
            expire_at(fixture, wall_usec);
            openings++;
        }
    }
    struct found found = find_ticks(fixture);
    printf("TOTAL: %d jumps, %d ticks, %d gaps, %d events\n", JUMPS, (int)found.ticks,
           (int)found.gaps, (int)events);
    assert_int_equal(found.ticks, JUMPS * JUMP_TICKS);
    assert_int_equal(found.gaps, openings - 1); /* where the daemon was stopped, nowhere else */
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM event"), events);
}

/* Found at the start: ahead of all that is stored. */
static void a_jump_over_a_restart(void **state)
{
    struct fixture *fixture = *state;
    put_event(fixture, fixture_wall(0));
    fixture_ticks(fixture, 700);
    fixture_close(fixture);
    fixture_open(fixture);
    for (int i = 0; i < 50; i++)
        expire_at(fixture, fixture_wall(10 * YEAR_SECONDS));
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM event"), 1);
    assert_int_equal(fixture_count(fixture, "SELECT sum(ticks) FROM span"), 700);
}

/* Ticks and events of the wrong time are stored, and the daemon starts again before it is right. */
static void a_jump_that_is_still_on_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    put_event(fixture, fixture_wall(0));
    fixture_ticks(fixture, 700);
    for (uint64_t i = 0; i < 1300; i++)
        tick_at(fixture, fixture_wall(10 * YEAR_SECONDS + i));
    put_event(fixture, fixture_wall(10 * YEAR_SECONDS));
    fixture_close(fixture);
    fixture_open(fixture);
    for (int i = 0; i < 50; i++)
        expire_at(fixture, fixture_wall(10 * YEAR_SECONDS + 1400));
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM event"), 2);
}

/* What was written while the clock was behind looks old, and is not. */
static void events_of_a_clock_that_was_behind(void **state)
{
    struct fixture *fixture = *state;
    put_event(fixture, fixture_wall(0));
    for (int i = 0; i < 30; i++)
        put_event(fixture, fixture_wall(0) - 20 * YEAR_SECONDS * USEC_PER_SEC);
    put_event(fixture, fixture_wall(10));
    fixture_ticks(fixture, 20);
    for (int i = 0; i < 50; i++)
        expire_at(fixture, fixture_wall(20));
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM event"), 32);
}

/* ---- the clock by itself ---- */

static void no_jump_is_believed_before_a_day(void **state)
{
    (void)state;
    random_state = 4711;
    for (int round = 0; round < 200; round++) {
        struct expire_clock clock;
        expire_clock_begin(&clock, fixture_wall(0), 0);
        uint64_t jump_at = next_random(5 * DAY_SECONDS), lasts = next_random(DAY_SECONDS);
        for (uint64_t second = 0; second < 7 * DAY_SECONDS; second += 60) {
            bool jumped = second >= jump_at && second - jump_at < lasts;
            uint64_t wall = fixture_wall(second + (jumped ? 10 * YEAR_SECONDS : 0));
            uint64_t believed = expire_clock_read(&clock, second * USEC_PER_SEC, wall);
            assert_true(believed <= fixture_wall(second + 60));
            if (!jumped)
                assert_int_equal(believed, wall);
        }
    }
}

static void a_jump_that_lasts_for_a_day_is_believed(void **state)
{
    (void)state;
    const uint64_t stored = fixture_wall(0), jumped = fixture_wall(YEAR_SECONDS);
    struct expire_clock clock;
    expire_clock_begin(&clock, stored, 5);
    assert_int_equal(expire_clock_read(&clock, 5 + 100 * USEC_PER_SEC, jumped),
                     stored + 100 * USEC_PER_SEC);
    /* Back is believed at once: it makes nothing old. */
    assert_int_equal(expire_clock_read(&clock, 5 + 110 * USEC_PER_SEC, stored - 1), stored - 1);
    uint64_t later = 5 + 110 * USEC_PER_SEC + 25 * 3600 * USEC_PER_SEC;
    assert_int_equal(expire_clock_read(&clock, later, jumped), jumped);
}

/* A machine that sleeps each night jumps each morning; time goes on for it all the same. */
static void a_machine_that_sleeps_keeps_up(void **state)
{
    (void)state;
    const uint64_t awake = 10 * 3600;
    struct expire_clock clock;
    expire_clock_begin(&clock, fixture_wall(0), 0);
    uint64_t believed = 0;
    for (uint64_t day = 0; day < 30; day++)
        for (uint64_t second = 0; second < awake; second += 60)
            believed = expire_clock_read(&clock, (day * awake + second) * USEC_PER_SEC,
                                         fixture_wall(day * DAY_SECONDS + second));
    assert_true(believed > fixture_wall(26 * DAY_SECONDS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_jumps),
        TEST(a_jump_over_a_restart),
        TEST(a_jump_that_is_still_on_after_a_restart),
        TEST(events_of_a_clock_that_was_behind),
        cmocka_unit_test(no_jump_is_believed_before_a_day),
        cmocka_unit_test(a_jump_that_lasts_for_a_day_is_believed),
        cmocka_unit_test(a_machine_that_sleeps_keeps_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
