/* SPDX-License-Identifier: MIT */
#include "storage/plain_file.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "model/metric.h"
#include "storage/connection.h"
#include "storage/query.h"
#include "storage/result.h"

#include <errno.h>

#define PLAIN_FILE_SQL_LIMIT 8192

/* A file that is not finished is thrown away: no journal, no sync. */
static const char plain_file_setup[] =
    "PRAGMA journal_mode = OFF;"
    "PRAGMA synchronous = OFF;"
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA cache_size = -2048;"
    "BEGIN;"
    "CREATE TABLE process ("
    "id INTEGER PRIMARY KEY, "
    "boot TEXT NOT NULL, "    /* with `process` it names a process for all times */
    "process TEXT NOT NULL, " /* PID-START */
    "pid INTEGER NOT NULL, "
    "start_ticks INTEGER NOT NULL, "
    "exec_count INTEGER NOT NULL, "
    "uid INTEGER NOT NULL, "
    "comm TEXT NOT NULL, "
    "name TEXT NOT NULL, "
    "unit TEXT NOT NULL, "
    "group_name TEXT NOT NULL, "
    "cmdline TEXT NOT NULL);";

static const char plain_file_put_process[] =
    "INSERT INTO process VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";

struct plain_file {
    sqlite3 *database;
    sqlite3_stmt *process, *sample;
    int64_t row; /* of the process that was put last */
};

void plain_file_free(struct plain_file *file)
{
    if (!file)
        return;
    sqlite3_finalize(file->process);
    sqlite3_finalize(file->sample);
    connection_close(file->database);
    free(file);
}

static const char *plain_file_type(enum metric metric)
{
    enum metric_unit unit = metric_info(metric)->unit;
    return unit == METRIC_UNIT_PERMYRIAD || unit == METRIC_UNIT_USEC ? "REAL" : "INTEGER";
}

static int plain_file_make_sample(struct plain_file *file)
{
    char storage[PLAIN_FILE_SQL_LIMIT];
    struct buffer sql;
    buffer_init_over(&sql, storage, sizeof(storage));
    int r = buffer_append_text(&sql, "CREATE TABLE sample (time TEXT NOT NULL, tick INTEGER NOT "
                                     "NULL, process INTEGER NOT NULL REFERENCES process");
    for (enum metric metric = 0; r == 0 && metric < METRIC_STORED_COUNT; metric++) {
        char name[METRIC_JSON_NAME_SIZE];
        metric_json_name(metric, name);
        r = buffer_printf(&sql, ", %s %s", name, plain_file_type(metric));
    }
    if (r == 0)
        r = buffer_append(&sql, ");", 3); /* with its NUL */
    return r < 0 ? r : connection_run(file->database, sql.data);
}

static int plain_file_prepare(struct plain_file *file)
{
    char storage[PLAIN_FILE_SQL_LIMIT];
    struct buffer sql;
    buffer_init_over(&sql, storage, sizeof(storage));
    int r = buffer_append_text(&sql, "INSERT INTO sample VALUES (?, ?, ?");
    for (size_t i = 0; r == 0 && i < METRIC_STORED_COUNT; i++)
        r = buffer_append_text(&sql, ", ?");
    if (r == 0)
        r = buffer_append(&sql, ")", 2); /* with its NUL */
    if (r < 0)
        return r;
    int code = sqlite3_prepare_v2(file->database, sql.data, -1, &file->sample, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(file->database, plain_file_put_process, -1, &file->process, NULL);
    return result_errno(file->database, code);
}

int plain_file_new(const char *path, struct plain_file **ret_file)
{
    _cleanup_(plain_file_freep) struct plain_file *file = calloc(1, sizeof(*file));
    if (!file)
        return -ENOMEM;
    file->row = -1;
    int r = connection_open_made(path, &file->database);
    if (r == 0)
        r = connection_run(file->database, plain_file_setup);
    if (r == 0)
        r = plain_file_make_sample(file);
    if (r == 0)
        r = plain_file_prepare(file);
    if (r == 0)
        *ret_file = STEAL(file);
    return r;
}

static int plain_file_run(struct plain_file *file, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    int r = result_errno(file->database, code);
    sqlite3_reset(statement);
    return r;
}

static int plain_file_add_process(struct plain_file *file, const struct sample_process *process)
{
    char id[PROCESS_ID_SIZE];
    process_id_format(process->id, id);
    const int64_t numbers[] = {process->id.pid, (int64_t)process->id.start_ticks,
                               process->exec_count, process->uid};
    const char *const texts[] = {process->comm, process->name, process->unit, process->group,
                                 process->cmdline};
    int at = 1;
    sqlite3_bind_int64(file->process, at++, process->row);
    sqlite3_bind_text(file->process, at++, process->boot, -1, SQLITE_STATIC);
    sqlite3_bind_text(file->process, at++, id, -1, SQLITE_STATIC);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sqlite3_bind_int64(file->process, at++, numbers[i]);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        sqlite3_bind_text(file->process, at++, texts[i], -1, SQLITE_STATIC);
    return plain_file_run(file, file->process);
}

static void plain_file_bind(sqlite3_stmt *statement, int at, enum metric metric, int64_t value)
{
    enum metric_unit unit = metric_info(metric)->unit;
    if (unit == METRIC_UNIT_PERMYRIAD)
        sqlite3_bind_double(statement, at, (double)value / 100);
    else if (unit == METRIC_UNIT_USEC)
        sqlite3_bind_double(statement, at, (double)value / (double)USEC_PER_SEC);
    else
        sqlite3_bind_int64(statement, at, value);
}

int plain_file_add(struct plain_file *file, const struct sample_row *row)
{
    int r = file->row == row->process->row ? 0 : plain_file_add_process(file, row->process);
    if (r < 0)
        return r;
    file->row = row->process->row;
    char time[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(row->wall_usec, time);
    sqlite3_bind_text(file->sample, 1, time, -1, SQLITE_STATIC);
    sqlite3_bind_int64(file->sample, 2, row->tick);
    sqlite3_bind_int64(file->sample, 3, row->process->row);
    for (enum metric metric = 0; metric < METRIC_STORED_COUNT; metric++) {
        int at = 4 + (int)metric;
        if (row->present >> metric & 1)
            plain_file_bind(file->sample, at, metric, row->value[metric]);
        else
            sqlite3_bind_null(file->sample, at);
    }
    return plain_file_run(file, file->sample);
}

int plain_file_finish(struct plain_file *file)
{
    return connection_run(file->database, "COMMIT");
}
