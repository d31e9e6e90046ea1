/* SPDX-License-Identifier: MIT */
#include "storage/schema.h"

#include "base/embed.h"
#include "base/text.h"
#include "storage/connection.h"
#include "storage/result.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

extern const struct embed_file storage_schema[];

/* A full check reads about 400 MiB/s from memory. */
#define SCHEMA_CHECK_BYTES (INT64_C(96) << 20)

/* Small, and what must not be wrong: acting hangs on them. */
static const char *const schema_precious[] = {"rule",    "arming",       "setting",
                                              "receipt", "receipt_step", "boot"};

/* One check; *ret_sound is false when it names an error. */
static int schema_check(sqlite3 *database, const char *pragma, bool *ret_sound)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, pragma, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        *ret_sound = text && strcmp(text, "ok") == 0;
    }
    int r = result_errno(database, code);
    sqlite3_finalize(statement);
    return r;
}

int schema_check_whole(sqlite3 *database, bool *ret_sound)
{
    return schema_check(database, "PRAGMA integrity_check(1)", ret_sound);
}

static int schema_check_pages(sqlite3 *database, bool *ret_sound)
{
    int64_t bytes = 0;
    int r = connection_number(database,
                              "SELECT page_count * page_size "
                              "FROM pragma_page_count, pragma_page_size",
                              &bytes);
    if (r < 0)
        return r;
    if (bytes <= SCHEMA_CHECK_BYTES)
        return schema_check(database, "PRAGMA quick_check(1)", ret_sound);
    *ret_sound = true;
    for (size_t i = 0; i < sizeof(schema_precious) / sizeof(schema_precious[0]) && *ret_sound;
         i++) {
        char pragma[64];
        snprintf(pragma, sizeof(pragma), "PRAGMA quick_check('%s')", schema_precious[i]);
        r = schema_check(database, pragma, ret_sound);
        if (r < 0)
            return r;
    }
    return 0;
}

static int schema_classify(sqlite3 *database, enum schema_state *ret_state)
{
    int64_t application = 0, version = 0, objects = 0;
    int r = connection_number(database, "PRAGMA application_id", &application);
    if (r == 0)
        r = connection_number(database, "PRAGMA user_version", &version);
    if (r == 0)
        r = connection_number(database, "SELECT count(*) FROM sqlite_schema", &objects);
    if (r < 0)
        return r;
    if (application == 0 && version == 0 && objects == 0)
        *ret_state = SCHEMA_EMPTY;
    else if (application != SCHEMA_APPLICATION_ID)
        *ret_state = SCHEMA_FOREIGN;
    else if (version > SCHEMA_VERSION)
        *ret_state = SCHEMA_NEWER;
    else if (version > 0 && version < SCHEMA_VERSION)
        *ret_state = SCHEMA_OLDER;
    else
        *ret_state = version == SCHEMA_VERSION ? SCHEMA_CURRENT : SCHEMA_DAMAGED;
    return 0;
}

int schema_inspect(sqlite3 *database, enum schema_state *ret_state)
{
    enum schema_state state = SCHEMA_DAMAGED;
    int r = schema_classify(database, &state);
    bool sound = true;
    if (r == 0 && (state == SCHEMA_CURRENT || state == SCHEMA_OLDER))
        r = schema_check_pages(database, &sound);
    if (r < 0 && r != -EUCLEAN)
        return r;
    *ret_state = r == 0 && sound ? state : SCHEMA_DAMAGED;
    return 0;
}

/* Every file of a version above `from`, in the order of their names: 001_initial.sql first. */
static int schema_run(sqlite3 *database, int64_t from, int64_t to)
{
    int r = 0;
    for (const struct embed_file *file = storage_schema; r == 0 && file->name; file++) {
        uint64_t number = 0;
        size_t used;
        if (text_scan_u64(file->name, strlen(file->name), &number, &used) == 0 &&
            number > (uint64_t)from && number <= (uint64_t)to)
            r = connection_run(database, file->data);
    }
    return r;
}

int schema_create(sqlite3 *database)
{
    return schema_run(database, 0, SCHEMA_VERSION);
}

/* ---- is it all of it, and nothing else? ---- */

/* But for the two tables of ANALYZE, which anybody may have run on the file. */
static const char schema_objects[] =
    "SELECT type || '|' || name || '|' || tbl_name || '|' || ifnull(sql, '') AS object "
    "FROM sqlite_schema WHERE sql IS NULL OR sql NOT IN "
    "('CREATE TABLE sqlite_stat1(tbl,idx,stat)', "
    "'CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)') ORDER BY object";

static int schema_compare(sqlite3_stmt *given, sqlite3_stmt *wanted, bool *ret_same)
{
    int code, expected;
    bool same = true;
    do {
        code = sqlite3_step(given);
        expected = sqlite3_step(wanted);
        if (code == SQLITE_ROW && expected == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(given, 0);
            const char *right = (const char *)sqlite3_column_text(wanted, 0);
            same = text && right && strcmp(text, right) == 0;
        }
    } while (same && code == SQLITE_ROW && expected == SQLITE_ROW);
    *ret_same = same && code == SQLITE_DONE && expected == SQLITE_DONE;
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0
                                                     : result_errno(sqlite3_db_handle(given), code);
}

int schema_check_shape(sqlite3 *database, bool *ret_sound)
{
    _cleanup_(connection_closep) sqlite3 *model = NULL;
    sqlite3_stmt *given = NULL, *wanted = NULL;
    int64_t version = 0;
    int r = connection_number(database, "PRAGMA user_version", &version);
    if (r == 0)
        r = connection_open_memory(&model);
    if (r == 0)
        r = schema_run(model, 0, version);
    if (r < 0)
        return r;
    int code = sqlite3_prepare_v2(model, schema_objects, -1, &wanted, NULL);
    r = result_errno(model, code);
    if (r == 0) {
        code = sqlite3_prepare_v2(database, schema_objects, -1, &given, NULL);
        r = result_errno(database, code);
    }
    if (r == 0)
        r = schema_compare(given, wanted, ret_sound);
    sqlite3_finalize(given);
    sqlite3_finalize(wanted);
    return r;
}

/* ---- from one version to the next ---- */

int schema_upgrade(sqlite3 *database)
{
    int64_t version = 0;
    int r = connection_run(database, "BEGIN IMMEDIATE");
    if (r < 0)
        return r;
    r = connection_number(database, "PRAGMA user_version", &version);
    if (r == 0)
        r = schema_run(database, version, SCHEMA_VERSION);
    /* A sound file that an upgrade does not fit is ours to mend, not to set aside. */
    if (r == -EUCLEAN && sqlite3_errcode(database) == SQLITE_ERROR)
        r = -EPROTO;
    if (r == 0)
        r = connection_run(database, "COMMIT");
    if (r < 0)
        connection_run(database, "ROLLBACK");
    return r;
}
