/* SPDX-License-Identifier: MIT */
/* Lists: newest first, cursors that walk over everything once, filters, deadlines. */
#include "store_fixture.h"

static void add_events(struct fixture *fixture, int64_t from, int64_t to)
{
    assert_int_equal(store_begin(fixture->store, true), 0);
    for (int64_t id = from; id <= to; id++) {
        struct event event = {.id = id,
                              .kind = id % 3 == 0 ? EVENT_KIND_DEPLOY : EVENT_KIND_EXEC,
                              .wall_usec = fixture_wall((uint64_t)id)};
        if (id % 5 == 0)
            text_copy(event.asked_by, sizeof(event.asked_by), "uid 0 (socket)");
        assert_int_equal(store_write_event(fixture->store, &event), 0);
    }
    assert_int_equal(store_commit(fixture->store), 0);
}

typedef int list_function(struct history *, const struct history_page *, size_t *, struct event **,
                          char *);

/* Walk a list to its end; every id that `wanted` accepts comes once, in falling order. */
static size_t walk(struct fixture *fixture, list_function *list, struct history_page page,
                   size_t *ret_pages)
{
    int64_t last = INT64_MAX;
    size_t total = 0, pages = 0;
    do {
        size_t count;
        struct event *events;
        assert_int_equal(list(fixture->history, &page, &count, &events, page.cursor), 0);
        assert_true(count > 0 && count <= page.limit);
        for (size_t i = 0; i < count; i++) {
            assert_true(events[i].id < last);
            last = events[i].id;
        }
        assert_int_equal(strspn(page.cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                             "0123456789_-"),
                         strlen(page.cursor));
        total += count;
        pages++;
        free(events);
    } while (page.cursor[0]);
    *ret_pages = pages;
    return total;
}

static void a_cursor_walks_over_every_event_once(void **state)
{
    struct fixture *fixture = *state;
    add_events(fixture, 1, 300);
    for (size_t limit = 1; limit <= 1000; limit = limit * 2 + 1) {
        size_t pages;
        assert_int_equal(
            walk(fixture, history_events, (struct history_page){.limit = limit}, &pages), 300);
        assert_int_equal(pages, (300 + limit - 1) / limit);
    }
}

static void new_events_do_not_disturb_a_walk(void **state)
{
    struct fixture *fixture = *state;
    add_events(fixture, 1, 20);
    struct history_page page = {.limit = 10};
    size_t count;
    struct event *events;
    assert_int_equal(history_events(fixture->history, &page, &count, &events, page.cursor), 0);
    assert_int_equal(events[9].id, 11);
    free(events);
    add_events(fixture, 21, 40);
    assert_int_equal(history_events(fixture->history, &page, &count, &events, page.cursor), 0);
    assert_int_equal(count, 10);
    assert_int_equal(events[0].id, 10);
    assert_string_equal(page.cursor, "");
    free(events);
}

static void filters_by_kind_time_and_asker(void **state)
{
    struct fixture *fixture = *state;
    add_events(fixture, 1, 300);
    size_t pages;
    enum event_kind kind = EVENT_KIND_DEPLOY;
    struct history_page page = {.limit = 7, .kind = &kind};
    assert_int_equal(walk(fixture, history_events, page, &pages), 100);
    page.from_wall_usec = fixture_wall(151);
    assert_int_equal(walk(fixture, history_events, page, &pages), 50);
    page.kind = NULL;
    assert_int_equal(walk(fixture, history_events, page, &pages), 150);
    page.from_wall_usec = 0;
    assert_int_equal(walk(fixture, history_audit, page, &pages), 60);
}

static void nothing_there_is_an_empty_page(void **state)
{
    struct fixture *fixture = *state;
    struct history_page page = {.limit = 10, .from_wall_usec = fixture_wall(1)};
    size_t count = 9;
    struct event *events;
    assert_int_equal(history_events(fixture->history, &page, &count, &events, page.cursor), 0);
    assert_int_equal(count, 0);
    assert_string_equal(page.cursor, "");
    free(events);
}

static void bad_cursors_are_refused(void **state)
{
    struct fixture *fixture = *state;
    add_events(fixture, 1, 3);
    static const char *const bad[] = {
        "x", "5", "e", "e-5", "e5x", "r5", "a5", "e5;--", "e99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct history_page page = {.limit = 10};
        text_copy(page.cursor, sizeof(page.cursor), bad[i]);
        size_t count;
        struct event *events;
        char next[HISTORY_CURSOR_SIZE];
        assert_int_equal(history_events(fixture->history, &page, &count, &events, next), -EINVAL);
    }
}

static void receipts_walk_newest_first(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 1; i <= 25; i++) {
        struct receipt receipt = {.predicted_pause_usec = -1, .wall_usec = fixture_wall(1)};
        snprintf(receipt.id, sizeof(receipt.id), "r-%d", i);
        assert_int_equal(store_begin(fixture->store, true), 0);
        assert_int_equal(store_write_receipt(fixture->store, &receipt), 0);
        assert_int_equal(store_commit(fixture->store), 0);
    }
    struct history_page page = {.limit = 10};
    int expected = 25;
    do {
        size_t count;
        struct receipt *receipts;
        assert_int_equal(history_receipts(fixture->history, &page, &count, &receipts, page.cursor),
                         0);
        for (size_t i = 0; i < count; i++) {
            char id[RECEIPT_ID_SIZE];
            snprintf(id, sizeof(id), "r-%d", expected--);
            assert_string_equal(receipts[i].id, id);
        }
        free(receipts);
    } while (page.cursor[0]);
    assert_int_equal(expected, 0);
}

static void a_query_ends_at_its_deadline(void **state)
{
    struct fixture *fixture = *state;
    /* Long enough that the machine looks at the clock: the list reads every event. */
    for (int64_t i = 0; i < 20; i++)
        add_events(fixture, i * 1000 + 1, i * 1000 + 1000);
    struct history_page page = {.limit = 1000};
    enum event_kind kind = EVENT_KIND_PAUSE;
    page.kind = &kind;
    page.from_wall_usec = 1;
    size_t count;
    struct event *events;
    char next[HISTORY_CURSOR_SIZE];
    history_set_deadline(fixture->history, clock_mono_usec() - 1);
    assert_int_equal(history_events(fixture->history, &page, &count, &events, next), -ETIMEDOUT);
    history_set_deadline(fixture->history, UINT64_MAX);
    assert_int_equal(history_events(fixture->history, &page, &count, &events, next), 0);
    free(events);
    history_cancel(fixture->history);
    assert_int_equal(history_events(fixture->history, &page, &count, &events, next), -ETIMEDOUT);
}

static void without_a_file_there_is_no_history(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(unlink(path), 0);
    struct receipt *receipt;
    assert_int_equal(history_receipt(fixture->history, "r-1", &receipt), -ENOENT);
    fixture_open(fixture);
    assert_int_equal(history_receipt(fixture->history, "r-1", &receipt), 0);
    assert_null(receipt);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cursor_walks_over_every_event_once),
        TEST(new_events_do_not_disturb_a_walk),
        TEST(filters_by_kind_time_and_asker),
        TEST(nothing_there_is_an_empty_page),
        TEST(bad_cursors_are_refused),
        TEST(receipts_walk_newest_first),
        TEST(a_query_ends_at_its_deadline),
        TEST(without_a_file_there_is_no_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
