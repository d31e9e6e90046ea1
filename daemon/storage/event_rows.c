/* SPDX-License-Identifier: MIT */
#include "storage/event_rows.h"

#include <errno.h>
#include <stdio.h>

#define EVENT_ROWS_PARAMETER 32 /* ":psi_some_avg10_percent" and NUL */

static void event_rows_bind_details(sqlite3_stmt *statement, const struct event *event)
{
    char name[EVENT_ROWS_PARAMETER];
    for (enum event_number number = 0; number < EVENT_NUMBER_COUNT; number++) {
        snprintf(name, sizeof(name), ":%s", event_number_name(number));
        query_bind_known(statement, name, event->numbers_present >> number & 1,
                         event->numbers[number]);
    }
    for (enum event_word word = 0; word < EVENT_WORD_COUNT; word++) {
        const char *text = event_word(event, word);
        snprintf(name, sizeof(name), ":%s", event_word_name(word));
        if (text[0])
            query_bind_text(statement, name, text);
        else
            query_bind_known(statement, name, false, 0);
    }
}

int event_rows_put(struct queries *queries, int64_t boot, const struct event *event)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_EVENT_PUT, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":id", event->id);
    query_bind_text(statement, ":kind", event_kind_name(event->kind));
    query_bind(statement, ":boot", boot);
    query_bind(statement, ":mono_usec", (int64_t)event->mono_usec);
    query_bind(statement, ":wall_usec", (int64_t)event->wall_usec);
    query_bind_text(statement, ":target", event->target);
    query_bind_text(statement, ":rule", event->rule);
    query_bind_text(statement, ":receipt", event->receipt);
    query_bind_text(statement, ":asked_by", event->asked_by);
    query_bind_text(statement, ":text", event->text);
    event_rows_bind_details(statement, event);
    return query_run(queries, statement);
}

/* The columns of the lists and of one event. */
enum {
    ID,
    KIND,
    MONO_USEC,
    WALL_USEC,
    TARGET,
    RULE,
    RECEIPT,
    ASKED_BY,
    TEXT,
    NUMBERS,
    WORDS = NUMBERS + EVENT_NUMBER_COUNT,
    HAS_WINDOW = WORDS + EVENT_WORD_COUNT,
};

static void event_rows_take_details(sqlite3_stmt *statement, struct event *ret_event)
{
    for (enum event_number number = 0; number < EVENT_NUMBER_COUNT; number++) {
        int column = NUMBERS + (int)number;
        if (sqlite3_column_type(statement, column) != SQLITE_NULL)
            event_set_number(ret_event, number, sqlite3_column_int64(statement, column));
    }
    for (enum event_word word = 0; word < EVENT_WORD_COUNT; word++) {
        const char *text = (const char *)sqlite3_column_text(statement, WORDS + (int)word);
        event_set_word(ret_event, word, text ? text : "");
    }
    ret_event->has_window = sqlite3_column_int(statement, HAS_WINDOW) != 0;
}

static int event_rows_take(sqlite3_stmt *statement, struct event *ret_event)
{
    char kind[32];
    query_column_text(statement, KIND, kind, sizeof(kind));
    if (event_kind_find(kind, &ret_event->kind) < 0)
        return -EUCLEAN;
    ret_event->id = sqlite3_column_int64(statement, ID);
    ret_event->mono_usec = (uint64_t)sqlite3_column_int64(statement, MONO_USEC);
    ret_event->wall_usec = (uint64_t)sqlite3_column_int64(statement, WALL_USEC);
    query_column_text(statement, TARGET, ret_event->target, sizeof(ret_event->target));
    query_column_text(statement, RULE, ret_event->rule, sizeof(ret_event->rule));
    query_column_text(statement, RECEIPT, ret_event->receipt, sizeof(ret_event->receipt));
    query_column_text(statement, ASKED_BY, ret_event->asked_by, sizeof(ret_event->asked_by));
    query_column_text(statement, TEXT, ret_event->text, sizeof(ret_event->text));
    event_rows_take_details(statement, ret_event);
    return 0;
}

static int event_rows_fill(struct queries *queries, sqlite3_stmt *statement, size_t limit,
                           struct event *events, size_t *ret_count, bool *ret_more)
{
    size_t count = 0;
    bool row;
    for (;; count++) {
        int r = query_next(queries, statement, &row);
        if (r == 0 && row && count < limit)
            r = event_rows_take(statement, &events[count]);
        if (r < 0)
            return r;
        if (!row || count == limit)
            break;
    }
    *ret_count = count;
    *ret_more = row;
    return 0;
}

int event_rows_read(struct queries *queries, sqlite3_stmt *statement, size_t limit,
                    size_t *ret_count, struct event **ret_events, bool *ret_more)
{
    struct event *events = calloc(limit, sizeof(*events));
    if (!events)
        return -ENOMEM;
    int r = event_rows_fill(queries, statement, limit, events, ret_count, ret_more);
    if (r < 0) {
        free(events);
        return r;
    }
    *ret_events = events;
    return 0;
}
