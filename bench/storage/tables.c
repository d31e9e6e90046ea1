/* SPDX-License-Identifier: MIT */
#include "bench/storage/tables.h"

#include "base/clock.h"
#include "bench/storage/ingest.h"
#include "bench/storage/report.h"
#include "bench/storage/sizes.h"
#include "bench/storage/written.h"
#include "storage/connection.h"
#include "storage/result.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLES_RUNS 15

static const struct layout {
    const char *name, *create, *insert;
    const char *series; /* ?1 process, ?2 first second, ?3 seconds in a point */
    const char *top;    /* ?2 first second */
    bool row_per_metric;
} layouts[] = {
    {"narrow",
     "CREATE TABLE narrow (process INTEGER, metric INTEGER, second INTEGER, value INTEGER,"
     " PRIMARY KEY (process, metric, second)) WITHOUT ROWID",
     "INSERT INTO narrow VALUES (?1, ?3, ?2, ?4)",
     "SELECT second / ?3, min(value), max(value) FROM narrow"
     " WHERE process = ?1 AND metric = 0 AND second >= ?2 GROUP BY 1",
     "SELECT process, max(value) FROM narrow WHERE metric = 0 AND second >= ?2"
     " GROUP BY process ORDER BY 2 DESC LIMIT 10",
     true},
    {"wide",
     "CREATE TABLE wide (process INTEGER, second INTEGER, rss INTEGER, anon INTEGER, file INTEGER,"
     " shmem INTEGER, swap INTEGER, pss INTEGER, vsize INTEGER, cpu INTEGER,"
     " PRIMARY KEY (process, second)) WITHOUT ROWID",
     "INSERT INTO wide VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
     "SELECT second / ?3, min(rss), max(rss) FROM wide"
     " WHERE process = ?1 AND second >= ?2 GROUP BY 1",
     "SELECT process, max(rss) FROM wide WHERE second >= ?2"
     " GROUP BY process ORDER BY 2 DESC LIMIT 10",
     false},
};

struct tables {
    const struct layout *layout;
    const struct trace *trace;
    sqlite3 *database;
    sqlite3_stmt *insert;
    struct meter meter;
    uint64_t seconds; /* stored */
};

static int tables_insert(struct tables *tables)
{
    sqlite3_step(tables->insert);
    return result_errno(tables->database, sqlite3_reset(tables->insert));
}

static int tables_process(struct tables *tables, size_t process, uint64_t second)
{
    enum { PROCESS = 1, SECOND, FIRST, VALUE };
    int r = 0;
    sqlite3_bind_int64(tables->insert, PROCESS, (sqlite3_int64)process);
    sqlite3_bind_int64(tables->insert, SECOND, (sqlite3_int64)second);
    for (size_t i = 0; r == 0 && i < tables->trace->metrics; i++) {
        int64_t value = trace_value(tables->trace, process, i, second);
        if (!tables->layout->row_per_metric) {
            sqlite3_bind_int64(tables->insert, FIRST + (int)i, value);
            continue;
        }
        sqlite3_bind_int64(tables->insert, FIRST, (sqlite3_int64)i);
        sqlite3_bind_int64(tables->insert, VALUE, value);
        r = tables_insert(tables);
    }
    return r < 0 || tables->layout->row_per_metric ? r : tables_insert(tables);
}

static int tables_commit(struct tables *tables)
{
    int r = connection_run(tables->database, "BEGIN IMMEDIATE");
    uint64_t end = tables->seconds + INGEST_DURABLE_TICKS;
    for (; r == 0 && tables->seconds < end && tables->seconds < tables->trace->seconds;
         tables->seconds++)
        for (size_t process = 0; r == 0 && process < tables->trace->processes; process++)
            r = tables_process(tables, process, tables->seconds);
    return r < 0 ? r : connection_run(tables->database, "COMMIT");
}

static int tables_fill(struct tables *tables, unsigned limit_sec)
{
    uint64_t end_usec = clock_mono_usec() + limit_sec * USEC_PER_SEC;
    int r = 0;
    meter_begin(&tables->meter);
    while (r == 0 && tables->seconds < tables->trace->seconds && clock_mono_usec() < end_usec)
        r = tables_commit(tables);
    if (r == 0)
        r = connection_run(tables->database, "PRAGMA wal_checkpoint(TRUNCATE)");
    meter_end(&tables->meter, tables->seconds);
    return r;
}

static int tables_open(struct tables *tables, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    int r = connection_open_write(path, &tables->database);
    if (r == 0)
        r = connection_prepare_empty(tables->database);
    if (r == 0) /* as much cache as plain tables are usually given, and SQLite's own checkpoints */
        r = connection_run(tables->database,
                           "PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 1000;"
                           "PRAGMA synchronous = NORMAL");
    if (r == 0)
        r = connection_run(tables->database, tables->layout->create);
    if (r < 0)
        return r;
    int code =
        sqlite3_prepare_v2(tables->database, tables->layout->insert, -1, &tables->insert, NULL);
    return result_errno(tables->database, code);
}

static void tables_close(struct tables *tables)
{
    sqlite3_finalize(tables->insert);
    connection_close(tables->database);
}

static int tables_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The median of some runs over the last hour. */
static int tables_ask(struct tables *tables, const char *sql, double *ret_msec)
{
    uint64_t usec[TABLES_RUNS];
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(tables->database, sql, -1, &statement, NULL);
    uint64_t first = tables->seconds > INGEST_HOUR_TICKS ? tables->seconds - INGEST_HOUR_TICKS : 0;
    for (size_t i = 0; i < TABLES_RUNS && (code == SQLITE_OK || code == SQLITE_DONE); i++) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)(i % tables->trace->processes));
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)first);
        sqlite3_bind_int64(statement, 3, INGEST_HOUR_TICKS / 500 + 1);
        uint64_t begun = clock_mono_usec();
        do {
            code = sqlite3_step(statement);
        } while (code == SQLITE_ROW);
        usec[i] = clock_mono_usec() - begun;
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE)
        return result_errno(tables->database, code);
    qsort(usec, TABLES_RUNS, sizeof(usec[0]), tables_compare);
    uint64_t median = usec[TABLES_RUNS / 2];
    *ret_msec = (double)median / 1e3;
    return 0;
}

static int tables_report(struct tables *tables, const char *path)
{
    double series = 0, top = 0;
    int64_t bytes = 0;
    struct sizes *sizes = NULL;
    int r = tables_ask(tables, tables->layout->series, &series);
    if (r == 0)
        r = tables_ask(tables, tables->layout->top, &top);
    if (r == 0)
        r = sizes_new(path, &sizes);
    if (r < 0)
        return r;
    r = sizes_file(sizes, &bytes);
    sizes_free(sizes);
    double samples =
        (double)tables->seconds * (double)(tables->trace->processes * tables->trace->metrics);
    report_begin("peer");
    report_text("store", tables->layout->name);
    report_integer("seconds_stored", (int64_t)tables->seconds);
    report_real("bytes_per_sample", (double)bytes / samples, 4);
    report_real("cpu_us_per_sample", (double)tables->meter.cpu_nsec / 1e3 / samples, 4);
    report_real("written_bytes_per_sample", (double)tables->meter.written_bytes / samples, 2);
    report_real("series_1h_msec", series, 3);
    report_real("top_1h_msec", top, 3);
    report_end();
    return r;
}

int tables_run(const char *layout, const struct trace *trace, const char *directory,
               unsigned limit_sec)
{
    struct tables tables = {.trace = trace};
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
        if (strcmp(layouts[i].name, layout) == 0)
            tables.layout = &layouts[i];
    if (!tables.layout)
        return -EINVAL;
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s.db", directory, layout);
    int r = tables_open(&tables, path);
    if (r == 0)
        r = tables_fill(&tables, limit_sec);
    if (r == 0)
        r = tables_report(&tables, path);
    tables_close(&tables);
    return r;
}
