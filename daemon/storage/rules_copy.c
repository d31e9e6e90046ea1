/* SPDX-License-Identifier: MIT */
#include "storage/rules_copy.h"

#include "base/file.h"
#include "storage/connection.h"
#include "storage/result.h"
#include "storage/rule_rows.h"
#include "storage/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* 1,024 rules of 8 KiB with what SQLite adds. */
#define RULES_COPY_LIMIT (size_t)(16 << 20)

static void rules_copy_freep(unsigned char **bytes)
{
    sqlite3_free(*bytes);
}

static int rules_copy_fill(sqlite3 *database, const struct store_content *content)
{
    int r = connection_run(database, "BEGIN");
    if (r == 0)
        r = schema_create(database);
    if (r < 0)
        return r;
    struct queries queries;
    queries_init(&queries, database);
    r = rule_rows_put_content(&queries, content);
    queries_finish(&queries);
    return r < 0 ? r : connection_run(database, "COMMIT");
}

static int rules_copy_path(const char *directory, char ret_path[static PATH_MAX])
{
    int n = snprintf(ret_path, PATH_MAX, "%s/" STORE_RULES_COPY_FILE, directory);
    return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool rules_copy_is(const char *directory, const void *bytes, size_t size)
{
    char path[PATH_MAX];
    _cleanup_(freep) char *old = NULL;
    size_t length = 0;
    return rules_copy_path(directory, path) == 0 &&
           file_read_all(path, RULES_COPY_LIMIT, &old, &length) == 0 && length == size &&
           memcmp(old, bytes, size) == 0;
}

int rules_copy_write(const char *directory, const struct store_content *content)
{
    _cleanup_(connection_closep) sqlite3 *database = NULL;
    int r = connection_open_memory(&database);
    if (r < 0)
        return r;
    r = rules_copy_fill(database, content);
    if (r < 0)
        return r;
    sqlite3_int64 size = 0;
    _cleanup_(rules_copy_freep) unsigned char *bytes =
        sqlite3_serialize(database, "main", &size, 0);
    if (!bytes)
        return -ENOMEM;
    if (rules_copy_is(directory, bytes, (size_t)size))
        return 0;
    _cleanup_(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return file_write_whole(fd, STORE_RULES_COPY_FILE, 0600, bytes, (size_t)size);
}

static int rules_copy_load(sqlite3 *database, struct store_content *ret_content)
{
    enum schema_state state;
    int r = schema_inspect(database, &state);
    if (r < 0)
        return r;
    /* Rules, armings and settings have the same tables in every version. */
    if (state != SCHEMA_CURRENT && state != SCHEMA_OLDER)
        return -EUCLEAN;
    struct queries queries;
    queries_init(&queries, database);
    r = rule_rows_load(&queries, ret_content);
    queries_finish(&queries);
    return r;
}

int rules_copy_read(const char *directory, struct store_content *ret_content)
{
    char path[PATH_MAX];
    int r = rules_copy_path(directory, path);
    if (r < 0)
        return r;
    _cleanup_(freep) char *bytes = NULL;
    size_t size = 0;
    r = file_read_all(path, RULES_COPY_LIMIT, &bytes, &size);
    if (r < 0)
        return r;
    _cleanup_(connection_closep) sqlite3 *database = NULL;
    r = connection_open_memory(&database);
    if (r < 0)
        return r;
    int code = sqlite3_deserialize(database, "main", (unsigned char *)bytes, (sqlite3_int64)size,
                                   (sqlite3_int64)size, SQLITE_DESERIALIZE_READONLY);
    r = result_errno(database, code);
    return r < 0 ? r : rules_copy_load(database, ret_content);
}
