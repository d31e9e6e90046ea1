/* SPDX-License-Identifier: MIT */
/* What the file needs beside new rows: compaction, retention, size. */
#include "storage/store_state.h"

#include "base/clock.h"
#include "storage/connection.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define STORE_SLACK_PART 64 /* of max_size, freed beyond what is needed at once */
#define STORE_LOG_PART   4  /* of max_size that the log may take before it counts as data */

/* Rows put together in one transaction: some 15 ms, and enough to fill pages with. */
#define STORE_COMPACT_STEP 64

int store_file_size(const struct store *store, const char *name, uint64_t *ret_bytes)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", store->directory, name);
    struct stat status;
    bool there = stat(path, &status) == 0;
    if (!there && errno != ENOENT)
        return -errno;
    *ret_bytes = there ? (uint64_t)status.st_size : 0;
    return 0;
}

int store_size(struct store *store, uint64_t *ret_bytes)
{
    uint64_t file = 0, log = 0;
    int r = store_file_size(store, STORE_FILE, &file);
    if (r == 0)
        r = store_file_size(store, STORE_FILE "-wal", &log);
    if (r == 0)
        *ret_bytes = file + log;
    return r;
}

/* How far the database itself is over its share. It knows its pages before the file has them. */
static int store_excess(struct store *store, uint64_t *ret_bytes)
{
    uint64_t log = 0;
    int64_t pages = 0, page_size = 0;
    int r = store_file_size(store, STORE_FILE "-wal", &log);
    if (r == 0)
        r = connection_number(store->database, "PRAGMA page_count", &pages);
    if (r == 0)
        r = connection_number(store->database, "PRAGMA page_size", &page_size);
    if (r < 0)
        return r;
    uint64_t log_share = store->limits.max_size_bytes / STORE_LOG_PART;
    uint64_t share = store->limits.max_size_bytes - (log < log_share ? log : log_share);
    uint64_t bytes = (uint64_t)(pages * page_size);
    *ret_bytes = bytes > share ? bytes - share : 0;
    return 0;
}

static int store_shrink(struct store *store, bool *ret_more)
{
    uint64_t size = 0, excess = 0;
    int r = store_size(store, &size);
    if (r < 0 || size <= store->limits.max_size_bytes)
        return r;
    r = store_excess(store, &excess);
    if (r < 0 || excess == 0)
        return r;
    return expire_by_size(&store->queries, excess, store->limits.max_size_bytes / STORE_SLACK_PART,
                          ret_more);
}

/* Only what no replay would make blocks of once more. */
static int store_compact(struct store *store, bool *ret_more)
{
    return compactor_step(&store->compactor, STORE_COMPACT_STEP,
                          hot_pages_unsealed_tick(&store->ticks.pages), ret_more);
}

static int store_tidy(struct store *store, uint64_t wall_usec, bool *ret_more)
{
    bool compacting = false, expiring = false, shrinking = false, cutting = false;
    struct expire_now now = {
        .newest_tick = store->intake->newest,
        .tick_usec = store->intake->tick_usec,
        .wall_usec = expire_clock_read(&store->clock, clock_mono_usec(), wall_usec),
    };
    int r = store_compact(store, &compacting);
    if (r == 0)
        r = expire_by_age(&store->queries, &store->limits, &now, &expiring);
    if (r == 0)
        r = store_shrink(store, &shrinking);
    if (r == 0)
        r = expire_spare(&store->queries, &cutting);
    *ret_more = compacting || expiring || shrinking || cutting;
    return r;
}

int store_expire(struct store *store, uint64_t wall_usec, bool *ret_more)
{
    bool more = false;
    int r = store_begin(store, false);
    if (r < 0)
        return r;
    r = store_tidy(store, wall_usec, &more);
    if (r == 0)
        r = store_commit(store);
    if (r < 0) {
        store_rollback(store);
        return r;
    }
    *ret_more = more;
    return 0;
}
