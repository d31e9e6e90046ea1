/* SPDX-License-Identifier: MIT */
#include "storage/history_state.h"

#include "base/clock.h"
#include "storage/connection.h"
#include "storage/series_walk.h"
#include "storage/store.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Steps of SQLite's machine between two looks at the clock: about 50 microseconds. */
#define HISTORY_DEADLINE_STEPS 1000

int history_new(const char *directory, uint64_t tick_usec, struct history **ret_history)
{
    struct history *history = calloc(1, sizeof(*history));
    if (!history)
        return -ENOMEM;
    if (asprintf(&history->path, "%s/" STORE_FILE, directory) < 0) {
        free(history);
        return -ENOMEM;
    }
    history->tick_usec = tick_usec;
    history->deadline_usec = UINT64_MAX;
    *ret_history = history;
    return 0;
}

static void history_disconnect(struct history *history)
{
    queries_finish(&history->queries);
    connection_close(history->database);
    history->database = NULL;
}

void history_free(struct history *history)
{
    if (!history)
        return;
    history_disconnect(history);
    free(history->path);
    free(history);
}

void history_set_deadline(struct history *history, uint64_t mono_usec)
{
    history->deadline_usec = mono_usec;
}

void history_set_owner(struct history *history, const uid_t *uid)
{
    history->one_owner = uid != NULL;
    history->owner = uid ? *uid : 0;
}

void history_cancel(struct history *history)
{
    atomic_store(&history->cancelled, true);
}

static int history_is_over(void *context)
{
    struct history *history = context;
    return atomic_load(&history->cancelled) || clock_mono_usec() >= history->deadline_usec;
}

static int history_connect(struct history *history)
{
    struct stat status;
    if (stat(history->path, &status) < 0)
        return -errno;
    if (history->database && status.st_dev == history->device && status.st_ino == history->inode)
        return 0;
    history_disconnect(history);
    int r = connection_open_read(history->path, &history->database);
    if (r < 0)
        return r;
    queries_init(&history->queries, history->database);
    sqlite3_progress_handler(history->database, HISTORY_DEADLINE_STEPS, history_is_over, history);
    history->device = status.st_dev;
    history->inode = status.st_ino;
    return 0;
}

int history_begin(struct history *history)
{
    if (history_is_over(history))
        return -ETIMEDOUT;
    int r = history_connect(history);
    return r < 0 ? r : connection_run(history->database, "BEGIN");
}

int history_end(struct history *history, int r)
{
    /* Also past the deadline, which must not break off the end itself. */
    sqlite3_progress_handler(history->database, 0, NULL, NULL);
    connection_run(history->database, "COMMIT");
    sqlite3_progress_handler(history->database, HISTORY_DEADLINE_STEPS, history_is_over, history);
    if (r == -EUCLEAN)
        history_disconnect(history);
    return r;
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

static int history_add_series(const struct series_walk *walk, const struct target *target,
                              enum series_aggregate aggregate, struct series_result *result)
{
    for (size_t i = 0; i < walk->metric_count; i++) {
        struct series *series = &result->series[result->count];
        *series = (struct series){.target = *target, .metric = walk->metrics[i]};
        int r = buckets_points(&walk->buckets[i], aggregate, &series->count, &series->points);
        if (r < 0)
            return r;
        result->count += series->count > 0;
    }
    return 0;
}

static int history_target(struct history *history, const struct series_query *query,
                          const struct bucket_grid *grid, struct target target,
                          struct series_result *result)
{
    enum metric metrics[SERIES_METRICS_LIMIT];
    size_t count = history_metrics(
        query, target.kind == TARGET_HOST ? METRIC_SCOPE_HOST : METRIC_SCOPE_PROCESS, metrics);
    if (count == 0)
        return 0;
    _cleanup_(freep) struct bucket *buckets = calloc(count * grid->count, sizeof(*buckets));
    if (!buckets)
        return -ENOMEM;
    struct buckets of_metric[SERIES_METRICS_LIMIT];
    for (size_t i = 0; i < count; i++)
        of_metric[i] = (struct buckets){.grid = grid, .buckets = buckets + i * grid->count};
    struct series_walk walk = {.queries = &history->queries,
                               .tick_usec = history->tick_usec,
                               .owner = history->one_owner ? &history->owner : NULL,
                               .metric_count = count,
                               .metrics = metrics,
                               .buckets = of_metric};
    int r = series_walk_run(&walk, &target);
    return r < 0 ? r : history_add_series(&walk, &target, query->aggregate, result);
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
        if (query->targets[i].kind == TARGET_UNIT || query->targets[i].kind == TARGET_GROUP)
            return error_set(error, -EOPNOTSUPP,
                             "there is no history of units and groups; ask for their processes");
    return 0;
}

static int history_all_targets(struct history *history, const struct series_query *query,
                               const struct bucket_grid *grid, struct series_result *result)
{
    int r = history_begin(history);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < query->target_count; i++)
        r = history_target(history, query, grid, query->targets[i], result);
    return history_end(history, r);
}

int history_series(struct history *history, const struct series_query *query,
                   struct series_result *ret_result, struct error *error)
{
    int r = history_check_query(query, error);
    if (r < 0)
        return r;
    struct bucket_grid grid = bucket_grid_of(query, history->tick_usec);
    struct series_result result = {.step_seconds = (double)grid.step_usec / (double)USEC_PER_SEC};
    result.series = calloc(query->target_count * query->metric_count + 1, sizeof(*result.series));
    if (!result.series)
        return -ENOMEM;
    r = history_all_targets(history, query, &grid, &result);
    if (r < 0) {
        series_result_finish(&result);
        return r;
    }
    *ret_result = result;
    return 0;
}
