/* SPDX-License-Identifier: MIT */
#include "bench/storage/anchor.h"

#include "bench/storage/ingest.h"
#include "storage/connection.h"
#include "storage/result.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct anchor {
    sqlite3 *database;
    sqlite3_stmt *insert;
    uint64_t number;
    uint64_t blob[512];
};

void anchor_free(struct anchor *anchor)
{
    if (!anchor)
        return;
    sqlite3_finalize(anchor->insert);
    connection_close(anchor->database);
    free(anchor);
}

static int anchor_open(struct anchor *anchor, const char *directory)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/anchor.db", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    int r = connection_open_write(path, &anchor->database);
    if (r == 0)
        r = connection_prepare_empty(anchor->database);
    if (r == 0) /* SQLite's own checkpoints, at the size at which the store makes its own */
        r = connection_run(anchor->database,
                           "PRAGMA wal_autocheckpoint = 1000;"
                           "CREATE TABLE blob (id INTEGER PRIMARY KEY, data BLOB NOT NULL);");
    if (r < 0)
        return r;
    int code = sqlite3_prepare_v2(anchor->database, "INSERT INTO blob VALUES (?1, ?2)", -1,
                                  &anchor->insert, NULL);
    return result_errno(anchor->database, code);
}

int anchor_new(const char *directory, struct anchor **ret_anchor)
{
    struct anchor *anchor = calloc(1, sizeof(*anchor));
    if (!anchor)
        return -ENOMEM;
    int r = anchor_open(anchor, directory);
    if (r < 0) {
        anchor_free(anchor);
        return r;
    }
    *ret_anchor = anchor;
    return 0;
}

static int anchor_tick(struct anchor *anchor)
{
    anchor->number++;
    anchor->blob[anchor->number % 512] = anchor->number;
    bool durable = anchor->number % INGEST_DURABLE_TICKS == 0;
    int r = 0;
    if (durable)
        r = connection_run(anchor->database, "PRAGMA synchronous = FULL");
    else if (anchor->number % INGEST_DURABLE_TICKS == 1)
        r = connection_run(anchor->database, "PRAGMA synchronous = NORMAL");
    if (r == 0)
        r = connection_run(anchor->database, "BEGIN IMMEDIATE");
    if (r < 0)
        return r;
    sqlite3_bind_int64(anchor->insert, 1, (sqlite3_int64)anchor->number);
    sqlite3_bind_blob(anchor->insert, 2, anchor->blob, sizeof(anchor->blob), SQLITE_STATIC);
    sqlite3_step(anchor->insert);
    r = result_errno(anchor->database, sqlite3_reset(anchor->insert));
    return r < 0 ? r : connection_run(anchor->database, "COMMIT");
}

int anchor_run(struct anchor *anchor, size_t ticks, struct meter *meter)
{
    int r = 0;
    meter_begin(meter);
    for (size_t i = 0; r == 0 && i < ticks; i++)
        r = anchor_tick(anchor);
    meter_end(meter, ticks);
    return r;
}
