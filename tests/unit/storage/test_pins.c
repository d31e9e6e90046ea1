/* SPDX-License-Identifier: MIT */
/* The flight recorder: what is pinned outlives retention, and never grows without limit. */
#include "store_fixture.h"

#include "storage/connection.h"
#include "storage/pin_rows.h"

static void reopen_with(struct fixture *fixture, struct store_limits limits)
{
    fixture_close(fixture);
    fixture->config.limits = limits;
    fixture_open(fixture);
}

/* An event right after the last tick, about process `row` = pid; the others share its budget. */
static void pin(struct fixture *fixture, int64_t id, const int64_t *rows, size_t count)
{
    struct event event = {.id = id,
                          .kind = EVENT_KIND_OOM_KILL,
                          .wall_usec = fixture_wall(fixture->number - 1) + USEC_PER_SEC / 2,
                          .mono_usec = (fixture->number + 99) * USEC_PER_SEC + USEC_PER_SEC / 2};
    struct pin pin = {.count = count};
    for (size_t i = 0; i < count; i++) {
        pin.processes[i] = (struct pin_process){
            .row = rows[i], .id = {.pid = (pid_t)rows[i], .start_ticks = 10}, .victim = i == 0};
        snprintf(pin.processes[i].comm, sizeof(pin.processes[i].comm), "p%d", (int)rows[i]);
    }
    assert_int_equal(store_begin(fixture->store, true), 0);
    assert_int_equal(store_write_event(fixture->store, &event), 0);
    assert_int_equal(store_write_pin(fixture->store, &event, &pin), 0);
    assert_int_equal(store_commit(fixture->store), 0);
}

static struct event_window *window_of(struct fixture *fixture, int64_t id)
{
    struct event_window *window = NULL;
    assert_int_equal(history_event_window(fixture->history, id, &window), 0);
    return window;
}

/* 200 ticks of three processes: 1 grows, 2 stands still, 3 comes late. */
static void fill(struct fixture *fixture)
{
    for (int64_t row = 1; row <= 2; row++)
        fixture_process(fixture, row, (pid_t)row);
    for (int i = 0; i < 200; i++) {
        if (i == 190)
            fixture_process(fixture, 3, 3);
        fixture_rss(fixture, 1, 1000 + i);
        if (i % 60 == 59)
            fixture_rss(fixture, 2, 5);
        if (i >= 190)
            fixture_rss(fixture, 3, i);
        fixture_tick(fixture);
    }
}

static void assert_window(struct fixture *fixture)
{
    struct event_window *window = window_of(fixture, 1);
    assert_non_null(window);
    assert_int_equal(window->event.kind, EVENT_KIND_OOM_KILL);
    assert_true(window->event.has_window);
    assert_int_equal(window->from_wall_usec, fixture_wall(140));
    assert_int_equal(window->to_wall_usec, fixture_wall(199) + USEC_PER_SEC / 2);
    assert_int_equal(window->count, 3);
    const struct pinned_process *victim = &window->processes[0];
    assert_true(victim->victim);
    assert_string_equal(victim->comm, "p1");
    assert_int_equal(victim->id.pid, 1);
    assert_int_equal(victim->count, 60);
    for (size_t i = 0; i < victim->count; i++) {
        assert_int_equal(victim->samples[i].wall_usec, fixture_wall(140 + i));
        assert_int_equal(victim->samples[i].value[METRIC_RSS], 1140 + (int64_t)i);
        assert_int_equal(victim->samples[i].present, UINT32_C(1) << METRIC_RSS);
    }
    /* The one that stands still has what held when the minute began. */
    const struct pinned_process *still = &window->processes[1];
    assert_false(still->victim);
    assert_int_equal(still->count, 1);
    assert_int_equal(still->samples[0].wall_usec, fixture_wall(140));
    assert_int_equal(still->samples[0].value[METRIC_RSS], 5);
    /* The one that came late begins late. */
    assert_int_equal(window->processes[2].count, 10);
    assert_int_equal(window->processes[2].samples[0].wall_usec, fixture_wall(190));
    event_window_free(window);
}

static void the_last_minute_outlives_its_samples(void **state)
{
    struct fixture *fixture = *state;
    reopen_with(fixture, (struct store_limits){.samples_usec = 100 * USEC_PER_SEC,
                                               .events_usec = 10000 * USEC_PER_SEC,
                                               .max_size_bytes = 1 << 30});
    fill(fixture);
    pin(fixture, 1, (const int64_t[]){1, 2, 3}, 3);
    assert_window(fixture);
    fixture_ticks(fixture, 800);
    bool more;
    for (int i = 0; i < 100; i++)
        assert_int_equal(store_expire(fixture->store, fixture_wall(1000), &more), 0);
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM block WHERE first_tick < 600"),
                     0);
    assert_window(fixture);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_window(fixture);
}

static void a_list_says_which_events_have_a_window(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    pin(fixture, 1, (const int64_t[]){1}, 1);
    struct event plain = {.id = 2, .wall_usec = fixture_wall(200)};
    fixture_event(fixture, &plain);
    struct history_page page = {.limit = 10};
    size_t count;
    struct event *events;
    char next[HISTORY_CURSOR_SIZE];
    assert_int_equal(history_events(fixture->history, &page, &count, &events, next), 0);
    assert_int_equal(count, 2);
    assert_false(events[0].has_window);
    assert_true(events[1].has_window);
    free(events);
    assert_null(window_of(fixture, 77));
    struct event_window *window = window_of(fixture, 2);
    assert_non_null(window);
    assert_int_equal(window->count, 0);
    event_window_free(window);
}

/* A process that the store has no sample of leaves no trace; nor does an event before any tick. */
static void what_is_not_there_is_not_pinned(void **state)
{
    struct fixture *fixture = *state;
    struct event event = {.id = 1, .kind = EVENT_KIND_OOM_KILL, .mono_usec = USEC_PER_SEC};
    struct pin nothing = {.count = 1, .processes = {{.row = 1, .id = {.pid = 1}}}};
    assert_int_equal(store_begin(fixture->store, true), 0);
    assert_int_equal(store_write_event(fixture->store, &event), 0);
    assert_int_equal(store_write_pin(fixture->store, &event, &nothing), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    fill(fixture);
    pin(fixture, 2, (const int64_t[]){999, 1, 1}, 3);
    struct event_window *window = window_of(fixture, 1);
    assert_int_equal(window->count, 0);
    event_window_free(window);
    window = window_of(fixture, 2);
    assert_int_equal(window->count, 1);
    assert_int_equal(window->processes[0].id.pid, 1);
    event_window_free(window);
}

/* Nothing is claimed across a time in which the daemon did not look. */
static void a_window_begins_after_a_gap(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    fixture->number += 20;
    fixture_rss(fixture, 1, 1);
    fixture_ticks(fixture, 5);
    pin(fixture, 1, (const int64_t[]){1, 2}, 2);
    struct event_window *window = window_of(fixture, 1);
    assert_int_equal(window->from_wall_usec, fixture_wall(220));
    assert_int_equal(window->count, 2);
    assert_int_equal(window->processes[0].count, 1);
    assert_int_equal(window->processes[0].samples[0].wall_usec, fixture_wall(220));
    assert_int_equal(window->processes[1].samples[0].value[METRIC_RSS], 5);
    event_window_free(window);
}

static void the_number_of_windows_is_limited(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 1);
    fixture_rss(fixture, 1, 5);
    fixture_tick(fixture);
    for (int64_t id = 1; id <= PIN_ROWS_EVENTS + 20; id++)
        pin(fixture, id, (const int64_t[]){1}, 1);
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM pin"), PIN_ROWS_EVENTS);
    assert_int_equal(fixture_count(fixture, "SELECT min(event) FROM pin"), 21);
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM pinned_sample"), PIN_ROWS_EVENTS);
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM event"), PIN_ROWS_EVENTS + 20);
}

/* All metrics known, as large as they come: the estimate of a row's size holds. */
static void so_are_their_bytes(void **state)
{
    struct fixture *fixture = *state;
    const uint64_t limit = 16 << 20, share = limit / PIN_ROWS_PART;
    reopen_with(fixture, (struct store_limits){.samples_usec = STORE_SAMPLES_USEC_DEFAULT,
                                               .events_usec = STORE_EVENTS_USEC_DEFAULT,
                                               .max_size_bytes = limit});
    int64_t rows[PIN_PROCESSES_LIMIT];
    for (int64_t i = 0; i < PIN_PROCESSES_LIMIT; i++) {
        rows[i] = i + 1;
        fixture_process(fixture, i + 1, (pid_t)i + 1);
    }
    for (int tick = 0; tick < 60; tick++) {
        for (int64_t row = 1; row <= PIN_PROCESSES_LIMIT; row++) {
            struct tick_row *entry = fixture_row(fixture, row);
            for (unsigned metric = 0; metric < METRIC_STORED_COUNT; metric++)
                fixture_value(entry, metric, (INT64_C(8) << 30) + tick + (int64_t)metric);
        }
        fixture_tick(fixture);
    }
    for (int64_t id = 1; id <= 40; id++)
        pin(fixture, id, rows, PIN_PROCESSES_LIMIT);
    int64_t kept = fixture_count(fixture, "SELECT count(*) FROM pinned_sample");
    assert_true((uint64_t)kept * PIN_ROWS_ROW_BYTES <= share);
    assert_int_equal(fixture_count(fixture, "SELECT max(event) FROM pin"), 40);
    /* What they take in truth, by what the file gives back when they go. */
    int64_t before = fixture_count(fixture, "SELECT freelist_count FROM pragma_freelist_count");
    char path[256];
    sqlite3 *database;
    fixture_path(fixture, STORE_FILE, path);
    fixture_close(fixture);
    assert_int_equal(connection_open_write(path, &database), 0);
    assert_int_equal(connection_run(database, "PRAGMA foreign_keys = ON; DELETE FROM pin"), 0);
    connection_close(database);
    int64_t freed =
        fixture_count(fixture, "SELECT freelist_count FROM pragma_freelist_count") - before;
    assert_true((uint64_t)freed * 4096 >= share / 4);
    assert_true((uint64_t)freed * 4096 <= (uint64_t)kept * PIN_ROWS_ROW_BYTES);
    fixture_open(fixture);
}

/* An event that retention takes takes its window with it. */
static void a_window_goes_with_its_event(void **state)
{
    struct fixture *fixture = *state;
    reopen_with(fixture, (struct store_limits){.samples_usec = 100 * USEC_PER_SEC,
                                               .events_usec = 1000 * USEC_PER_SEC,
                                               .max_size_bytes = 1 << 30});
    fill(fixture);
    pin(fixture, 1, (const int64_t[]){1, 2}, 2);
    bool more;
    assert_int_equal(store_expire(fixture->store, fixture_wall(1300), &more), 0);
    assert_null(window_of(fixture, 1));
    assert_int_equal(fixture_count(fixture, "SELECT count(*) FROM pinned_sample"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_minute_outlives_its_samples), TEST(a_list_says_which_events_have_a_window),
        TEST(what_is_not_there_is_not_pinned),      TEST(a_window_begins_after_a_gap),
        TEST(the_number_of_windows_is_limited),     TEST(so_are_their_bytes),
        TEST(a_window_goes_with_its_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
