/* SPDX-License-Identifier: MIT */
/*
 * The lists of the read side (events, audit, receipts), and single entries of them.
 */
#include "base/text.h"
#include "storage/event_rows.h"
#include "storage/history_state.h"
#include "storage/pin_rows.h"
#include "storage/receipt_rows.h"

#include <errno.h>
#include <stdio.h>

/* A cursor is the list's letter and the id at which the next page begins. */
static int history_cursor_read(char list, const char *cursor, int64_t *ret_before)
{
    if (cursor[0] == '\0') {
        *ret_before = INT64_MAX;
        return 0;
    }
    bool mine = cursor[0] == list && cursor[1] != '-';
    return mine && text_parse_i64(cursor + 1, ret_before) == 0 ? 0 : -EINVAL;
}

static void history_cursor_write(char list, int64_t before, char *ret_next)
{
    ret_next[0] = '\0';
    if (before > 0)
        snprintf(ret_next, HISTORY_CURSOR_SIZE, "%c%lld", list, (long long)before);
}

struct event_page {
    size_t count;
    struct event *events;
    bool more;
};

static int history_event_rows(struct history *history, enum query query, char list,
                              const struct history_page *page, struct event_page *ret_page)
{
    int64_t before;
    int r = history_cursor_read(list, page->cursor, &before);
    sqlite3_stmt *borrowed;
    if (r == 0)
        r = query_get(&history->queries, query, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":before", before);
    query_bind(statement, ":from_wall_usec", (int64_t)page->from_wall_usec);
    query_bind(statement, ":limit", (int64_t)page->limit + 1);
    if (query == QUERY_EVENT_LIST_KIND)
        query_bind_text(statement, ":kind", event_kind_name(*page->kind));
    return event_rows_read(&history->queries, statement, page->limit, &ret_page->count,
                           &ret_page->events, &ret_page->more);
}

static int history_event_list(struct history *history, enum query query, char list,
                              const struct history_page *page, size_t *ret_count,
                              struct event **ret_events, char *ret_next)
{
    int r = history_begin(history);
    if (r < 0)
        return r;
    struct event_page found = {0};
    r = history_end(history, history_event_rows(history, query, list, page, &found));
    if (r < 0) {
        free(found.events);
        return r;
    }
    history_cursor_write(list, found.more ? found.events[found.count - 1].id : 0, ret_next);
    *ret_count = found.count;
    *ret_events = found.events;
    return 0;
}

int history_events(struct history *history, const struct history_page *page, size_t *ret_count,
                   struct event **ret_events, char ret_next[static HISTORY_CURSOR_SIZE])
{
    return history_event_list(history, page->kind ? QUERY_EVENT_LIST_KIND : QUERY_EVENT_LIST, 'e',
                              page, ret_count, ret_events, ret_next);
}

int history_audit(struct history *history, const struct history_page *page, size_t *ret_count,
                  struct event **ret_events, char ret_next[static HISTORY_CURSOR_SIZE])
{
    return history_event_list(history, QUERY_AUDIT_LIST, 'a', page, ret_count, ret_events,
                              ret_next);
}

static int history_event_one(struct history *history, int64_t id, struct event_page *ret_page)
{
    sqlite3_stmt *borrowed;
    int r = query_get(&history->queries, QUERY_EVENT_GET, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":id", id);
    return event_rows_read(&history->queries, statement, 1, &ret_page->count, &ret_page->events,
                           &ret_page->more);
}

static int history_window(struct history *history, int64_t id, struct event_window **ret_window)
{
    struct event_page found = {0};
    int r = history_event_one(history, id, &found);
    _cleanup_(freep) struct event *event = found.events;
    if (r < 0 || found.count == 0)
        return r;
    struct event_window *window = calloc(1, sizeof(*window));
    if (!window)
        return -ENOMEM;
    window->event = *event;
    *ret_window = window;
    return pin_rows_read(&history->queries, id, window);
}

int history_event_window(struct history *history, int64_t id, struct event_window **ret_window)
{
    int r = history_begin(history);
    if (r < 0)
        return r;
    struct event_window *window = NULL;
    r = history_end(history, history_window(history, id, &window));
    if (r < 0) {
        event_window_free(window);
        return r;
    }
    *ret_window = window;
    return 0;
}

struct receipt_page {
    size_t count;
    struct receipt *receipts;
    int64_t next;
};

/* The statement, bound, goes to the page's rows. */
static int history_receipt_rows(struct history *history, sqlite3_stmt *statement, size_t limit,
                                struct receipt_page *ret_page)
{
    int r = receipt_rows_read(&history->queries, statement, limit, &ret_page->count,
                              &ret_page->receipts, &ret_page->next);
    query_reset(statement);
    return r;
}

static int history_receipt_list(struct history *history, const struct history_page *page,
                                struct receipt_page *ret_page)
{
    int64_t before;
    int r = history_cursor_read('r', page->cursor, &before);
    sqlite3_stmt *statement;
    if (r == 0)
        r = query_get(&history->queries, QUERY_RECEIPT_LIST, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":before", before);
    query_bind(statement, ":limit", (int64_t)page->limit + 1);
    return history_receipt_rows(history, statement, page->limit, ret_page);
}

int history_receipts(struct history *history, const struct history_page *page, size_t *ret_count,
                     struct receipt **ret_receipts, char ret_next[static HISTORY_CURSOR_SIZE])
{
    int r = history_begin(history);
    if (r < 0)
        return r;
    struct receipt_page found = {0};
    r = history_end(history, history_receipt_list(history, page, &found));
    if (r < 0) {
        free(found.receipts);
        return r;
    }
    history_cursor_write('r', found.next, ret_next);
    *ret_count = found.count;
    *ret_receipts = found.receipts;
    return 0;
}

static int history_receipt_one(struct history *history, const char *id,
                               struct receipt_page *ret_page)
{
    sqlite3_stmt *statement;
    int r = query_get(&history->queries, QUERY_RECEIPT_GET, &statement);
    if (r < 0)
        return r;
    query_bind_text(statement, ":id", id);
    return history_receipt_rows(history, statement, 1, ret_page);
}

int history_receipt(struct history *history, const char *id, struct receipt **ret_receipt)
{
    int r = history_begin(history);
    if (r < 0)
        return r;
    struct receipt_page found = {0};
    r = history_end(history, history_receipt_one(history, id, &found));
    if (r < 0 || found.count == 0) {
        free(found.receipts);
        found.receipts = NULL;
    }
    if (r == 0)
        *ret_receipt = found.receipts;
    return r;
}
