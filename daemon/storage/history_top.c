/* SPDX-License-Identifier: MIT */
/*
 * The largest processes: their sums (storage/top_sums), then who they are, from the largest down.
 */
#include "storage/history_state.h"
#include "storage/target_rows.h"
#include "storage/top_sums.h"

#include <errno.h>

struct history_top {
    struct top_sums sums;
    size_t count;
    struct top_process *processes; /* query->limit of them */
};

/* Untouched when that makes no time. */
static void history_top_between(const struct top_span *span, int64_t tick, uint64_t *ret_wall_usec)
{
    double share =
        span->ticks > 1 ? (double)(tick - span->first_tick) / (double)(span->ticks - 1) : 0;
    double first = (double)span->first_wall_usec, last = (double)span->last_wall_usec;
    double wall = share < 1 ? first + (last - first) * share : last;
    if (wall > 0 && wall < (double)INT64_MAX)
        *ret_wall_usec = (uint64_t)wall;
}

/* About when a tick was; untouched when nobody knows. */
static int history_top_wall(struct history_top *top, int64_t tick, uint64_t *ret_wall_usec)
{
    enum { FIRST_TICK, TICKS, FIRST_WALL, LAST_WALL };
    struct queries *queries = &top->sums.history->queries;
    for (size_t i = 0; i < top->sums.shelf_span_count; i++) {
        const struct top_span *span = &top->sums.shelf_spans[i];
        if (tick >= span->first_tick && tick - span->first_tick < span->ticks) {
            history_top_between(span, tick, ret_wall_usec);
            return 0;
        }
    }
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_SPAN_AT, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":tick", tick);
    bool row;
    r = query_next(queries, statement, &row);
    if (r < 0 || !row)
        return r;
    const struct top_span span = {.first_tick = sqlite3_column_int64(statement, FIRST_TICK),
                                  .ticks = sqlite3_column_int64(statement, TICKS),
                                  .first_wall_usec = sqlite3_column_int64(statement, FIRST_WALL),
                                  .last_wall_usec = sqlite3_column_int64(statement, LAST_WALL)};
    history_top_between(&span, tick, ret_wall_usec);
    return 0;
}

static uint64_t history_top_within(const struct history_top *top, uint64_t wall_usec)
{
    const struct top_query *query = top->sums.query;
    uint64_t wall = wall_usec > query->from_wall_usec ? wall_usec : query->from_wall_usec;
    return wall < query->to_wall_usec ? wall : query->to_wall_usec;
}

/* All runs of the daemon saw one process: they are one sum. */
static int history_top_merge(struct history_top *top, struct process_id id, int64_t boot,
                             struct top_sum *ret_sum, struct block_walk_row *ret_life)
{
    struct target_rows rows = {0};
    int r = target_rows_process(&top->sums.history->queries, NULL, id, boot, &rows);
    for (size_t i = 0; r == 0 && i < rows.count; i++) {
        struct top_sum *sum = top_table_find(&top->sums.table, rows.rows[i].row);
        if (!sum || sum->taken)
            continue;
        sum->taken = true;
        top_sum_add(ret_sum, sum->count, sum->max, sum->sum);
        if (rows.rows[i].last_tick > ret_life->last_tick)
            ret_life->last_tick = rows.rows[i].last_tick;
        if (rows.rows[i].first_tick < ret_life->first_tick)
            ret_life->first_tick = rows.rows[i].first_tick;
    }
    target_rows_finish(&rows);
    return r;
}

static int64_t history_top_value(const struct history_top *top, const struct top_process *process)
{
    return top->sums.mean ? process->average_bytes : process->peak_bytes;
}

/* Sorted in among those found so far; the smallest may fall out. */
static void history_top_insert(struct history_top *top, const struct top_process *process)
{
    size_t place = top->count;
    int64_t value = history_top_value(top, process);
    while (place > 0 && history_top_value(top, &top->processes[place - 1]) < value)
        place--;
    if (place == top->sums.query->limit)
        return;
    if (top->count < top->sums.query->limit)
        top->count++;
    for (size_t i = top->count - 1; i > place; i--)
        top->processes[i] = top->processes[i - 1];
    top->processes[place] = *process;
}

static int history_top_describe(struct history_top *top, const struct top_sum *sum,
                                const struct block_walk_row *life, struct top_process *process)
{
    uint64_t first = top->sums.query->from_wall_usec, last = top->sums.newest_wall_usec;
    process->peak_bytes = sum->max;
    process->average_bytes = sum->sum / sum->count;
    process->ended = life->last_tick < INT64_MAX;
    int r = history_top_wall(top, life->first_tick, &first);
    if (r == 0 && process->ended)
        r = history_top_wall(top, life->last_tick, &last);
    process->first_wall_usec = history_top_within(top, first);
    process->last_wall_usec = history_top_within(top, last);
    if (process->last_wall_usec < process->first_wall_usec)
        process->last_wall_usec = process->first_wall_usec;
    return r;
}

/* false: it is gone from the file, or of somebody else. */
static int history_top_process(struct history_top *top, int64_t row, bool *ret_there,
                               struct top_process *process, int64_t *ret_boot)
{
    enum { PID, START_TICKS, BOOT, FIRST_TICK, LAST_TICK, COMM, NAME, UNIT, CMDLINE };
    struct history *history = top->sums.history;
    sqlite3_stmt *borrowed;
    int r = query_get(&history->queries, QUERY_PROCESS_GET, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":id", row);
    query_bind_known(statement, ":uid", history->one_owner, history->owner);
    r = query_next(&history->queries, statement, ret_there);
    if (r < 0 || !*ret_there)
        return r;
    *process = (struct top_process){
        .id = {.pid = (pid_t)sqlite3_column_int64(statement, PID),
               .start_ticks = (uint64_t)sqlite3_column_int64(statement, START_TICKS)}};
    *ret_boot = sqlite3_column_int64(statement, BOOT);
    query_column_text(statement, COMM, process->comm, sizeof(process->comm));
    query_column_text(statement, NAME, process->name, sizeof(process->name));
    query_column_text(statement, UNIT, process->unit, sizeof(process->unit));
    query_column_text(statement, CMDLINE, process->cmdline, sizeof(process->cmdline));
    return 0;
}

static int history_top_take(struct history_top *top, const struct top_sum *found)
{
    struct top_process process;
    bool there = false;
    int64_t boot = 0;
    int r = history_top_process(top, found->row, &there, &process, &boot);
    if (r < 0 || !there)
        return r;
    struct top_sum sum = {.mean = top->sums.mean};
    struct block_walk_row life = {.first_tick = INT64_MAX, .last_tick = -1};
    r = history_top_merge(top, process.id, boot, &sum, &life);
    if (r < 0 || sum.count == 0)
        return r;
    r = history_top_describe(top, &sum, &life, &process);
    if (r == 0)
        history_top_insert(top, &process);
    return r;
}

/* No mean of several rows is above the largest of theirs: what is left cannot get in any more. */
static int history_top_sort(struct history_top *top)
{
    struct top_heap heap;
    int r = top_heap_init(&heap, &top->sums.table);
    if (r < 0)
        return r;
    for (struct top_sum *sum; r == 0 && (sum = top_heap_pop(&heap));) {
        if (top->count == top->sums.query->limit &&
            history_top_value(top, &top->processes[top->count - 1]) >= top_sum_value(sum))
            break;
        if (!sum->taken)
            r = history_top_take(top, sum);
    }
    top_heap_finish(&heap);
    return r;
}

static int history_top_newest(struct history_top *top)
{
    if (top->sums.newest_wall_usec > 0)
        return 0;
    return history_top_wall(top, INT64_MAX, &top->sums.newest_wall_usec);
}

static int history_top_check(const struct top_query *query, struct error *error)
{
    if (query->from_wall_usec >= query->to_wall_usec)
        return error_set(error, -EINVAL, "'from' must be before 'to'");
    if (query->to_wall_usec > INT64_MAX)
        return error_set(error, -EINVAL, "'to' is too far in the future");
    if (query->limit < 1 || query->limit > TOP_LIMIT)
        return error_set(error, -EINVAL, "limit must be 1 to %d", TOP_LIMIT);
    return 0;
}

static int history_top_file(struct history_top *top)
{
    int r = history_begin(top->sums.history);
    if (r < 0)
        return r;
    r = top_sums_file(&top->sums);
    if (r == 0)
        r = history_top_newest(top);
    if (r == 0)
        r = history_top_sort(top);
    return history_end(top->sums.history, r);
}

int history_top(struct history *history, const struct top_query *query, size_t *ret_count,
                struct top_process **ret_processes, struct error *error)
{
    int r = history_top_check(query, error);
    if (r < 0)
        return r;
    _cleanup_(freep) struct top_process *processes = calloc(query->limit, sizeof(*processes));
    if (!processes)
        return -ENOMEM;
    bool pss = query->by == TOP_PEAK_PSS || query->by == TOP_MEAN_PSS;
    struct history_top top = {
        .sums = {.history = history,
                 .query = query,
                 .pss = pss,
                 .mean = query->by == TOP_MEAN_RSS || query->by == TOP_MEAN_PSS},
        .processes = processes};
    r = top_sums_shelf(&top.sums);
    if (r == 0)
        r = history_top_file(&top);
    if (r == -E2BIG)
        error_set(error, r, "too many processes in that time: ask for less of it");
    top_sums_finish(&top.sums);
    if (r < 0)
        return r;
    *ret_count = top.count;
    *ret_processes = STEAL(processes);
    return 0;
}
