/* SPDX-License-Identifier: MIT */
#include "storage/store_state.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "storage/connection.h"
#include "storage/opening.h"
#include "storage/replay.h"
#include "storage/result.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Pages of the log at which it is folded into the database (4 MiB), and at which, when a long
 * query kept it from starting over, the writer waits for that query (12 MiB): below 16 MiB. A
 * stranger's transaction that does not end makes the store refuse at 14 MiB, which leaves room for
 * one transaction. */
#define STORE_LOG_FOLD_PAGES 1000
#define STORE_LOG_WAIT_PAGES 3000
#define STORE_LOG_FULL_PAGES 3500
#define STORE_LOG_PAGE_BYTES 4120               /* with its head */
#define STORE_LOG_WAIT_USEC  (6 * USEC_PER_SEC) /* longer than any query may take */

#define STORE_MAX_PROCESSES 32768
/* Blocks sealed with one tick, some 4 ms of work: 32,768 processes are through before the next
 * period is over. */
#define STORE_SEAL_STEP 64

static int store_on_log(void *context, sqlite3 *database, const char *name, int pages)
{
    (void)database;
    (void)name;
    struct store *store = context;
    store->log_pages = pages;
    store->logged = true;
    return SQLITE_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store_rollback(store);
    tick_writer_finish(&store->ticks);
    sealer_finish(&store->sealer);
    compactor_finish(&store->compactor);
    queries_finish(&store->queries);
    /* A log with holes must not get into the file: opening writes it once more first. */
    if (store->doubtful)
        connection_close_as_is(store->database);
    else
        connection_close(store->database);
    if (store->intake == &store->own_intake)
        intake_finish(&store->own_intake);
    free(store->directory);
    free(store);
}

static int store_boot_id(const struct store_config *config, char *ret_id, size_t size)
{
    if (config->boot_id) {
        text_copy(ret_id, size, config->boot_id);
        return 0;
    }
    size_t length;
    int r = file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", ret_id, size, &length);
    if (r == 0)
        ret_id[strcspn(ret_id, "\n")] = '\0';
    return r;
}

static int store_make_tools(struct store *store)
{
    int r = block_numbers_load(&store->numbers, &store->queries);
    if (r == 0)
        r = sealer_init(&store->sealer, &store->queries, &store->numbers, &store->intake->shelf);
    if (r == 0)
        r = compactor_init(&store->compactor, &store->queries, &store->numbers);
    return r;
}

/* Finds the end of the file, and puts what a kill has left there into blocks. */
static int store_continue(struct store *store, const char *boot_id, bool reopened, size_t *ret_lost)
{
    int r = tick_writer_init(&store->ticks, &store->queries, store->intake, boot_id, reopened);
    if (r == 0)
        r = store_make_tools(store);
    store->sealer.boot = store->ticks.boot;
    if (r == 0)
        r = expire_clock_load(&store->clock, &store->queries, store->intake->newest,
                              store->intake->tick_usec, clock_mono_usec());
    if (r == 0 && !reopened)
        r = replay_run(&store->queries, store->intake, &store->sealer, ret_lost);
    return r < 0 ? r : tick_writer_begin(&store->ticks);
}

/* The connection is open on a sound file. */
static int store_ready(struct store *store, const struct store_config *config, size_t *ret_lost)
{
    char boot_id[64];
    bool reopened = store->intake->running;
    int r = store_boot_id(config, boot_id, sizeof(boot_id));
    if (r < 0)
        return r;
    sqlite3_wal_hook(store->database, store_on_log, store);
    queries_init(&store->queries, store->database);
    store->synchronous = true;
    store->log_wait_pages = STORE_LOG_WAIT_PAGES;
    r = connection_run(store->database, "BEGIN IMMEDIATE");
    if (r == 0)
        r = connection_rewrite_log(store->database);
    if (r == 0)
        r = store_continue(store, boot_id, reopened, ret_lost);
    if (r == 0)
        r = connection_run(store->database, "COMMIT");
    store->copy_stale = true;
    store->doubtful = r == -EIO;
    if (r == 0 && reopened) /* the shelf knows what the file does not */
        intake_break(store->intake);
    else if (r < 0 && !reopened)
        intake_forget(store->intake);
    /* Opened while somebody reads: the log is as long as it was. */
    uint64_t log = 0;
    if (r == 0)
        r = store_file_size(store, STORE_FILE "-wal", &log);
    store->log_pages = (int)(log / STORE_LOG_PAGE_BYTES);
    return r;
}

static uint64_t store_limit(uint64_t value, uint64_t by_default)
{
    return value > 0 ? value : by_default;
}

static int store_configure(struct store *store, const struct store_config *config)
{
    store->limits = config->limits;
    store->limits.minutes_usec =
        store_limit(config->limits.minutes_usec, STORE_MINUTES_USEC_DEFAULT);
    store->limits.hours_usec = store_limit(config->limits.hours_usec, STORE_HOURS_USEC_DEFAULT);
    store->intake = config->intake;
    store->directory = strdup(config->directory);
    if (!store->directory)
        return -ENOMEM;
    if (store->intake)
        return 0;
    intake_init(&store->own_intake,
                config->max_processes > 0 ? config->max_processes : STORE_MAX_PROCESSES,
                config->tick_usec);
    store->intake = &store->own_intake;
    return 0;
}

static int store_fill(struct store *store, const struct store_config *config,
                      struct store_report *ret_report)
{
    int r = store_configure(store, config);
    if (r == 0)
        r = opening_run(config, &store->database, ret_report);
    if (r == 0)
        r = store_ready(store, config, &ret_report->ticks_lost);
    if (r == 0 && ret_report->ticks_lost > 0 && !ret_report->text[0])
        snprintf(ret_report->text, sizeof(ret_report->text),
                 "%zu ticks from before the last stop could not be read", ret_report->ticks_lost);
    return r;
}

static int store_connect(const struct store_config *config, struct store **ret_store,
                         struct store_report *ret_report)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return -ENOMEM;
    struct store_report report;
    int r = store_fill(store, config, &report);
    if (r < 0) {
        store_close(store);
        return r;
    }
    *ret_report = report;
    *ret_store = store;
    return 0;
}

int store_open(const struct store_config *config, struct store **ret_store,
               struct store_report *ret_report, struct error *error)
{
    int r = store_connect(config, ret_store, ret_report);
    if (r == -EUCLEAN && !config->set_aside) {
        /* The checks did not see it, the first use did. */
        struct store_config again = *config;
        again.set_aside = true;
        r = store_connect(&again, ret_store, ret_report);
    }
    if (r == -EMEDIUMTYPE)
        return error_set(error, r,
                         "%s/" STORE_FILE " is another program's database; it is left as it is",
                         config->directory);
    if (r < 0)
        return error_set(error, r, "cannot open %s/" STORE_FILE ": %s", config->directory,
                         strerror(-r));
    return 0;
}

static int store_set_synchronous(struct store *store, bool full)
{
    if (store->synchronous == full)
        return 0;
    int r = connection_run(store->database,
                           full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    if (r == 0)
        store->synchronous = full;
    return r;
}

/* A failure is none of the last transaction's, that is in the log; but it may be the next one's. */
static int store_checkpoint(struct store *store, int mode)
{
    int code = sqlite3_wal_checkpoint_v2(store->database, NULL, mode, NULL, NULL);
    if (result_errno(store->database, code) == -EIO)
        store->doubtful = true;
    return code;
}

/* -EBUSY while somebody reads what the log cannot do without. */
static int store_make_room(struct store *store)
{
    if (store->log_pages < STORE_LOG_FULL_PAGES)
        return 0;
    int code = store_checkpoint(store, SQLITE_CHECKPOINT_TRUNCATE);
    if (code == SQLITE_OK)
        store->log_pages = 0;
    return result_errno(store->database, code);
}

/* Prepared: each tick begins and commits. */
static int store_run(struct store *store, enum query query)
{
    sqlite3_stmt *statement;
    int r = query_get(&store->queries, query, &statement);
    return r < 0 ? r : query_run(&store->queries, statement);
}

int store_begin(struct store *store, bool durable)
{
    int r = store->doubtful ? -EIO : store_make_room(store);
    if (r == 0)
        r = store_set_synchronous(store, durable);
    if (r == 0)
        r = store_run(store, QUERY_BEGIN);
    if (r < 0)
        return r;
    store->begun = true;
    store->rules_changed = false;
    store->took_ticks = false;
    store->logged = false;
    return 0;
}

/* SQLite syncs nothing for a transaction that wrote nothing, whatever came before it. */
static int store_sync(struct store *store)
{
    if (store->logged)
        store->unsynced = !store->synchronous;
    if (!store->synchronous || !store->unsynced)
        return 0;
    int r = connection_sync_log(store->database);
    if (r == 0)
        store->unsynced = false;
    return r;
}

/* Queries may follow each other closely: look often enough to meet the moment between two. */
static int store_wait_for_readers(void *context, int count)
{
    (void)count;
    const uint64_t *until_usec = context;
    usleep(500);
    return clock_mono_usec() < *until_usec;
}

/* Fold the log into the database. */
static void store_fold_log(struct store *store)
{
    if (store->log_pages < STORE_LOG_FOLD_PAGES)
        return;
    if (store->log_pages < store->log_wait_pages) {
        store_checkpoint(store, SQLITE_CHECKPOINT_PASSIVE);
        return;
    }
    uint64_t until_usec = clock_mono_usec() + STORE_LOG_WAIT_USEC;
    sqlite3_busy_handler(store->database, store_wait_for_readers, &until_usec);
    int code = store_checkpoint(store, SQLITE_CHECKPOINT_TRUNCATE);
    sqlite3_busy_handler(store->database, NULL, NULL);
    store->log_wait_pages =
        code == SQLITE_OK ? STORE_LOG_WAIT_PAGES : store->log_pages + STORE_LOG_FOLD_PAGES;
}

int store_commit(struct store *store)
{
    int r = store_run(store, QUERY_COMMIT);
    if (r == 0)
        r = store_sync(store);
    if (r < 0) {
        store->doubtful = store->doubtful || r == -EIO;
        return r;
    }
    store->begun = false;
    if (store->rules_changed)
        store->copy_stale = true;
    shelf_drop_closing(&store->intake->shelf);
    store_fold_log(store);
    return 0;
}

void store_rollback(struct store *store)
{
    if (!store->begun)
        return;
    store->begun = false;
    /* Some failures have rolled back already. */
    if (!sqlite3_get_autocommit(store->database))
        connection_run(store->database, "ROLLBACK");
    if (!store->intake)
        return;
    shelf_keep_closing(&store->intake->shelf);
    if (store->took_ticks) {
        intake_break(store->intake);
        hot_pages_break(&store->ticks.pages);
    }
    store->took_ticks = false;
}

int store_write_tick(struct store *store, struct tick *tick)
{
    store->took_ticks = true;
    /* What failed before is at risk until it is in a block. */
    size_t limit = tick->id != 0 ? SHELF_TAKEN_LIMIT : STORE_SEAL_STEP, sealed;
    int r = tick_writer_write(&store->ticks, tick);
    if (r == 0)
        r = sealer_step(&store->sealer, limit, &sealed);
    return r;
}

int store_seal(struct store *store, bool *ret_more)
{
    size_t sealed = 0;
    int r = 0;
    if (store->intake->shelf.closing_count > 0)
        r = store_begin(store, true);
    if (r == 0 && store->begun)
        r = sealer_step(&store->sealer, SHELF_TAKEN_LIMIT, &sealed);
    if (r == 0 && store->begun)
        r = store_commit(store);
    if (r < 0) {
        store_rollback(store);
        return r;
    }
    *ret_more = store->intake->shelf.closing_count > 0;
    return 0;
}

struct shelf *store_shelf(struct store *store)
{
    return &store->intake->shelf;
}
