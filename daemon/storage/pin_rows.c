/* SPDX-License-Identifier: MIT */
#include "storage/pin_rows.h"

#include "storage/columns.h"
#include "storage/recent.h"

#include <errno.h>

/* Ticks that a minute may have: at the shortest period that is allowed, 100 ms, and some more. */
#define PIN_ROWS_TICKS 1000
/* The ticks of a pin, and when they were. */
struct pin_range {
    uint64_t since_mono_usec, until_mono_usec;
    int64_t from_tick, to_tick; /* from 0 = none */
    uint64_t wall_usec[PIN_ROWS_TICKS];
};

/* Only those since the last gap: nothing held across it that we know of. */
static int pin_rows_take_time(void *context, int64_t tick, const struct open_log_row *row)
{
    struct pin_range *range = context;
    uint64_t mono = (uint64_t)row->value[COLUMNS_MONO_USEC];
    bool gap = row->present >> COLUMNS_GAP & 1;
    if (!(row->present >> COLUMNS_WALL_USEC & 1) || mono < range->since_mono_usec ||
        mono > range->until_mono_usec)
        return 0;
    if (gap || range->from_tick == 0 || tick != range->to_tick + 1)
        range->from_tick = tick;
    if (tick - range->from_tick >= PIN_ROWS_TICKS)
        return 0;
    range->to_tick = tick;
    range->wall_usec[tick - range->from_tick] = (uint64_t)row->value[COLUMNS_WALL_USEC];
    return 0;
}

static int pin_rows_range(const struct pin_source *source, uint64_t mono_usec,
                          struct pin_range *range)
{
    struct recent recent = {.queries = source->queries,
                            .shelf = source->shelf,
                            .row = SHELF_HOST,
                            .from_tick = source->shelf->newest_tick - PIN_ROWS_TICKS + 1,
                            .to_tick = source->shelf->newest_tick};
    if (recent.from_tick < 1)
        recent.from_tick = 1;
    range->since_mono_usec = mono_usec > PIN_WINDOW_USEC ? mono_usec - PIN_WINDOW_USEC : 0;
    range->until_mono_usec = mono_usec;
    range->from_tick = 0;
    return recent_visit(&recent, pin_rows_take_time, range);
}

static int pin_rows_insert(struct queries *queries, const struct event *event,
                           const struct pin_process *process, const struct pin_range *range,
                           int64_t *ret_pin)
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
    query_bind(statement, ":from_usec", (int64_t)range->wall_usec[0]);
    query_bind(statement, ":to_usec", (int64_t)event->wall_usec);
    int before = sqlite3_total_changes(queries->database);
    r = query_run(queries, statement);
    /* 0: the same process twice. */
    *ret_pin = r == 0 && sqlite3_total_changes(queries->database) > before
                   ? sqlite3_last_insert_rowid(queries->database)
                   : 0;
    return r;
}

struct pin_copy {
    struct queries *queries;
    const struct event *event;
    const struct pin_process *process;
    const struct pin_range *range;
    int64_t pin; /* 0: no sample yet, or the process is pinned already */
    bool any;
    struct open_log_row last;
};

static int pin_rows_put_sample(const struct pin_copy *copy, int64_t tick,
                               const struct open_log_row *row)
{
    sqlite3_stmt *statement;
    int r = query_get(copy->queries, QUERY_PINNED_SAMPLE_PUT, &statement);
    if (r < 0)
        return r;
    int positions[METRIC_STORED_COUNT];
    query_metric_positions(statement, 0, METRIC_STORED_COUNT, positions);
    sqlite3_clear_bindings(statement);
    query_bind(statement, ":pin", copy->pin);
    query_bind(statement, ":tick", tick);
    query_bind(statement, ":wall_usec",
               (int64_t)copy->range->wall_usec[tick - copy->range->from_tick]);
    for (int metric = 0; metric < METRIC_STORED_COUNT; metric++) {
        unsigned place = open_log_place_of(columns_code((enum metric)metric));
        if (place < OPEN_LOG_PLACES && row->present >> place & 1)
            sqlite3_bind_int64(statement, positions[metric], row->value[place]);
    }
    return query_run(copy->queries, statement);
}

/* A row where something changed; the first one is what held when the time of the pin began. */
static int pin_rows_take_sample(void *context, int64_t tick, const struct open_log_row *row)
{
    struct pin_copy *copy = context;
    if (copy->any ? open_log_equal(&copy->last, row) : row->present == 0)
        return 0;
    int r = copy->any ? 0
                      : pin_rows_insert(copy->queries, copy->event, copy->process, copy->range,
                                        &copy->pin);
    copy->any = true;
    copy->last = *row;
    return r < 0 || copy->pin == 0 ? r : pin_rows_put_sample(copy, tick, row);
}

static int pin_rows_process(const struct pin_source *source, const struct event *event,
                            const struct pin_process *process, const struct pin_range *range)
{
    struct pin_copy copy = {
        .queries = source->queries, .event = event, .process = process, .range = range};
    struct recent recent = {.queries = source->queries,
                            .shelf = source->shelf,
                            .row = process->row,
                            .from_tick = range->from_tick,
                            .to_tick = range->to_tick};
    return recent_visit(&recent, pin_rows_take_sample, &copy);
}

static int pin_rows_count(struct queries *queries, int64_t *ret_count)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_PIN_COUNT, &statement);
    return r < 0 ? r : query_value(queries, statement, ret_count);
}

static int pin_rows_expire(struct queries *queries)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_PIN_EXPIRE, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":keep", PIN_ROWS_EVENTS);
    return query_run(queries, statement);
}

static int pin_rows_expire_oldest(struct queries *queries)
{
    sqlite3_stmt *statement;
    int r = query_get(queries, QUERY_PIN_EXPIRE_OLDEST, &statement);
    return r < 0 ? r : query_run(queries, statement);
}

static int pin_rows_trim(struct queries *queries, uint64_t max_size_bytes)
{
    uint64_t bytes = max_size_bytes / PIN_ROWS_PART;
    if (bytes > PIN_ROWS_BYTES)
        bytes = PIN_ROWS_BYTES;
    int r = pin_rows_expire(queries);
    for (size_t i = 0; r == 0 && i < PIN_ROWS_EVENTS; i++) {
        int64_t count = 0;
        r = pin_rows_count(queries, &count);
        if (r < 0 || (uint64_t)count * PIN_ROWS_ROW_BYTES <= bytes)
            return r;
        r = pin_rows_expire_oldest(queries);
    }
    return r;
}

int pin_rows_put(const struct pin_source *source, const struct event *event, const struct pin *pin,
                 uint64_t max_size_bytes)
{
    struct pin_range range;
    int r = pin_rows_range(source, event->mono_usec, &range);
    if (r < 0 || range.from_tick == 0)
        return r;
    for (size_t i = 0; r == 0 && i < pin->count; i++)
        r = pin_rows_process(source, event, &pin->processes[i], &range);
    return r < 0 ? r : pin_rows_trim(source->queries, max_size_bytes);
}

static void pin_rows_read_sample(sqlite3_stmt *statement, struct pinned_sample *ret_sample)
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
        pin_rows_read_sample(statement, &process->samples[process->count++]);
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
