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

/* Every file of a version above this one, in the order of their names: 001_initial.sql first. */
static int schema_run(sqlite3 *database, int64_t version)
{
    int r = 0;
    for (const struct embed_file *file = storage_schema; r == 0 && file->name; file++) {
        uint64_t number = 0;
        size_t used;
        if (text_scan_u64(file->name, strlen(file->name), &number, &used) == 0 &&
            number > (uint64_t)version)
            r = connection_run(database, file->data);
    }
    return r;
}

int schema_create(sqlite3 *database)
{
    return schema_run(database, 0);
}

int schema_upgrade(sqlite3 *database)
{
    int64_t version = 0;
    int r = connection_run(database, "BEGIN IMMEDIATE");
    if (r < 0)
        return r;
    r = connection_number(database, "PRAGMA user_version", &version);
    if (r == 0)
        r = schema_run(database, version);
    /* A sound file that an upgrade does not fit is ours to mend, not to set aside. */
    if (r == -EUCLEAN && sqlite3_errcode(database) == SQLITE_ERROR)
        r = -EPROTO;
    if (r == 0)
        r = connection_run(database, "COMMIT");
    if (r < 0)
        connection_run(database, "ROLLBACK");
    return r;
}
