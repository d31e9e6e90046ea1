/* SPDX-License-Identifier: MIT */
#include "storage/series_walk.h"

#include "storage/tick_writer.h"

#include <errno.h>

struct tick_time {
    int64_t id; /* 0 = none */
    uint64_t wall_usec;
    bool gap; /* nothing is known between the tick before and this one */
};

/* On its way from the newest tick of the query to the oldest. */
struct walker {
    const struct series_walk *walk;
    int64_t oldest, newest; /* ticks: the one that holds at `from`, the last one before `to` */
    struct tick_time after; /* the tick visited last */
    sqlite3_stmt *gaps;     /* newest first */
    int64_t gap;            /* the newest one not passed yet; 0 = no more */
};

static int walker_number(struct walker *walker, enum query query, uint64_t wall_usec,
                         int64_t *ret_number)
{
    sqlite3_stmt *statement;
    int r = query_get(walker->walk->queries, query, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":wall_usec", (int64_t)wall_usec);
    return query_value(walker->walk->queries, statement, ret_number);
}

static int walker_tick(struct walker *walker, int64_t id, struct tick_time *ret_tick)
{
    struct queries *queries = walker->walk->queries;
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_TICK_GET, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":id", id);
    bool row;
    r = query_next(queries, statement, &row);
    if (r < 0)
        return r;
    *ret_tick = (struct tick_time){0};
    if (row)
        *ret_tick = (struct tick_time){
            .id = id,
            .wall_usec = (uint64_t)sqlite3_column_int64(statement, 0),
            .gap = sqlite3_column_type(statement, 1) != SQLITE_NULL,
        };
    return 0;
}

/* Until when what was true at a tick can be said to have been true. */
static int walker_known_until(struct walker *walker, int64_t tick, uint64_t *ret_wall_usec)
{
    struct tick_time next = walker->after;
    int r = next.id == tick + 1 ? 0 : walker_tick(walker, tick + 1, &next);
    if (r < 0)
        return r;
    if (next.id != 0 && !next.gap) {
        *ret_wall_usec = next.wall_usec;
        return 0;
    }
    struct tick_time self;
    r = walker_tick(walker, tick, &self);
    if (r < 0)
        return r;
    /* The newest tick of all holds as long as a tick may be late. */
    uint64_t period = walker->walk->tick_usec;
    *ret_wall_usec =
        self.wall_usec + (next.id != 0 ? period : period * TICK_WRITER_GAP_TENTHS / 10);
    return 0;
}

static int walker_next_gap(struct walker *walker, int64_t below_or_at)
{
    while (walker->gap > below_or_at) {
        bool row;
        int r = query_next(walker->walk->queries, walker->gaps, &row);
        if (r < 0)
            return r;
        walker->gap = row ? sqlite3_column_int64(walker->gaps, 0) : 0;
    }
    return 0;
}

static int walker_piece(struct walker *walker, uint64_t start_usec, int64_t last_tick,
                        sqlite3_stmt *statement, int first_column)
{
    const struct series_walk *walk = walker->walk;
    uint64_t end_usec;
    int r = walker_known_until(walker, last_tick, &end_usec);
    if (r < 0)
        return r;
    for (size_t i = 0; i < walk->metric_count; i++) {
        enum metric metric = walk->metrics[i];
        int field = (int)(metric < METRIC_HOST_FIRST ? metric : metric - METRIC_HOST_FIRST);
        if (metric_is_stored(metric) &&
            sqlite3_column_type(statement, first_column + field) != SQLITE_NULL)
            buckets_add(&walk->buckets[i], start_usec, end_usec,
                        sqlite3_column_int64(statement, first_column + field));
    }
    return 0;
}

/* The statement's row was written at `start` and held up to and with `last_tick`, except where
 * ticks are missing. */
static int walker_hold(struct walker *walker, struct tick_time start, int64_t last_tick,
                       sqlite3_stmt *statement, int first_column)
{
    int r = walker_next_gap(walker, last_tick);
    while (r == 0 && walker->gap > start.id) {
        struct tick_time resumed;
        r = walker_tick(walker, walker->gap, &resumed);
        if (r == 0)
            r = walker_piece(walker, resumed.wall_usec, last_tick, statement, first_column);
        walker->after = resumed;
        last_tick = walker->gap - 1;
        if (r == 0)
            r = walker_next_gap(walker, last_tick);
    }
    if (r == 0)
        r = walker_piece(walker, start.wall_usec, last_tick, statement, first_column);
    walker->after = start;
    return r;
}

static int walker_host(struct walker *walker)
{
    enum { ID, WALL_USEC, GAP, VALUES };
    struct queries *queries = walker->walk->queries;
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_TICK_WALK, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":id", walker->newest);
    for (;;) {
        bool row;
        r = query_next(queries, statement, &row);
        if (r < 0 || !row)
            return r;
        struct tick_time tick = {
            .id = sqlite3_column_int64(statement, ID),
            .wall_usec = (uint64_t)sqlite3_column_int64(statement, WALL_USEC),
            .gap = sqlite3_column_type(statement, GAP) != SQLITE_NULL,
        };
        r = walker_hold(walker, tick, tick.id, statement, VALUES);
        if (r < 0 || tick.id <= walker->oldest)
            return r;
    }
}

struct process_span {
    int64_t row, first_tick, last_tick;
};

static int walker_last_sample(struct walker *walker, const struct process_span *span,
                              int64_t *ret_id)
{
    sqlite3_stmt *statement;
    int r = query_get(walker->walk->queries, QUERY_SAMPLE_LAST, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":process", span->row);
    query_bind(statement, ":from_tick", span->first_tick);
    query_bind(statement, ":to_tick", span->last_tick + 1);
    return query_value(walker->walk->queries, statement, ret_id);
}

/* One sample and its time; *id becomes the one before, 0 at the end of the chain. */
static int walker_sample(struct walker *walker, int64_t *id, int64_t *last_tick)
{
    enum { PREVIOUS, TICK, WALL_USEC, GAP, VALUES };
    struct queries *queries = walker->walk->queries;
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_SAMPLE_GET, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":id", *id);
    bool row;
    r = query_next(queries, statement, &row);
    *id = 0;
    if (r < 0 || !row) /* expired: the chain ends here */
        return r;
    struct tick_time tick = {
        .id = sqlite3_column_int64(statement, TICK),
        .wall_usec = (uint64_t)sqlite3_column_int64(statement, WALL_USEC),
        .gap = sqlite3_column_type(statement, GAP) != SQLITE_NULL,
    };
    r = walker_hold(walker, tick, *last_tick, statement, VALUES);
    if (tick.id > walker->oldest)
        *id = sqlite3_column_int64(statement, PREVIOUS);
    *last_tick = tick.id - 1;
    return r;
}

static int walker_span(struct walker *walker, const struct process_span *span)
{
    int64_t id = 0, last_tick = span->last_tick;
    int r = walker_last_sample(walker, span, &id);
    while (r == 0 && id != 0)
        r = walker_sample(walker, &id, &last_tick);
    return r;
}

static void walker_bind_owner(const struct walker *walker, sqlite3_stmt *statement)
{
    const uid_t *owner = walker->walk->owner;
    query_bind_known(statement, ":uid", owner != NULL, owner ? *owner : 0);
}

/* Every row of the process, newest first. */
static int walker_process(struct walker *walker, struct process_id id, int64_t boot)
{
    enum { ROW, FIRST_TICK, LAST_TICK };
    struct queries *queries = walker->walk->queries;
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_PROCESS_ROWS, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":pid", id.pid);
    query_bind(statement, ":start_ticks", (int64_t)id.start_ticks);
    query_bind(statement, ":boot", boot);
    query_bind(statement, ":tick", walker->newest);
    walker_bind_owner(walker, statement);
    for (;;) {
        bool row;
        r = query_next(queries, statement, &row);
        if (r < 0 || !row)
            return r;
        struct process_span span = {
            .row = sqlite3_column_int64(statement, ROW),
            .first_tick = sqlite3_column_int64(statement, FIRST_TICK),
            .last_tick = walker->newest,
        };
        int64_t last = query_column_known(statement, LAST_TICK);
        if (last >= 0 && last < span.last_tick)
            span.last_tick = last;
        if (span.last_tick < walker->oldest)
            return 0;
        r = walker_span(walker, &span);
        if (r < 0)
            return r;
    }
}

/* The newest process with this id, or with this pid; *ret_boot 0: there is none. */
static int walker_find(struct walker *walker, enum query query, struct process_id *id,
                       int64_t *ret_boot)
{
    struct queries *queries = walker->walk->queries;
    sqlite3_stmt *borrowed;
    int r = query_get(queries, query, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":pid", id->pid);
    walker_bind_owner(walker, statement);
    if (query == QUERY_PROCESS_FIND)
        query_bind(statement, ":start_ticks", (int64_t)id->start_ticks);
    bool row;
    r = query_next(queries, statement, &row);
    if (r < 0)
        return r;
    *ret_boot = row ? sqlite3_column_int64(statement, 0) : 0;
    if (row)
        id->start_ticks = (uint64_t)sqlite3_column_int64(statement, 1);
    return 0;
}

static int walker_target(struct walker *walker, struct target *target)
{
    if (target->kind == TARGET_HOST)
        return walker_host(walker);
    enum query query = target->kind == TARGET_PID ? QUERY_PROCESS_FIND_PID : QUERY_PROCESS_FIND;
    int64_t boot = 0;
    int r = walker_find(walker, query, &target->id, &boot);
    if (r < 0 || boot == 0)
        return r;
    return walker_process(walker, target->id, boot);
}

/* The ticks that the query spans; newest 0: none. */
static int walker_range(struct walker *walker)
{
    const struct bucket_grid *grid = walker->walk->buckets[0].grid;
    int64_t since = 0;
    int r = walker_number(walker, QUERY_TICK_UNTIL, grid->to_usec - 1, &walker->newest);
    if (r == 0)
        r = walker_number(walker, QUERY_TICK_SINCE, grid->from_usec, &since);
    /* The tick before the first one in the range says what held when the range began. */
    walker->oldest = since != 0 ? since - 1 : walker->newest;
    return r;
}

int series_walk_run(const struct series_walk *walk, struct target *target)
{
    if (target->kind == TARGET_UNIT || target->kind == TARGET_GROUP)
        return -EOPNOTSUPP;
    struct walker walker = {.walk = walk, .gap = INT64_MAX};
    int r = walker_range(&walker);
    if (r < 0 || walker.newest == 0)
        return r;
    r = query_get(walk->queries, QUERY_TICK_GAPS, &walker.gaps);
    if (r < 0)
        return r;
    query_bind(walker.gaps, ":id", walker.newest);
    r = walker_target(&walker, target);
    query_reset(walker.gaps);
    return r;
}
