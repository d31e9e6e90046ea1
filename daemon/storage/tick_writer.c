/* SPDX-License-Identifier: MIT */
#include "storage/tick_writer.h"

#include <errno.h>
#include <string.h>

static int tick_writer_load_boot(struct tick_writer *writer, const char *boot_id)
{
    sqlite3_stmt *insert, *find;
    int r = query_get(writer->queries, QUERY_BOOT_INSERT, &insert);
    if (r < 0)
        return r;
    query_bind_text(insert, ":boot_id", boot_id);
    r = query_run(writer->queries, insert);
    if (r < 0)
        return r;
    r = query_get(writer->queries, QUERY_BOOT_FIND, &find);
    if (r < 0)
        return r;
    query_bind_text(find, ":boot_id", boot_id);
    return query_value(writer->queries, find, &writer->boot);
}

static int tick_writer_load_newest(struct tick_writer *writer)
{
    sqlite3_stmt *statement;
    int r = query_get(writer->queries, QUERY_TICK_LAST, &statement);
    if (r < 0)
        return r;
    bool row;
    r = query_next(writer->queries, statement, &row);
    if (r == 0 && row)
        writer->newest = (struct tick_position){
            .id = sqlite3_column_int64(statement, 0),
            .boot = sqlite3_column_int64(statement, 1),
            .mono_usec = (uint64_t)sqlite3_column_int64(statement, 2),
        };
    query_reset(statement);
    return r;
}

static int tick_writer_close_processes(struct tick_writer *writer)
{
    sqlite3_stmt *statement;
    int r = query_get(writer->queries, QUERY_PROCESS_CLOSE, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":tick", writer->newest.id);
    return query_run(writer->queries, statement);
}

static int tick_writer_load_positions(struct tick_writer *writer)
{
    sqlite3_stmt *sample, *tick;
    int r = query_get(writer->queries, QUERY_SAMPLE_INSERT, &sample);
    if (r < 0)
        return r;
    r = query_get(writer->queries, QUERY_TICK_INSERT, &tick);
    if (r < 0)
        return r;
    query_metric_positions(sample, 0, METRIC_STORED_COUNT, writer->sample_positions);
    query_metric_positions(tick, METRIC_HOST_FIRST, METRIC_HOST_COUNT, writer->host_positions);
    return 0;
}

int tick_writer_init(struct tick_writer *writer, struct queries *queries, const char *boot_id,
                     uint64_t tick_usec)
{
    *writer = (struct tick_writer){.queries = queries, .tick_usec = tick_usec};
    chain_init(&writer->chain);
    int r = tick_writer_load_positions(writer);
    if (r < 0)
        return r;
    r = tick_writer_load_boot(writer, boot_id);
    if (r < 0)
        return r;
    r = tick_writer_load_newest(writer);
    return r < 0 ? r : tick_writer_close_processes(writer);
}

void tick_writer_finish(struct tick_writer *writer)
{
    chain_finish(&writer->chain);
}

void tick_writer_begin(struct tick_writer *writer)
{
    writer->before = writer->newest;
    chain_begin(&writer->chain);
}

void tick_writer_abort(struct tick_writer *writer)
{
    writer->newest = writer->before;
    chain_abort(&writer->chain);
}

static bool tick_writer_is_gap(const struct tick_writer *writer, const struct tick *tick)
{
    const struct tick_position *newest = &writer->newest;
    return newest->id == 0 || newest->boot != writer->boot ||
           tick->mono_usec - newest->mono_usec > writer->tick_usec * TICK_WRITER_GAP_TENTHS / 10;
}

static int tick_writer_host(struct tick_writer *writer, const struct tick *tick, int64_t id)
{
    sqlite3_stmt *statement;
    int r = query_get(writer->queries, QUERY_TICK_INSERT, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":id", id);
    query_bind(statement, ":boot", writer->boot);
    query_bind(statement, ":mono_usec", (int64_t)tick->mono_usec);
    query_bind(statement, ":wall_usec", (int64_t)tick->wall_usec);
    query_bind_known(statement, ":gap", tick_writer_is_gap(writer, tick), 1);
    for (unsigned i = 0; i < METRIC_HOST_COUNT; i++) {
        if (tick->host.present >> i & 1)
            sqlite3_bind_int64(statement, writer->host_positions[i], tick->host.value[i]);
        else
            sqlite3_bind_null(statement, writer->host_positions[i]);
    }
    return query_run(writer->queries, statement);
}

static int tick_writer_process(struct tick_writer *writer, const struct tick_process *process,
                               int64_t tick)
{
    sqlite3_stmt *statement;
    int r = query_get(writer->queries, QUERY_PROCESS_PUT, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":id", process->row);
    query_bind(statement, ":boot", writer->boot);
    query_bind(statement, ":pid", process->id.pid);
    query_bind(statement, ":start_ticks", (int64_t)process->id.start_ticks);
    query_bind(statement, ":exec_count", process->exec_count);
    query_bind(statement, ":uid", process->uid);
    query_bind_text(statement, ":comm", process->comm);
    query_bind_text(statement, ":name", process->name);
    query_bind_text(statement, ":unit", process->unit);
    query_bind_text(statement, ":cmdline", process->cmdline);
    query_bind(statement, ":tick", tick);
    return query_run(writer->queries, statement);
}

/* Gone since the tick before: that is where it was last there. */
static int tick_writer_end(struct tick_writer *writer, int64_t row, int64_t tick)
{
    sqlite3_stmt *statement;
    int r = query_get(writer->queries, QUERY_PROCESS_END, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":id", row);
    query_bind(statement, ":tick", tick - 1);
    chain_end(&writer->chain, row);
    return query_run(writer->queries, statement);
}

/* The hot path: positions instead of names; fixed ones first in sample_insert.sql. */
enum { SAMPLE_ID = 1, SAMPLE_PROCESS, SAMPLE_PREVIOUS };

static int tick_writer_sample(struct tick_writer *writer, sqlite3_stmt *statement, int64_t id,
                              const struct tick_row *row)
{
    int64_t previous;
    int r = chain_link(&writer->chain, row->row, id, &previous);
    if (r < 0)
        return r;
    sqlite3_clear_bindings(statement);
    sqlite3_bind_int64(statement, SAMPLE_ID, id);
    sqlite3_bind_int64(statement, SAMPLE_PROCESS, row->row);
    if (previous > 0)
        sqlite3_bind_int64(statement, SAMPLE_PREVIOUS, previous);
    for (uint32_t left = row->present; left != 0; left &= left - 1) {
        int metric = __builtin_ctz(left);
        sqlite3_bind_int64(statement, writer->sample_positions[metric], row->value[metric]);
    }
    return query_run(writer->queries, statement);
}

static int tick_writer_samples(struct tick_writer *writer, const struct tick *tick, int64_t id)
{
    sqlite3_stmt *statement;
    int r = query_get(writer->queries, QUERY_SAMPLE_INSERT, &statement);
    for (size_t i = 0; r == 0 && i < tick->row_count; i++)
        r = tick_writer_sample(writer, statement, (id << TICK_WRITER_SHIFT) + (int64_t)i,
                               &tick->rows[i]);
    return r;
}

int tick_writer_write(struct tick_writer *writer, const struct tick *tick)
{
    if (tick->row_count >> TICK_WRITER_SHIFT)
        return -E2BIG;
    int64_t id = writer->newest.id + 1;
    int r = tick_writer_host(writer, tick, id);
    for (size_t i = 0; r == 0 && i < tick->process_count; i++)
        r = tick_writer_process(writer, &tick->processes[i], id);
    if (r == 0)
        r = tick_writer_samples(writer, tick, id);
    for (size_t i = 0; r == 0 && i < tick->ended_count; i++)
        r = tick_writer_end(writer, tick->ended[i], id);
    if (r == 0)
        writer->newest =
            (struct tick_position){.id = id, .boot = writer->boot, .mono_usec = tick->mono_usec};
    return r;
}
