/* SPDX-License-Identifier: MIT */
#include "storage/opening.h"

#include "base/clock.h"
#include "storage/connection.h"
#include "storage/identity.h"
#include "storage/rule_rows.h"
#include "storage/rules_copy.h"
#include "storage/schema.h"
#include "storage/set_aside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* 0600 from the first byte on; SQLite gives its other files the same mode. */
static int opening_make_file(const char *path)
{
    _cleanup_(closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST)
        return -errno;
    struct stat status;
    if (lstat(path, &status) < 0)
        return -errno;
    return S_ISREG(status.st_mode) ? 0 : -EINVAL;
}

/* Tables and what the copy holds, whole or not at all: a file without its rules must never be taken
 * for one whose rules were deleted. */
static int opening_fill(sqlite3 *database, const struct store_content *content)
{
    struct queries queries;
    queries_init(&queries, database);
    int r = connection_run(database, "BEGIN IMMEDIATE");
    if (r == 0)
        r = schema_create(database);
    if (r == 0)
        r = rule_rows_put_content(&queries, content);
    if (r == 0)
        r = connection_run(database, "COMMIT");
    queries_finish(&queries);
    return r;
}

static int opening_make(const char *directory, sqlite3 *database, struct store_report *report)
{
    _cleanup_(store_content_finish) struct store_content content = {0};
    int r = rules_copy_read(directory, &content);
    if (r == -ENOMEM)
        return r;
    r = connection_prepare_empty(database);
    if (r == 0)
        r = opening_fill(database, &content);
    if (r < 0)
        return r;
    report->opened = STORE_CREATED;
    report->rules_restored = content.rule_count;
    report->armings_restored = content.arming_count;
    report->settings_restored = content.setting_count;
    return 0;
}

/* Usable when *ret_state is SCHEMA_CURRENT; otherwise nothing was written and no connection is
 * left. */
static int opening_try(const char *directory, const char *path, sqlite3 **ret_database,
                       enum schema_state *ret_state, struct store_report *report)
{
    int r = opening_make_file(path);
    if (r < 0)
        return r;
    _cleanup_(connection_closep) sqlite3 *database = NULL;
    r = connection_open_write(path, &database);
    if (r < 0)
        return r;
    enum schema_state state;
    r = schema_inspect(database, &state);
    if (r < 0)
        return r;
    if (sqlite3_db_readonly(database, "main") == 1)
        return -EROFS;
    if (state == SCHEMA_EMPTY)
        r = opening_make(directory, database, report);
    else if (state == SCHEMA_CURRENT || state == SCHEMA_OLDER)
        r = connection_prepare_write(database);
    else
        /* What is set aside stays as it was found. An id that is not ours is damaged here: a
         * stranger's database was refused before. */
        sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (r == 0 && state == SCHEMA_OLDER)
        r = schema_upgrade(database);
    if (r < 0)
        return r;
    *ret_state = state == SCHEMA_EMPTY || state == SCHEMA_OLDER ? SCHEMA_CURRENT : state;
    if (*ret_state == SCHEMA_CURRENT)
        *ret_database = STEAL(database);
    return 0;
}

static const char *opening_reason(enum schema_state state)
{
    return state == SCHEMA_NEWER ? "was written by a newer memtend" : "is damaged";
}

static int opening_replace(const struct store_config *config, const char *path,
                           enum schema_state state, sqlite3 **ret_database,
                           struct store_report *report)
{
    const char *why = state == SCHEMA_NEWER ? "newer" : "damaged";
    int r = set_aside(config->directory, why, clock_wall_usec(), report->set_aside);
    if (r < 0)
        return r;
    _cleanup_(connection_closep) sqlite3 *database = NULL;
    enum schema_state fresh;
    r = opening_try(config->directory, path, &database, &fresh, report);
    if (r < 0)
        return r;
    if (!database)
        return -EUCLEAN;
    report->opened = STORE_REPLACED;
    snprintf(report->text, sizeof(report->text),
             STORE_FILE " %s and was kept as %s; a fresh one has %zu rules, %zu armings and %zu "
                        "settings from " STORE_RULES_COPY_FILE,
             opening_reason(state), report->set_aside, report->rules_restored,
             report->armings_restored, report->settings_restored);
    *ret_database = STEAL(database);
    return 0;
}

int opening_run(const struct store_config *config, sqlite3 **ret_database,
                struct store_report *ret_report)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/" STORE_FILE, config->directory);
    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    /* SQLite only says that some file beside the database could not be opened. */
    if (faccessat(AT_FDCWD, config->directory, W_OK | X_OK, AT_EACCESS) < 0)
        return -errno;
    struct store_report report = {.opened = STORE_OPENED};
    enum schema_state state = SCHEMA_DAMAGED;
    _cleanup_(connection_closep) sqlite3 *database = NULL;
    int r = identity_check(path);
    if (r == -ENOENT)
        r = 0;
    if (r == 0 && !config->set_aside)
        r = opening_try(config->directory, path, &database, &state, &report);
    if (r == -EUCLEAN)
        r = 0;
    if (r == 0 && !database)
        r = opening_replace(config, path, state, &database, &report);
    if (r < 0)
        return r;
    if (report.opened == STORE_CREATED && report.rules_restored + report.armings_restored > 0)
        snprintf(report.text, sizeof(report.text),
                 STORE_FILE " was not there; a fresh one has %zu rules, %zu armings and %zu "
                            "settings from " STORE_RULES_COPY_FILE,
                 report.rules_restored, report.armings_restored, report.settings_restored);
    *ret_report = report;
    *ret_database = STEAL(database);
    return 0;
}
