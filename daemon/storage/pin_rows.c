/* SPDX-License-Identifier: MIT */
#include "storage/pin_rows.h"

#include "model/tick.h"

#include <errno.h>

/* Ticks that a minute may have: at the shortest period that is allowed, 100 ms, and some more. */
#define PIN_ROWS_TICKS 1000
/* A row is written at least every TICK_KEYFRAME ticks; one of these ticks may have been dropped. */
#define PIN_ROWS_LOOKBACK (INT64_C(2) * TICK_KEYFRAME)

struct pin_range {
    int64_t from_tick; /* 0 = none */
    int64_t from_wall_usec;
};

static int pin_rows_range(struct queries *queries, int64_t boot, uint64_t mono_usec,
                          struct pin_range *ret_range)
{
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_PIN_RANGE, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    uint64_t from = mono_usec > PIN_WINDOW_USEC ? mono_usec - PIN_WINDOW_USEC : 0;
    query_bind(statement, ":limit", PIN_ROWS_TICKS);
    query_bind(statement, ":boot", boot);
    query_bind(statement, ":from_mono_usec", (int64_t)from);
    bool row;
    r = query_next(queries, statement, &row);
    if (r < 0)
        return r;
    *ret_range = (struct pin_range){0};
    if (row)
        *ret_range = (struct pin_range){.from_tick = sqlite3_column_int64(statement, 0),
                                        .from_wall_usec = sqlite3_column_int64(statement, 1)};
    return 0;
}

static int pin_rows_insert(struct queries *queries, const struct event *event,
                           const struct pin_process *process, const struct pin_range *range)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_PIN_INSERT, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":event", event->id);
    query_bind(statement, ":process", process->row);
    query_bind(statement, ":pid", process->id.pid);
    query_bind(statement, ":start_ticks", (int64_t)process->id.start_ticks);
    query_bind_text(statement, ":comm", process->comm);
    query_bind_known(statement, ":victim", process->victim, 1);
    query_bind(statement, ":from_usec", range->from_wall_usec);
    query_bind(statement, ":to_usec", (int64_t)event->wall_usec);
    return query_run(queries, statement);
}

/* One of the statements that have only numbers to bind, each where it is needed. */
static int pin_rows_run(struct queries *queries, enum query query, const char *const *names,
                        const int64_t *values, size_t count)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, query, &statement);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        query_bind(statement, names[i], values[i]);
    return query_run(queries, statement);
}

static int pin_rows_copy(struct queries *queries, int64_t event, int64_t from_tick)
{
    static const char *const names[] = {":event", ":from_tick", ":lookback"};
    const int64_t values[] = {event, from_tick, PIN_ROWS_LOOKBACK};
    int r = pin_rows_run(queries, QUERY_PIN_COPY, names, values, 2);
    if (r == 0)
        r = pin_rows_run(queries, QUERY_PIN_COPY_HELD, names, values, 3);
    if (r == 0)
        r = pin_rows_run(queries, QUERY_PIN_PRUNE, names, values, 1);
    return r;
}

static int pin_rows_count(struct queries *queries, int64_t *ret_count)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_PIN_COUNT, &statement);
    return r < 0 ? r : query_value(queries, statement, ret_count);
}

static int pin_rows_trim(struct queries *queries, uint64_t max_size_bytes)
{
    static const char *const names[] = {":keep"};
    const int64_t values[] = {PIN_ROWS_EVENTS};
    uint64_t bytes = max_size_bytes / PIN_ROWS_PART;
    if (bytes > PIN_ROWS_BYTES)
        bytes = PIN_ROWS_BYTES;
    int r = pin_rows_run(queries, QUERY_PIN_EXPIRE, names, values, 1);
    for (size_t i = 0; r == 0 && i < PIN_ROWS_EVENTS; i++) {
        int64_t count = 0;
        r = pin_rows_count(queries, &count);
        if (r < 0 || (uint64_t)count * PIN_ROWS_ROW_BYTES <= bytes)
            return r;
        r = pin_rows_run(queries, QUERY_PIN_EXPIRE_OLDEST, NULL, NULL, 0);
    }
    return r;
}

int pin_rows_put(struct queries *queries, int64_t boot, const struct event *event,
                 const struct pin *pin, uint64_t max_size_bytes)
{
    struct pin_range range;
    int r = pin_rows_range(queries, boot, event->mono_usec, &range);
    if (r < 0 || range.from_tick == 0)
        return r;
    for (size_t i = 0; r == 0 && i < pin->count; i++)
        r = pin_rows_insert(queries, event, &pin->processes[i], &range);
    if (r == 0)
        r = pin_rows_copy(queries, event->id, range.from_tick);
    return r < 0 ? r : pin_rows_trim(queries, max_size_bytes);
}

static void pin_rows_take_sample(sqlite3_stmt *statement, struct pinned_sample *ret_sample)
{
    enum { WALL_USEC, VALUES };
    *ret_sample =
        (struct pinned_sample){.wall_usec = (uint64_t)sqlite3_column_int64(statement, WALL_USEC)};
    for (int i = 0; i < METRIC_STORED_COUNT; i++) {
        if (sqlite3_column_type(statement, VALUES + i) == SQLITE_NULL)
            continue;
        ret_sample->present |= UINT32_C(1) << i;
        ret_sample->value[i] = sqlite3_column_int64(statement, VALUES + i);
    }
}

static int pin_rows_read_samples(struct queries *queries, int64_t pin,
                                 struct pinned_process *process)
{
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_PIN_SAMPLES, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":pin", pin);
    query_bind(statement, ":limit", PIN_ROWS_TICKS);
    process->samples = calloc(PIN_ROWS_TICKS, sizeof(*process->samples));
    if (!process->samples)
        return -ENOMEM;
    for (;;) {
        bool row;
        r = query_next(queries, statement, &row);
        if (r < 0 || !row || process->count == PIN_ROWS_TICKS)
            return r;
        pin_rows_take_sample(statement, &process->samples[process->count++]);
    }
}

static int pin_rows_read_process(struct queries *queries, sqlite3_stmt *statement,
                                 struct event_window *window)
{
    enum { ID, PID, START_TICKS, COMM, VICTIM, FROM_USEC, TO_USEC };
    struct pinned_process *process = &window->processes[window->count++];
    *process = (struct pinned_process){
        .id = {.pid = sqlite3_column_int(statement, PID),
               .start_ticks = (uint64_t)sqlite3_column_int64(statement, START_TICKS)},
        .victim = sqlite3_column_type(statement, VICTIM) != SQLITE_NULL,
    };
    query_column_text(statement, COMM, process->comm, sizeof(process->comm));
    window->from_wall_usec = (uint64_t)sqlite3_column_int64(statement, FROM_USEC);
    window->to_wall_usec = (uint64_t)sqlite3_column_int64(statement, TO_USEC);
    return pin_rows_read_samples(queries, sqlite3_column_int64(statement, ID), process);
}

int pin_rows_read(struct queries *queries, int64_t event, struct event_window *window)
{
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_PIN_LIST, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":event", event);
    query_bind(statement, ":limit", PIN_PROCESSES_LIMIT);
    for (;;) {
        bool row;
        r = query_next(queries, statement, &row);
        if (r < 0 || !row || window->count == PIN_PROCESSES_LIMIT)
            return r;
        r = pin_rows_read_process(queries, statement, window);
        if (r < 0)
            return r;
    }
}
