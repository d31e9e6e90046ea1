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

struct target_member {
    int64_t boot, pid, start_ticks;
    struct block_walk_row row;
};

static int target_member_compare(const void *a, const void *b)
{
    const struct target_member *one = a, *other = b;
    const int64_t keys[][2] = {{one->boot, other->boot},
                               {one->pid, other->pid},
                               {one->start_ticks, other->start_ticks},
                               {one->row.row, other->row.row}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

static bool target_member_same(const struct target_member *a, const struct target_member *b)
{
    return a->boot == b->boot && a->pid == b->pid && a->start_ticks == b->start_ticks;
}

/* The statement is bound. */
static int target_members_read(struct queries *queries, sqlite3_stmt *statement,
                               struct target_member *members, size_t *ret_count)
{
    enum { ROW, FIRST_TICK, LAST_TICK, BOOT, PID, START_TICKS };
    for (size_t count = 0;;) {
        bool more;
        int r = query_next(queries, statement, &more);
        if (r == 0 && more && count == TARGET_MEMBERS_LIMIT)
            return -E2BIG;
        *ret_count = count;
        if (r < 0 || !more)
            return r;
        int64_t last = query_column_known(statement, LAST_TICK);
        members[count++] = (struct target_member){
            .boot = sqlite3_column_int64(statement, BOOT),
            .pid = sqlite3_column_int64(statement, PID),
            .start_ticks = sqlite3_column_int64(statement, START_TICKS),
            .row = {.row = sqlite3_column_int64(statement, ROW),
                    .first_tick = sqlite3_column_int64(statement, FIRST_TICK),
                    .last_tick = last < 0 ? INT64_MAX : last}};
    }
}

static int target_members_find(struct queries *queries, const struct target *target,
                               const struct target_ticks *ticks, struct target_member *members,
                               size_t *ret_count)
{
    sqlite3_stmt *borrowed;
    int r = query_get(
        queries, target->kind == TARGET_UNIT ? QUERY_PROCESS_UNIT : QUERY_PROCESS_GROUP, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind_text(statement, ":name", target->name);
    query_bind(statement, ":from_tick", ticks->blocks.first);
    query_bind(statement, ":to_tick", ticks->blocks.end);
    query_bind(statement, ":new_tick", ticks->new_tick);
    query_bind(statement, ":limit", TARGET_MEMBERS_LIMIT + 1);
    return target_members_read(queries, statement, members, ret_count);
}

int target_rows_members(struct queries *queries, const struct target *target,
                        const struct target_ticks *ticks, struct target_rows *ret_rows)
{
    size_t count = 0;
    _cleanup_(freep) struct target_member *members = calloc(TARGET_MEMBERS_LIMIT, sizeof(*members));
    if (!members)
        return -ENOMEM;
    int r = target_members_find(queries, target, ticks, members, &count);
    if (r < 0)
        return r;
    qsort(members, count, sizeof(*members), target_member_compare);
    uint32_t number = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        number += i > 0 && !target_member_same(&members[i - 1], &members[i]);
        members[i].row.member = number;
        r = target_rows_add(ret_rows, &members[i].row);
    }
    return r;
}
