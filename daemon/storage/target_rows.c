/* SPDX-License-Identifier: MIT */
#include "storage/target_rows.h"

#include <errno.h>
#include <stdlib.h>

void target_rows_finish(struct target_rows *rows)
{
    free(rows->rows);
    *rows = (struct target_rows){0};
}

static int target_rows_add(struct target_rows *rows, const struct block_walk_row *row)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : 4;
        struct block_walk_row *grown = realloc(rows->rows, capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        rows->rows = grown;
        rows->capacity = capacity;
    }
    rows->rows[rows->count++] = *row;
    return 0;
}

static int target_rows_read(struct queries *queries, sqlite3_stmt *statement,
                            struct target_rows *rows)
{
    enum { ROW, FIRST_TICK, LAST_TICK };
    for (;;) {
        bool more;
        int r = query_next(queries, statement, &more);
        if (r < 0 || !more)
            return r;
        struct block_walk_row row = {
            .row = sqlite3_column_int64(statement, ROW),
            .first_tick = sqlite3_column_int64(statement, FIRST_TICK),
            .last_tick = query_column_known(statement, LAST_TICK),
        };
        if (row.last_tick < 0)
            row.last_tick = INT64_MAX;
        r = target_rows_add(rows, &row);
        if (r < 0)
            return r;
    }
}

static void target_rows_bind_owner(sqlite3_stmt *statement, const uid_t *owner)
{
    query_bind_known(statement, ":uid", owner != NULL, owner ? *owner : 0);
}

int target_rows_process(struct queries *queries, const uid_t *owner, struct process_id id,
                        int64_t boot, struct target_rows *ret_rows)
{
    sqlite3_stmt *borrowed;
    int r = query_get(queries, QUERY_PROCESS_ROWS, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":pid", id.pid);
    query_bind(statement, ":start_ticks", (int64_t)id.start_ticks);
    query_bind(statement, ":boot", boot);
    query_bind(statement, ":limit", TARGET_ROWS_LIMIT);
    target_rows_bind_owner(statement, owner);
    return target_rows_read(queries, statement, ret_rows);
}

/* The newest process with this id, or with this pid; *ret_boot 0: there is none. */
static int target_rows_boot(struct queries *queries, const uid_t *owner, struct target *target,
                            int64_t *ret_boot)
{
    enum query query = target->kind == TARGET_PID ? QUERY_PROCESS_FIND_PID : QUERY_PROCESS_FIND;
    sqlite3_stmt *borrowed;
    int r = query_get(queries, query, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":pid", target->id.pid);
    target_rows_bind_owner(statement, owner);
    if (query == QUERY_PROCESS_FIND)
        query_bind(statement, ":start_ticks", (int64_t)target->id.start_ticks);
    bool row;
    r = query_next(queries, statement, &row);
    if (r < 0)
        return r;
    *ret_boot = row ? sqlite3_column_int64(statement, 0) : 0;
    if (row)
        target->id.start_ticks = (uint64_t)sqlite3_column_int64(statement, 1);
    return 0;
}

int target_rows_find(struct queries *queries, const uid_t *owner, struct target *target,
                     struct target_rows *ret_rows)
{
    static const struct block_walk_row host = {.row = SHELF_HOST, .last_tick = INT64_MAX};
    if (target->kind == TARGET_UNIT || target->kind == TARGET_GROUP)
        return -EOPNOTSUPP;
    if (target->kind == TARGET_HOST)
        return target_rows_add(ret_rows, &host);
    int64_t boot = 0;
    int r = target_rows_boot(queries, owner, target, &boot);
    if (r < 0 || boot == 0)
        return r;
    return target_rows_process(queries, owner, target->id, boot, ret_rows);
}
