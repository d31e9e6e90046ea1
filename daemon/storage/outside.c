/* SPDX-License-Identifier: MIT */
#include "storage/outside.h"

#include "storage/connection.h"
#include "storage/identity.h"
#include "storage/schema.h"
#include "storage/store.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The daemon holds a lock for longer only while it opens the file. */
#define OUTSIDE_BUSY_MSEC 10000

static const struct {
    int error;
    const char *text;
} outside_failures[] = {
    {-ENOENT, "there is no " STORE_FILE " in it"},
    {-ENOTDIR, "it is not a directory"},
    {-EACCES, "only the user of the daemon and root may read it"},
    {-EPERM, "only the user of the daemon and root may read it"},
    {-EMEDIUMTYPE, STORE_FILE " is another program's database"},
    {-EUCLEAN, STORE_FILE " is damaged"},
    {-EBUSY, STORE_FILE " is locked by another program"},
    {-ENOMEM, "out of memory"},
};

int outside_fail(const char *directory, int r, struct error *error)
{
    for (size_t i = 0; i < sizeof(outside_failures) / sizeof(outside_failures[0]); i++)
        if (outside_failures[i].error == r)
            return error_set(error, r, "%.150s: %s", directory, outside_failures[i].text);
    return error_set(error, r, "%.150s: %s", directory, strerror(-r));
}

/* The reader may have more rights than the daemon whose file it is. */
static int outside_shape(const char *directory, sqlite3 *database, struct error *error)
{
    bool sound = false;
    int r = connection_run(database, "PRAGMA cell_size_check = ON");
    if (r == 0)
        r = schema_check_shape(database, &sound);
    if (r == 0 && !sound)
        r = -EUCLEAN;
    return r < 0 ? outside_fail(directory, r, error) : 0;
}

static int outside_version(const char *directory, sqlite3 *database, struct error *error)
{
    int64_t version = 0;
    int r = connection_number(database, "PRAGMA user_version", &version);
    if (r < 0)
        return outside_fail(directory, r, error);
    if (version == SCHEMA_VERSION)
        return outside_shape(directory, database, error);
    return error_set(error, -EPROTO, "%.150s: " STORE_FILE " was written by %s memtend%s",
                     directory, version > SCHEMA_VERSION ? "a newer" : "an older",
                     version > SCHEMA_VERSION ? ""
                                              : "; this version's daemon brings it up to date");
}

int outside_open(const char *directory, sqlite3 **ret_database, struct error *error)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/" STORE_FILE, directory);
    if (length < 0 || (size_t)length >= sizeof(path))
        return outside_fail(directory, -ENAMETOOLONG, error);
    int r = identity_check(path);
    _cleanup_(connection_closep) sqlite3 *database = NULL;
    if (r == 0)
        r = connection_open_read(path, &database);
    if (r < 0)
        return outside_fail(directory, r, error);
    sqlite3_busy_timeout(database, OUTSIDE_BUSY_MSEC);
    r = outside_version(directory, database, error);
    if (r == 0)
        *ret_database = STEAL(database);
    return r;
}
