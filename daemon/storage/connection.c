/* SPDX-License-Identifier: MIT */
#include "storage/connection.h"

#include "storage/result.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest row is a block: 2 MiB inside its frame, and what zstd adds at worst. What claims more
 * is not read into memory. */
#define CONNECTION_ROW_LIMIT     (4 << 20)
#define CONNECTION_REWRITE_BYTES 65536 /* on the stack */

/* Only an empty file takes them; in another one the second writes its first page, each time. */
static const char connection_layout[] = "PRAGMA page_size = 4096;"
                                        "PRAGMA auto_vacuum = INCREMENTAL;";
/*
 * WAL with FULL until said otherwise. Checkpoints are the store's own: it watches the log's size; a
 * log that was folded in is cut back to 4 MiB. secure_delete would write each expired page once
 * more. Cache: appending dirties a handful of pages, and 256 KiB holds them with the tops of the
 * trees.
 */
static const char connection_write_setup[] = "PRAGMA journal_mode = WAL;"
                                             "PRAGMA synchronous = FULL;"
                                             "PRAGMA wal_autocheckpoint = 0;"
                                             "PRAGMA journal_size_limit = 4194304;"
                                             "PRAGMA secure_delete = OFF;"
                                             "PRAGMA foreign_keys = ON;"
                                             "PRAGMA temp_store = MEMORY;"
                                             "PRAGMA mmap_size = 0;"
                                             "PRAGMA cache_size = -256;";
static const char connection_read_setup[] = "PRAGMA query_only = ON;"
                                            "PRAGMA temp_store = MEMORY;"
                                            "PRAGMA mmap_size = 0;"
                                            "PRAGMA cache_size = -256;";

/* Once per process, before SQLite's first use: no locks inside a connection, no statistics. */
static void connection_configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
}

static void connection_configure_once(void)
{
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    pthread_once(&configured, connection_configure);
}

int connection_read_head(const char *path, void *ret_bytes, size_t size, size_t *ret_length)
{
    connection_configure_once();
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    _cleanup_(freep) sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
    if (!file)
        return -ENOMEM;
    errno = 0;
    int code = vfs->xOpen(vfs, path, file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, NULL);
    if (code != SQLITE_OK)
        return errno > 0 ? -errno : -EIO;
    sqlite3_int64 length = 0;
    code = file->pMethods->xFileSize(file, &length);
    if (code == SQLITE_OK && length > (sqlite3_int64)size)
        length = (sqlite3_int64)size;
    if (code == SQLITE_OK && length > 0)
        code = file->pMethods->xRead(file, ret_bytes, (int)length, 0);
    file->pMethods->xClose(file);
    if (code != SQLITE_OK)
        return -EIO;
    *ret_length = (size_t)length;
    return 0;
}

static int connection_open(const char *path, int flags, const char *setup, sqlite3 **ret_database)
{
    connection_configure_once();
    _cleanup_(connection_closep) sqlite3 *database = NULL;
    int code =
        sqlite3_open_v2(path, &database, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    int r = result_errno(database, code);
    if (r < 0)
        return r;
    sqlite3_limit(database, SQLITE_LIMIT_LENGTH, CONNECTION_ROW_LIMIT);
    /* A damaged file must never make SQLite run what is written in it. */
    sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    r = connection_run(database, setup);
    if (r < 0)
        return r;
    *ret_database = STEAL(database);
    return 0;
}

int connection_open_write(const char *path, sqlite3 **ret_database)
{
    return connection_open(path, SQLITE_OPEN_READWRITE, "", ret_database);
}

int connection_open_made(const char *path, sqlite3 **ret_database)
{
    const char *name = strrchr(path, '/');
    size_t length = name ? (size_t)(name - path) + 1 : 0;
    _cleanup_(freep) char *directory = length > 0 ? strndup(path, length) : strdup(".");
    /* SQLite refuses links anywhere on the way: those to the directory are the person's own. */
    _cleanup_(freep) char *real = directory ? realpath(directory, NULL) : NULL;
    _cleanup_(freep) char *whole = NULL;
    if (!real)
        return -errno;
    if (asprintf(&whole, "%s/%s", real, path + length) < 0) {
        whole = NULL;
        return -ENOMEM;
    }
    return connection_open(whole, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, "", ret_database);
}

int connection_prepare_empty(sqlite3 *database)
{
    int r = connection_run(database, connection_layout);
    return r < 0 ? r : connection_prepare_write(database);
}

int connection_prepare_write(sqlite3 *database)
{
    return connection_run(database, connection_write_setup);
}

int connection_open_read(const char *path, sqlite3 **ret_database)
{
    return connection_open(path, SQLITE_OPEN_READONLY, connection_read_setup, ret_database);
}

int connection_open_frozen(const char *path, sqlite3 **ret_database)
{
    /* A URI: what has a meaning there is escaped. */
    char uri[3 * PATH_MAX + 32];
    size_t used = (size_t)snprintf(uri, sizeof(uri), "file:");
    for (const char *c = path; *c && used < (size_t)3 * PATH_MAX; c++)
        used += (size_t)snprintf(uri + used, sizeof(uri) - used,
                                 strchr("?#%", *c) ? "%%%02x" : "%c", *c);
    snprintf(uri + used, sizeof(uri) - used, "?immutable=1");
    return connection_open(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, connection_read_setup,
                           ret_database);
}

int connection_open_memory(sqlite3 **ret_database)
{
    return connection_open(":memory:", SQLITE_OPEN_READWRITE, "PRAGMA page_size = 512;",
                           ret_database);
}

void connection_close(sqlite3 *database)
{
    sqlite3_close(database);
}

void connection_close_as_is(sqlite3 *database)
{
    sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    connection_close(database);
}

static int connection_sync(sqlite3_file *file)
{
    return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

static int connection_rewrite(sqlite3_file *file)
{
    sqlite3_int64 size = 0;
    char part[CONNECTION_REWRITE_BYTES];
    int code = file->pMethods->xFileSize(file, &size);
    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += CONNECTION_REWRITE_BYTES) {
        sqlite3_int64 left = size - at;
        int length = left < CONNECTION_REWRITE_BYTES ? (int)left : CONNECTION_REWRITE_BYTES;
        code = file->pMethods->xRead(file, part, length, at);
        if (code == SQLITE_OK)
            code = file->pMethods->xWrite(file, part, length, at);
    }
    if (code == SQLITE_OK && size > 0)
        code = connection_sync(file);
    return code;
}

static int connection_with_log(sqlite3 *database, int (*work)(sqlite3_file *file))
{
    sqlite3_file *log = NULL;
    int code = sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (code == SQLITE_OK && log && log->pMethods)
        code = work(log);
    if (code == SQLITE_OK || code == SQLITE_FULL)
        return code == SQLITE_OK ? 0 : -ENOSPC;
    /* The connection was not asked, so it does not know the reason; of a sync it is never asked. */
    int r = code == SQLITE_IOERR_WRITE ? result_of_file(log) : 0;
    return r < 0 ? r : -EIO;
}

int connection_rewrite_log(sqlite3 *database)
{
    return connection_with_log(database, connection_rewrite);
}

int connection_sync_log(sqlite3 *database)
{
    return connection_with_log(database, connection_sync);
}

int connection_run(sqlite3 *database, const char *sql)
{
    int code = sqlite3_exec(database, sql, NULL, NULL, NULL);
    return result_errno(database, code);
}

int connection_number(sqlite3 *database, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            *ret_number = sqlite3_column_int64(statement, 0);
    }
    int r = result_errno(database, code);
    sqlite3_finalize(statement);
    return r;
}
