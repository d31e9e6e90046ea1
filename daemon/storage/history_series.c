/* SPDX-License-Identifier: MIT */
/*
 * Series: first which rows the targets are, then what the shelf has of them, then the file.
 */
#include "base/clock.h"
#include "storage/history_group.h"
#include "storage/span_rows.h"

#include <errno.h>

/* One query under way. */
struct history_query {
    struct history *history;
    const struct series_query *query;
    struct bucket_grid grid;
    struct target targets[SERIES_TARGETS_LIMIT]; /* with what was left open */
    struct target_rows rows[SERIES_TARGETS_LIMIT];
    struct block_walk walk;
    struct series_result result;
};

static void history_query_finish(struct history_query *asked)
{
    for (size_t i = 0; i < asked->query->target_count; i++)
        target_rows_finish(&asked->rows[i]);
    block_walk_finish(&asked->walk);
    series_result_finish(&asked->result);
}

/* The metrics of a query that a kind of target has. */
static size_t history_metrics(const struct series_query *query, enum metric_scope scope,
                              enum metric *ret_metrics)
{
    size_t count = 0;
    for (size_t i = 0; i < query->metric_count; i++)
        if (metric_info(query->metrics[i])->scope == scope)
            ret_metrics[count++] = query->metrics[i];
    return count;
}

static int history_add_series(struct history_query *asked, const struct target *target,
                              const enum metric *metrics, size_t count,
                              const struct buckets *buckets)
{
    struct series_result *result = &asked->result;
    for (size_t i = 0; i < count; i++) {
        struct series *series = &result->series[result->count];
        *series = (struct series){.target = *target, .metric = metrics[i]};
        int r =
            buckets_points(&buckets[i], asked->query->aggregate, &series->count, &series->points);
        if (r < 0)
            return r;
        result->count += series->count > 0;
    }
    return 0;
}

static bool history_is_group(const struct target *target)
{
    return target->kind == TARGET_UNIT || target->kind == TARGET_GROUP;
}

static int history_rows(struct history_query *asked, size_t index, const enum metric *metrics,
                        size_t count, struct buckets *buckets)
{
    const struct target_rows *rows = &asked->rows[index];
    int r = 0;
    if (history_is_group(&asked->targets[index])) {
        for (size_t i = 0; r == 0 && i < count; i++)
            r = history_group_metric(asked->history, &asked->walk, rows, metrics[i], &buckets[i]);
        return r;
    }
    for (size_t i = 0; r == 0 && i < rows->count; i++)
        r = block_walk_row(&asked->walk, &rows->rows[i], metrics, count, buckets);
    return r;
}

static int history_target(struct history_query *asked, size_t index)
{
    const struct target *target = &asked->targets[index];
    const struct target_rows *rows = &asked->rows[index];
    enum metric metrics[SERIES_METRICS_LIMIT];
    size_t count = history_metrics(
        asked->query, target->kind == TARGET_HOST ? METRIC_SCOPE_HOST : METRIC_SCOPE_PROCESS,
        metrics);
    if (count == 0 || rows->count == 0)
        return 0;
    const struct bucket_grid *grid = &asked->grid;
    _cleanup_(freep) struct bucket *buckets = calloc(count * grid->count, sizeof(*buckets));
    if (!buckets)
        return -ENOMEM;
    struct buckets of_metric[SERIES_METRICS_LIMIT];
    for (size_t i = 0; i < count; i++)
        of_metric[i] = (struct buckets){.grid = grid, .buckets = buckets + i * grid->count};
    int r = history_rows(asked, index, metrics, count, of_metric);
    return r < 0 ? r : history_add_series(asked, target, metrics, count, of_metric);
}

static int history_check_query(const struct series_query *query, struct error *error)
{
    if (query->from_wall_usec >= query->to_wall_usec)
        return error_set(error, -EINVAL, "'from' must be before 'to'");
    if (query->to_wall_usec > INT64_MAX)
        return error_set(error, -EINVAL, "'to' is too far in the future");
    if (query->points < 1 || query->points > SERIES_POINTS_LIMIT)
        return error_set(error, -EINVAL, "points must be 1 to %d", SERIES_POINTS_LIMIT);
    if (query->target_count > SERIES_TARGETS_LIMIT || query->metric_count > SERIES_METRICS_LIMIT)
        return error_set(error, -EINVAL, "at most %d targets and %d metrics at once",
                         SERIES_TARGETS_LIMIT, SERIES_METRICS_LIMIT);
    for (size_t i = 0; i < query->target_count; i++)
        for (size_t k = 0; k < query->metric_count && history_is_group(&query->targets[i]); k++)
            if (metric_info(query->metrics[k])->scope == METRIC_SCOPE_PROCESS &&
                !metric_is_additive(query->metrics[k]))
                return error_set(error, -EOPNOTSUPP,
                                 "%s of several processes cannot be added up; ask for one of them",
                                 metric_info(query->metrics[k])->name);
    return 0;
}

/* About which ticks are of the time of the query. */
static int history_find_ticks(struct history_query *asked, struct target_ticks *ret_ticks)
{
    const uint64_t margin_usec = 60 * USEC_PER_SEC; /* the longest period is ten seconds */
    const struct series_query *query = asked->query;
    struct queries *queries = &asked->history->queries;
    uint64_t from = query->from_wall_usec, to = query->to_wall_usec;
    struct tick_set ticks = {0};
    sqlite3_stmt *statement;
    int64_t newest = -1;
    int r = span_rows_add(queries, (int64_t)(from > margin_usec ? from - margin_usec : 0),
                          (int64_t)(to < INT64_MAX - margin_usec ? to + margin_usec : to), &ticks);
    if (r == 0)
        r = query_get(queries, QUERY_SPAN_NEWEST, &statement);
    if (r == 0)
        r = query_value(queries, statement, &newest);
    struct target_ticks found = {{newest + 1, newest + 1}, newest + 1};
    if (ticks.count > 0)
        found.blocks =
            (struct tick_range){ticks.ranges[0].first, ticks.ranges[ticks.count - 1].end};
    tick_set_finish(&ticks);
    if (r == 0)
        *ret_ticks = found;
    return r;
}

static int history_find_members(struct history_query *asked, size_t index)
{
    struct target_ticks ticks;
    int r = history_find_ticks(asked, &ticks);
    return r < 0 ? r
                 : target_rows_members(&asked->history->queries, &asked->targets[index], &ticks,
                                       &asked->rows[index]);
}

static int history_find_targets(struct history_query *asked)
{
    struct history *history = asked->history;
    int r = history_begin(history);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < asked->query->target_count; i++) {
        asked->targets[i] = asked->query->targets[i];
        r = history_is_group(&asked->targets[i])
                ? history_find_members(asked, i)
                : target_rows_find(&history->queries, history->one_owner ? &history->owner : NULL,
                                   &asked->targets[i], &asked->rows[i]);
    }
    return history_end(history, r);
}

static int history_copy_shelf(struct history_query *asked)
{
    struct history *history = asked->history;
    shelf_copies_clear(&history->copies);
    int r = shelf_copies_add(&history->copies, history->shelf, SHELF_HOST);
    for (size_t i = 0; i < asked->query->target_count; i++)
        for (size_t k = 0; r == 0 && k < asked->rows[i].count; k++)
            if (asked->rows[i].rows[k].row != SHELF_HOST)
                r = shelf_copies_add(&history->copies, history->shelf, asked->rows[i].rows[k].row);
    return r;
}

static int history_read_targets(struct history_query *asked)
{
    struct history *history = asked->history;
    int r = history_begin(history);
    if (r < 0)
        return r;
    r = block_walk_begin(&asked->walk, history->reader, &asked->grid, history->tick_usec);
    for (size_t i = 0; r == 0 && i < asked->query->target_count; i++)
        r = history_target(asked, i);
    return history_end(history, r);
}

int history_series(struct history *history, const struct series_query *query,
                   struct series_result *ret_result, struct error *error)
{
    int r = history_check_query(query, error);
    if (r < 0)
        return r;
    struct history_query asked = {
        .history = history, .query = query, .grid = bucket_grid_of(query, history->tick_usec)};
    asked.result.step_seconds = (double)asked.grid.step_usec / (double)USEC_PER_SEC;
    asked.result.series =
        calloc(query->target_count * query->metric_count + 1, sizeof(*asked.result.series));
    r = asked.result.series ? history_find_targets(&asked) : -ENOMEM;
    if (r == 0)
        r = history_copy_shelf(&asked);
    if (r == 0)
        r = history_read_targets(&asked);
    if (r == 0) {
        *ret_result = asked.result;
        asked.result = (struct series_result){0};
    }
    if (r == -E2BIG || r == -ENOBUFS)
        r = error_set(error, -E2BIG,
                      "too many processes or ticks in that time: ask for less of it");
    history_query_finish(&asked);
    return r;
}
