/* SPDX-License-Identifier: MIT */
#include "storage/query.h"

#include "base/embed.h"
#include "base/text.h"
#include "storage/result.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

extern const struct embed_file storage_queries[];

static const char *const query_names[QUERY_COUNT] = {
#define X(id, file) [QUERY_##id] = (file),
    QUERY_TABLE(X)
#undef X
};

const char *query_name(enum query query)
{
    return query_names[query];
}

void queries_init(struct queries *queries, sqlite3 *database)
{
    *queries = (struct queries){.database = database};
}

void queries_finish(struct queries *queries)
{
    for (size_t i = 0; i < QUERY_COUNT; i++)
        sqlite3_finalize(queries->prepared[i]);
    *queries = (struct queries){0};
}

static int query_prepare(struct queries *queries, enum query query)
{
    const struct embed_file *file = embed_find(storage_queries, query_names[query]);
    assert(file);
    int code = sqlite3_prepare_v3(queries->database, file->data, (int)file->size + 1,
                                  SQLITE_PREPARE_PERSISTENT, &queries->prepared[query], NULL);
    return result_errno(queries->database, code);
}

int query_get(struct queries *queries, enum query query, sqlite3_stmt **ret_statement)
{
    if (!queries->prepared[query]) {
        int r = query_prepare(queries, query);
        if (r < 0)
            return r;
    }
    *ret_statement = queries->prepared[query];
    return 0;
}

void query_reset(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static int query_position(sqlite3_stmt *statement, const char *name)
{
    int position = sqlite3_bind_parameter_index(statement, name);
    assert(position > 0);
    return position;
}

void query_bind(sqlite3_stmt *statement, const char *name, int64_t value)
{
    sqlite3_bind_int64(statement, query_position(statement, name), value);
}

void query_bind_blob(sqlite3_stmt *statement, const char *name, const void *data, size_t size)
{
    sqlite3_bind_blob64(statement, query_position(statement, name), data, size, SQLITE_STATIC);
}

void query_bind_text(sqlite3_stmt *statement, const char *name, const char *text)
{
    sqlite3_bind_text(statement, query_position(statement, name), text, -1, SQLITE_STATIC);
}

void query_bind_known(sqlite3_stmt *statement, const char *name, bool known, int64_t value)
{
    if (known)
        query_bind(statement, name, value);
    else
        sqlite3_bind_null(statement, query_position(statement, name));
}

void query_metric_positions(sqlite3_stmt *statement, enum metric first, size_t count,
                            int *ret_positions)
{
    for (size_t i = 0; i < count; i++) {
        char name[METRIC_JSON_NAME_SIZE + 1] = ":";
        metric_json_name(first + (enum metric)i, name + 1);
        ret_positions[i] = query_position(statement, name);
    }
}

int query_run(struct queries *queries, sqlite3_stmt *statement)
{
    sqlite3_step(statement);
    /* The code of a failed step again, and the statement ready for the next use. */
    int code = sqlite3_reset(statement);
    return result_errno(queries->database, code);
}

int query_next(struct queries *queries, sqlite3_stmt *statement, bool *ret_row)
{
    int code = sqlite3_step(statement);
    int r = result_errno(queries->database, code);
    if (r == 0)
        *ret_row = code == SQLITE_ROW;
    return r;
}

int query_value(struct queries *queries, sqlite3_stmt *statement, int64_t *ret_value)
{
    bool row;
    int r = query_next(queries, statement, &row);
    if (r == 0 && row && sqlite3_column_type(statement, 0) != SQLITE_NULL)
        *ret_value = sqlite3_column_int64(statement, 0);
    query_reset(statement);
    return r;
}

void query_column_text(sqlite3_stmt *statement, int column, char *ret_text, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    text_copy(ret_text, size, text ? text : "");
}

int64_t query_column_known(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? -1
               : sqlite3_column_int64(statement, column);
}
