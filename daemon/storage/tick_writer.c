/* SPDX-License-Identifier: MIT */
#include "storage/tick_writer.h"

#include <errno.h>

static int tick_writer_load_boot(struct tick_writer *writer, const char *boot_id)
{
    sqlite3_stmt *insert, *find = NULL;
    int r = query_get(writer->queries, QUERY_BOOT_INSERT, &insert);
    if (r < 0)
        return r;
    query_bind_text(insert, ":boot_id", boot_id);
    r = query_run(writer->queries, insert);
    if (r == 0)
        r = query_get(writer->queries, QUERY_BOOT_FIND, &find);
    if (r < 0)
        return r;
    query_bind_text(find, ":boot_id", boot_id);
    return query_value(writer->queries, find, &writer->boot);
}

static int tick_writer_close_processes(struct tick_writer *writer, int64_t newest)
{
    sqlite3_stmt *statement;
    int r = query_get(writer->queries, QUERY_PROCESS_CLOSE, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":tick", newest);
    return query_run(writer->queries, statement);
}

int tick_writer_init(struct tick_writer *writer, struct queries *queries, struct intake *intake,
                     const char *boot_id, bool reopened)
{
    *writer = (struct tick_writer){.queries = queries, .intake = intake};
    int r = tick_writer_load_boot(writer, boot_id);
    if (r < 0)
        return r;
    sqlite3_stmt *statement;
    r = query_get(queries, QUERY_TICK_NEWEST, &statement);
    int64_t newest = 0;
    if (r == 0)
        r = query_value(queries, statement, &newest);
    if (r < 0)
        return r;
    intake_begin(intake, newest);
    return reopened ? 0 : tick_writer_close_processes(writer, newest);
}

void tick_writer_finish(struct tick_writer *writer)
{
    hot_pages_finish(&writer->pages);
}

int tick_writer_begin(struct tick_writer *writer)
{
    return hot_pages_init(&writer->pages, writer->queries);
}

static int tick_writer_hot(struct tick_writer *writer, int64_t tick)
{
    const struct buffer *hot = &writer->intake->hot;
    if (hot->size == 0) /* taken before, or there was no memory */
        return 0;
    return hot_pages_put(&writer->pages, tick, writer->boot, intake_unsealed_tick(writer->intake),
                         hot->data, hot->size);
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
    query_bind_text(statement, ":group", process->group);
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
    return query_run(writer->queries, statement);
}

int tick_writer_write(struct tick_writer *writer, struct tick *tick)
{
    intake_take(writer->intake, tick);
    int r = tick_writer_hot(writer, tick->id);
    for (size_t i = 0; r == 0 && i < tick->process_count; i++)
        r = tick_writer_process(writer, &tick->processes[i], tick->id);
    for (size_t i = 0; r == 0 && i < tick->ended_count; i++)
        r = tick_writer_end(writer, tick->ended[i], tick->id);
    return r;
}
