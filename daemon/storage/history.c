/* SPDX-License-Identifier: MIT */
#include "storage/history_state.h"

#include "base/clock.h"
#include "storage/connection.h"
#include "storage/identity.h"
#include "storage/store.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Steps of SQLite's machine between two looks at the clock: about 50 microseconds. */
#define HISTORY_DEADLINE_STEPS 1000

int history_new(const char *directory, uint64_t tick_usec, struct shelf *shelf,
                struct history **ret_history)
{
    _cleanup_(history_freep) struct history *history = calloc(1, sizeof(*history));
    if (!history)
        return -ENOMEM;
    shelf_copies_init(&history->copies);
    if (asprintf(&history->path, "%s/" STORE_FILE, directory) < 0) {
        history->path = NULL;
        return -ENOMEM;
    }
    int r = block_reader_new(&history->reader);
    if (r < 0)
        return r;
    history->tick_usec = tick_usec;
    history->deadline_usec = UINT64_MAX;
    history->shelf = shelf;
    history->reader->queries = &history->queries;
    history->reader->copies = &history->copies;
    *ret_history = STEAL(history);
    return 0;
}

static void history_disconnect(struct history *history)
{
    queries_finish(&history->queries);
    connection_close(history->database);
    history->database = NULL;
}

void history_free(struct history *history)
{
    if (!history)
        return;
    history_disconnect(history);
    shelf_copies_finish(&history->copies);
    block_reader_free(history->reader);
    free(history->path);
    free(history);
}

void history_set_deadline(struct history *history, uint64_t mono_usec)
{
    history->deadline_usec = mono_usec;
}

void history_set_owner(struct history *history, const uid_t *uid)
{
    history->one_owner = uid != NULL;
    history->owner = uid ? *uid : 0;
}

void history_cancel(struct history *history)
{
    atomic_store(&history->cancelled, true);
}

static int history_is_over(void *context)
{
    struct history *history = context;
    return atomic_load(&history->cancelled) || clock_mono_usec() >= history->deadline_usec;
}

static int history_connect(struct history *history)
{
    struct stat status;
    if (stat(history->path, &status) < 0)
        return -errno;
    if (history->database && status.st_dev == history->device && status.st_ino == history->inode)
        return 0;
    history_disconnect(history);
    int r = identity_check(history->path);
    if (r == 0)
        r = connection_open_read(history->path, &history->database);
    if (r < 0)
        return r;
    queries_init(&history->queries, history->database);
    sqlite3_progress_handler(history->database, HISTORY_DEADLINE_STEPS, history_is_over, history);
    history->device = status.st_dev;
    history->inode = status.st_ino;
    return 0;
}

int history_begin(struct history *history)
{
    if (history_is_over(history))
        return -ETIMEDOUT;
    int r = history_connect(history);
    return r < 0 ? r : connection_run(history->database, "BEGIN");
}

int history_check(struct history *history)
{
    return history_is_over(history) ? -ETIMEDOUT : 0;
}

int history_end(struct history *history, int r)
{
    /* Also past the deadline, which must not break off the end itself. */
    sqlite3_progress_handler(history->database, 0, NULL, NULL);
    connection_run(history->database, "COMMIT");
    sqlite3_progress_handler(history->database, HISTORY_DEADLINE_STEPS, history_is_over, history);
    if (r == -EUCLEAN)
        history_disconnect(history);
    return r;
}
