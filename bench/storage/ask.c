/* SPDX-License-Identifier: MIT */
#include "bench/storage/ask.h"

#include "base/clock.h"
#include "bench/storage/ingest.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define ASK_WINDOW 1800 /* seconds read back at once; a series has at most 2,000 points */
#define ASK_RUNS   201
#define ASK_POINTS 500

_Static_assert(ASK_WINDOW + 1 <= SERIES_POINTS_LIMIT, "a point for each second");

static struct series_query ask_about(size_t process, uint64_t from, uint64_t to)
{
    return (struct series_query){
        .target_count = 1,
        .targets = {{.kind = TARGET_PROCESS, .id = ingest_process(process)}},
        .from_wall_usec = ingest_wall_usec(from),
        .to_wall_usec = ingest_wall_usec(to),
    };
}

static bool ask_equal(const struct series *series, size_t *point, int64_t wall_msec, int64_t value)
{
    while (*point < series->count && series->points[*point].wall_msec < wall_msec)
        (*point)++;
    const struct series_point *found = &series->points[*point];
    return *point < series->count && found->wall_msec == wall_msec && !found->gap &&
           found->value == value;
}

static const struct series *ask_find(const struct series_result *result, enum metric metric)
{
    for (size_t i = 0; i < result->count; i++)
        if (result->series[i].metric == metric)
            return &result->series[i];
    return NULL;
}

static uint64_t ask_compare(const struct trace *trace, const struct series_result *result,
                            size_t process, uint64_t from, uint64_t to)
{
    uint64_t mismatches = 0;
    for (size_t i = 0; i < trace->metrics; i++) {
        const struct series *series = ask_find(result, trace_metric(i));
        size_t point = 0;
        for (uint64_t second = from; second < to; second++) {
            int64_t msec = (int64_t)(ingest_wall_usec(second) / USEC_PER_MSEC);
            mismatches +=
                !series || !ask_equal(series, &point, msec, trace_value(trace, process, i, second));
        }
    }
    return mismatches;
}

static int ask_window(struct history *history, const struct trace *trace, size_t process,
                      uint64_t from, uint64_t to, uint64_t *mismatches)
{
    struct series_query query = ask_about(process, from, to);
    query.metric_count = trace->metrics;
    query.points = to - from + 1; /* so that a step is one tick */
    query.aggregate = SERIES_LAST;
    for (size_t i = 0; i < trace->metrics; i++)
        query.metrics[i] = trace_metric(i);
    struct series_result result;
    int r = history_series(history, &query, &result, NULL);
    if (r < 0)
        return r;
    *mismatches += ask_compare(trace, &result, process, from, to);
    series_result_finish(&result);
    return 0;
}

int ask_read_back(struct history *history, const struct trace *trace, uint64_t from, uint64_t to,
                  uint64_t *ret_mismatches)
{
    uint64_t mismatches = 0;
    for (size_t process = 0; process < trace->processes; process++)
        for (uint64_t begin = from; begin < to; begin += ASK_WINDOW) {
            uint64_t end = begin + ASK_WINDOW < to ? begin + ASK_WINDOW : to;
            int r = ask_window(history, trace, process, begin, end, &mismatches);
            if (r < 0)
                return r;
        }
    *ret_mismatches = mismatches;
    return 0;
}

static int ask_compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double ask_now_msec(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

struct ask_runs {
    double wall_msec[ASK_RUNS], cpu_msec[ASK_RUNS];
    size_t points;
};

static int ask_once(struct history *history, const struct series_query *query,
                    struct ask_runs *runs, size_t run)
{
    struct series_result result;
    double wall = ask_now_msec(CLOCK_MONOTONIC), cpu = ask_now_msec(CLOCK_THREAD_CPUTIME_ID);
    int r = history_series(history, query, &result, NULL);
    if (r < 0)
        return r;
    runs->cpu_msec[run] = ask_now_msec(CLOCK_THREAD_CPUTIME_ID) - cpu;
    runs->wall_msec[run] = ask_now_msec(CLOCK_MONOTONIC) - wall;
    runs->points = result.count > 0 ? result.series[0].count : 0;
    series_result_finish(&result);
    return 0;
}

static struct ask_time ask_summary(struct ask_runs *runs)
{
    qsort(runs->wall_msec, ASK_RUNS, sizeof(double), ask_compare_times);
    qsort(runs->cpu_msec, ASK_RUNS, sizeof(double), ask_compare_times);
    return (struct ask_time){.median_msec = runs->wall_msec[ASK_RUNS / 2],
                             .worst_msec = runs->wall_msec[ASK_RUNS - 1],
                             .cpu_msec = runs->cpu_msec[ASK_RUNS / 2],
                             .runs = ASK_RUNS,
                             .points = runs->points};
}

int ask_series(struct history *history, const struct trace *trace, uint64_t seconds, uint64_t to,
               struct ask_time *ret_time)
{
    struct ask_runs runs;
    for (size_t i = 0; i < ASK_RUNS; i++) {
        struct series_query query = ask_about(i % trace->processes, to - seconds, to);
        query.metric_count = 1;
        query.metrics[0] = METRIC_RSS;
        query.points = ASK_POINTS;
        query.aggregate = SERIES_RANGE;
        int r = ask_once(history, &query, &runs, i);
        if (r < 0)
            return r;
    }
    *ret_time = ask_summary(&runs);
    return 0;
}

static int ask_top_once(struct history *history, const struct top_query *query,
                        struct ask_runs *runs, size_t run)
{
    struct top_process *processes;
    double wall = ask_now_msec(CLOCK_MONOTONIC), cpu = ask_now_msec(CLOCK_THREAD_CPUTIME_ID);
    int r = history_top(history, query, &runs->points, &processes, NULL);
    if (r < 0)
        return r;
    runs->cpu_msec[run] = ask_now_msec(CLOCK_THREAD_CPUTIME_ID) - cpu;
    runs->wall_msec[run] = ask_now_msec(CLOCK_MONOTONIC) - wall;
    free(processes);
    return 0;
}

int ask_top(struct history *history, const struct trace *trace, uint64_t seconds, uint64_t to,
            struct ask_time *ret_time)
{
    (void)trace;
    struct ask_runs runs;
    const struct top_query query = {.from_wall_usec = ingest_wall_usec(to - seconds),
                                    .to_wall_usec = ingest_wall_usec(to),
                                    .limit = 10,
                                    .by = TOP_PEAK_RSS};
    for (size_t i = 0; i < ASK_RUNS; i++) {
        int r = ask_top_once(history, &query, &runs, i);
        if (r < 0)
            return r;
    }
    *ret_time = ask_summary(&runs);
    return 0;
}
