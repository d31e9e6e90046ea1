/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the store share: a directory of their own, a store in it, and short ways to
 * write ticks and events. Included by one test program each.
 */
#ifndef MEMTEND_TESTS_STORE_FIXTURE_H
#define MEMTEND_TESTS_STORE_FIXTURE_H

#include "base/clock.h"
#include "base/text.h"
#include "storage/connection.h"
#include "storage/history.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FIXTURE_TICK_USEC  USEC_PER_SEC
#define FIXTURE_WALL_USEC  (UINT64_C(1760000000) * USEC_PER_SEC)
#define FIXTURE_CAPACITY   256
#define FIXTURE_FIRST_BOOT "11111111-1111-1111-1111-111111111111"

struct fixture {
    char directory[128];
    struct store_config config;
    struct store *store;
    struct store_report report;
    struct history *history;
    struct tick tick;
    uint64_t number; /* of the tick to come; second number on both clocks */
};

static inline int fixture_remove(const char *path, const struct stat *status, int type,
                                 struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void fixture_new(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    /* In memory where possible: what is tested here does not depend on the disk, its time does. */
    snprintf(fixture->directory, sizeof(fixture->directory), "%s/memtend-store-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(fixture->directory));
    fixture->config = (struct store_config){
        .directory = fixture->directory,
        .tick_usec = FIXTURE_TICK_USEC,
        .limits = {.samples_usec = STORE_SAMPLES_USEC_DEFAULT,
                   .events_usec = STORE_EVENTS_USEC_DEFAULT,
                   .max_size_bytes = STORE_MAX_SIZE_BYTES_DEFAULT},
        .boot_id = FIXTURE_FIRST_BOOT,
    };
    fixture->tick = (struct tick){
        .capacity = FIXTURE_CAPACITY,
        .processes = calloc(FIXTURE_CAPACITY, sizeof(struct tick_process)),
        .rows = calloc(FIXTURE_CAPACITY, sizeof(struct tick_row)),
        .ended = calloc(FIXTURE_CAPACITY, sizeof(int64_t)),
    };
}

/* The shelf is the store's: without one a history has the file only. */
static inline void fixture_history(struct fixture *fixture)
{
    history_free(fixture->history);
    struct shelf *shelf = fixture->store ? store_shelf(fixture->store) : NULL;
    assert_int_equal(history_new(fixture->directory, FIXTURE_TICK_USEC, shelf, &fixture->history),
                     0);
}

static inline void fixture_open(struct fixture *fixture)
{
    assert_null(fixture->store);
    struct error error = {0};
    int r = store_open(&fixture->config, &fixture->store, &fixture->report, &error);
    if (r < 0)
        fail_msg("%s", error.text);
    fixture_history(fixture);
}

static inline void fixture_close(struct fixture *fixture)
{
    struct store *store = fixture->store;
    fixture->store = NULL;
    fixture_history(fixture);
    store_close(store);
}

static inline void fixture_free(struct fixture *fixture)
{
    fixture_close(fixture);
    history_free(fixture->history);
    free(fixture->tick.processes);
    free(fixture->tick.rows);
    free(fixture->tick.ended);
    nftw(fixture->directory, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    assert_non_null(fixture);
    fixture_new(fixture);
    fixture_open(fixture);
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture_free(*state);
    free(*state);
    return 0;
}

static inline void fixture_path(const struct fixture *fixture, const char *name,
                                char ret_path[static 256])
{
    snprintf(ret_path, 256, "%s/%s", fixture->directory, name);
}

/* One number, asked over a connection of its own. */
static inline int64_t fixture_count(const struct fixture *fixture, const char *sql)
{
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    sqlite3 *database;
    int64_t count = -1;
    assert_int_equal(connection_open_read(path, &database), 0);
    assert_int_equal(connection_number(database, sql, &count), 0);
    connection_close(database);
    return count;
}

static inline uint64_t fixture_wall(uint64_t second)
{
    return FIXTURE_WALL_USEC + second * USEC_PER_SEC;
}

/* ---- ticks: fill, then fixture_tick() ---- */

static inline void fixture_process(struct fixture *fixture, int64_t row, pid_t pid)
{
    struct tick_process *process = &fixture->tick.processes[fixture->tick.process_count++];
    *process = (struct tick_process){
        .row = row, .id = {.pid = pid, .start_ticks = (uint64_t)pid * 10}, .uid = 1000};
    snprintf(process->comm, sizeof(process->comm), "p%d", (int)pid);
}

static inline struct tick_row *fixture_row(struct fixture *fixture, int64_t row)
{
    struct tick_row *entry = &fixture->tick.rows[fixture->tick.row_count++];
    *entry = (struct tick_row){.row = row};
    return entry;
}

static inline void fixture_value(struct tick_row *row, enum metric metric, int64_t value)
{
    row->present |= UINT32_C(1) << metric;
    row->value[metric] = value;
}

static inline void fixture_rss(struct fixture *fixture, int64_t row, int64_t bytes)
{
    fixture_value(fixture_row(fixture, row), METRIC_RSS, bytes);
}

static inline void fixture_ended(struct fixture *fixture, int64_t row)
{
    fixture->tick.ended[fixture->tick.ended_count++] = row;
}

/* Stores the tick at its second and goes on to the next one. */
static inline void fixture_tick(struct fixture *fixture)
{
    struct tick *tick = &fixture->tick;
    tick->id = 0;
    tick->number = fixture->number;
    tick->id = 0;
    tick->mono_usec = (fixture->number + 100) * USEC_PER_SEC;
    tick->wall_usec = fixture_wall(fixture->number);
    assert_int_equal(store_begin(fixture->store, false), 0);
    assert_int_equal(store_write_tick(fixture->store, tick), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    fixture->number++;
    tick->process_count = 0;
    tick->row_count = 0;
    tick->ended_count = 0;
    tick->host = (struct sample){0};
}

static inline void fixture_ticks(struct fixture *fixture, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fixture_tick(fixture);
}

static inline void fixture_event(struct fixture *fixture, const struct event *event)
{
    assert_int_equal(store_begin(fixture->store, true), 0);
    assert_int_equal(store_write_event(fixture->store, event), 0);
    assert_int_equal(store_commit(fixture->store), 0);
}

/* RSS of a process between two seconds, one point a tick. */
static inline struct series_result fixture_series(struct fixture *fixture, struct target target,
                                                  enum metric metric, uint64_t from, uint64_t to,
                                                  size_t points, enum series_aggregate aggregate)
{
    struct series_query query = {.target_count = 1,
                                 .targets = {target},
                                 .metric_count = 1,
                                 .metrics = {metric},
                                 .from_wall_usec = fixture_wall(from),
                                 .to_wall_usec = fixture_wall(to),
                                 .points = points,
                                 .aggregate = aggregate};
    struct series_result result;
    struct error error = {0};
    int r = history_series(fixture->history, &query, &result, &error);
    if (r < 0)
        fail_msg("series: %s %s", strerror(-r), error.text);
    return result;
}

static inline struct target fixture_target(pid_t pid)
{
    return (struct target){.kind = TARGET_PROCESS,
                           .id = {.pid = pid, .start_ticks = (uint64_t)pid * 10}};
}

#define FIXTURE_GAP INT64_MIN

/* The one series as a list of values, FIXTURE_GAP for a gap; `expected` has one entry a point. */
static inline void fixture_assert_points(struct series_result *result, const int64_t *expected,
                                         size_t count)
{
    assert_int_equal(result->count, 1);
    const struct series *series = &result->series[0];
    for (size_t i = 0; i < count && i < series->count; i++) {
        if (expected[i] == FIXTURE_GAP)
            assert_true(series->points[i].gap);
        else if (series->points[i].gap)
            fail_msg("point %zu is a gap", i);
        else
            assert_int_equal(series->points[i].value, expected[i]);
    }
    assert_int_equal(series->count, count);
    series_result_finish(result);
}

#endif
