/* SPDX-License-Identifier: MIT */
#include "bench/storage/sizes.h"

#include "storage/connection.h"
#include "storage/result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct sizes {
    sqlite3 *database;
};

int sizes_new(const char *path, struct sizes **ret_sizes)
{
    struct sizes *sizes = calloc(1, sizeof(*sizes));
    if (!sizes)
        return -ENOMEM;
    int r = connection_open_read(path, &sizes->database);
    if (r < 0) {
        free(sizes);
        return r;
    }
    *ret_sizes = sizes;
    return 0;
}

void sizes_free(struct sizes *sizes)
{
    if (!sizes)
        return;
    connection_close(sizes->database);
    free(sizes);
}

/* First column of the first row of a query with the table's name as its parameter. */
static int sizes_ask(struct sizes *sizes, const char *sql, const char *table, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sizes->database, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *ret_number = sqlite3_column_int64(statement, 0);
    }
    int r = result_errno(sizes->database, code);
    sqlite3_finalize(statement);
    return r;
}

bool sizes_has(struct sizes *sizes, const char *table)
{
    int64_t count = 0;
    return sizes_ask(sizes, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1",
                     table, &count) == 0 &&
           count > 0;
}

int sizes_bytes(struct sizes *sizes, const char *table, int64_t *ret_bytes)
{
    if (!sizes_has(sizes, table))
        return -ENOENT;
    if (!sqlite3_compileoption_used("ENABLE_DBSTAT_VTAB"))
        return -ENOTSUP;
    return sizes_ask(sizes,
                     "SELECT sum(page.pgsize) FROM sqlite_schema AS object "
                     "JOIN dbstat AS page ON page.name = object.name "
                     "WHERE object.tbl_name = ?1 AND page.aggregate = TRUE",
                     table, ret_bytes);
}

int sizes_file(struct sizes *sizes, int64_t *ret_bytes)
{
    return sizes_ask(sizes,
                     "SELECT (page_count - freelist_count) * page_size "
                     "FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
                     "", ret_bytes);
}

int64_t sizes_rows(struct sizes *sizes, const char *table)
{
    char sql[96];
    int64_t count = 0;
    if (!sizes_has(sizes, table))
        return 0;
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s WHERE process > 0", table);
    return sizes_ask(sizes, sql, "", &count) == 0 ? count : 0;
}

void sizes_look(struct sizes *sizes, struct sizes_peak *peak)
{
    if (peak->over)
        return;
    peak->over = sizes_rows(sizes, "block_hour") > 0;
    int64_t rows = peak->over ? 0 : sizes_rows(sizes, "block");
    if (rows > peak->rows && sizes_bytes(sizes, "block", &peak->bytes) == 0)
        peak->rows = rows;
}
