/* SPDX-License-Identifier: MIT */
/*
 * The write side of memtend.db: one connection, one thread at a time. Everything is written inside
 * store_begin() .. store_commit(); after a durable commit returned 0 the rows survive a power cut,
 * after any commit they survive a kill. A call that fails leaves the transaction open for
 * store_rollback(). SQLite's codes end here: -ENOSPC disk full, -EIO, -EROFS, -EUCLEAN damaged,
 * -EBUSY (a stranger's transaction; also one that only reads, once the log is 14 MiB), -ENOMEM,
 * -EMEDIUMTYPE (of opening: the file is another program's database, which is left as it is).
 * After -EIO of store_commit(), or of a checkpoint, every transaction ends with -EIO: only opening
 * again writes what may be lost.
 */
#ifndef MEMTEND_STORAGE_STORE_H
#define MEMTEND_STORAGE_STORE_H

#include "base/error.h"
#include "model/pin.h"
#include "model/rule.h"
#include "model/tick.h"
#include "storage/intake.h"

#include <stdbool.h>

#define STORE_FILE            "memtend.db"
#define STORE_RULES_COPY_FILE "memtend.rules-copy"

#define STORE_SAMPLES_USEC_DEFAULT   (UINT64_C(7) * 86400 * 1000000)
#define STORE_MINUTES_USEC_DEFAULT   (UINT64_C(30) * 86400 * 1000000)
#define STORE_HOURS_USEC_DEFAULT     (UINT64_C(365) * 86400 * 1000000)
#define STORE_EVENTS_USEC_DEFAULT    (UINT64_C(365) * 86400 * 1000000)
#define STORE_MAX_SIZE_BYTES_DEFAULT (UINT64_C(2) << 30)

/*
 * How long things are kept; what is older goes in small steps, oldest first. The age of samples and
 * roll-ups is counted in ticks: time in which the daemon did not run does not count, and no clock
 * that jumps makes anything old. For roll-ups 0 is the default.
 */
struct store_limits {
    uint64_t samples_usec;   /* each tick */
    uint64_t events_usec;    /* events, receipts */
    uint64_t max_size_bytes; /* database and its log; samples go first, then events */
    uint64_t minutes_usec;   /* roll-ups of 60 ticks */
    uint64_t hours_usec;     /* roll-ups of 3,600 ticks */
};

struct store_config {
    const char *directory; /* exists; holds STORE_FILE and STORE_RULES_COPY_FILE */
    uint64_t tick_usec;    /* configured period: a longer pause than 2.5 of it is a gap */
    struct store_limits limits;
    /* Outlives the store: values come in while the file is away. NULL: one of its own. */
    struct intake *intake;
    size_t max_processes; /* for one of its own; 0: enough */
    const char *boot_id;  /* NULL: the running kernel's */
    bool set_aside;       /* the file was found damaged while in use: do not try it again */
};

/* What opening found; text is for people, "" when there is nothing to say. */
enum store_opened {
    STORE_OPENED,  /* an existing file */
    STORE_CREATED, /* there was none */
    STORE_REPLACED /* damaged or newer: renamed to set_aside, fresh one made */
};

#define STORE_ASIDE_SIZE 64

struct store_report {
    enum store_opened opened;
    char set_aside[STORE_ASIDE_SIZE]; /* new name of the old file; "" = none */
    size_t rules_restored, armings_restored, settings_restored; /* from the copy */
    size_t ticks_lost; /* that a daemon which was killed had written, and that cannot be read */
    char text[240];
};

#define STORE_SETTING_NAME_SIZE  32
#define STORE_SETTING_VALUE_SIZE 256
#define STORE_SETTINGS_LIMIT     64

struct store_setting {
    char name[STORE_SETTING_NAME_SIZE];
    char value[STORE_SETTING_VALUE_SIZE];
};

/* What the daemon starts from. Owned by the holder. */
struct store_content {
    size_t rule_count; /* API rules, source and state set, never fired */
    struct rule_record *rules;
    size_t arming_count;
    struct rule_arming *armings;
    size_t setting_count;
    struct store_setting *settings;
    int64_t max_process_row, max_event_id; /* 0 = none */
};

struct store;

/* On failure `error` (NULL allowed) says which file and why. */
int store_open(const struct store_config *config, struct store **ret_store,
               struct store_report *ret_report, struct error *error);
/* Rolls back, moves the log into the file and closes. */
void store_close(struct store *store);

int store_begin(struct store *store, bool durable);
int store_commit(struct store *store);
void store_rollback(struct store *store); /* no transaction: nothing happens */

/*
 * The tick's hot row, processes first seen and ended; and some blocks of periods that are over. The
 * values are with the intake from the first call on, also when the transaction fails: then the same
 * tick may come again, for its processes.
 */
int store_write_tick(struct store *store, struct tick *tick);
/*
 * Of what has waited for the file: one transaction of blocks, durable. *ret_more: there are others.
 * To be done before ticks are written again after a failure, which end a period each time.
 */
int store_seal(struct store *store, bool *ret_more);
/* The same values for a reader in another thread; lives as long as the store or the intake. */
struct shelf *store_shelf(struct store *store);
/* event->id must be set and unique. */
int store_write_event(struct store *store, const struct event *event);
/* After the event, in the same transaction: keeps the minute of samples before it (storage/
 * pin_rows). Ticks up to there must have been written. */
int store_write_pin(struct store *store, const struct event *event, const struct pin *pin);
/* The same id again replaces it. */
int store_write_receipt(struct store *store, const struct receipt *receipt);
int store_rule_put(struct store *store, const char *name, const char *text);
int store_rule_delete(struct store *store, const char *name); /* absent: 0 */
int store_arming_put(struct store *store, const struct rule_arming *arming);
int store_arming_delete(struct store *store, const char *name);
int store_setting_put(struct store *store, const char *name, const char *value);
int store_setting_delete(struct store *store, const char *name);

int store_load(struct store *store, struct store_content *ret_content);
/* The same from the copy of the rules alone, for when the file cannot be opened. -ENOENT. */
int store_load_copy(const char *directory, struct store_content *ret_content);
void store_content_finish(struct store_content *content);

/* After a commit that changed rules, armings or settings: bring the copy up to date. Cheap when
 * nothing changed. */
int store_refresh_copy(struct store *store);

/*
 * One small step of what the file needs beside new rows, outside a transaction: puts the blocks of
 * a past hour together, makes roll-ups, drops what is too old, gives pages back. *ret_more: call
 * again soon. Events take at most ten a call, and a wall clock that is far ahead of the time that
 * the daemon ran is not believed for a day.
 */
int store_expire(struct store *store, uint64_t wall_usec, bool *ret_more);
/* Size of the database and its log. */
int store_size(struct store *store, uint64_t *ret_bytes);

#endif
