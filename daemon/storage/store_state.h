/* SPDX-License-Identifier: MIT */
/*
 * What a store is made of: for store.c (opening, transactions, ticks), store_records.c (events,
 * receipts, rules) and store_tidy.c (size, age, compaction) only.
 */
#ifndef MEMTEND_STORAGE_STORE_STATE_H
#define MEMTEND_STORAGE_STORE_STATE_H

#include "storage/compactor.h"
#include "storage/expire.h"
#include "storage/sealer.h"
#include "storage/store.h"
#include "storage/tick_writer.h"

struct store {
    char *directory;
    struct store_limits limits;
    sqlite3 *database;
    struct queries queries;
    struct intake *intake, own_intake;
    struct block_numbers numbers;
    struct tick_writer ticks;
    struct sealer sealer;
    struct compactor compactor;
    struct expire_clock clock;
    bool took_ticks;    /* in the open transaction: the intake has their values */
    bool begun;         /* a transaction, that neither commit nor rollback has ended */
    bool synchronous;   /* the connection is set to FULL */
    bool logged;        /* the last transaction wrote something */
    bool unsynced;      /* the log has transactions that a power cut may take */
    bool rules_changed; /* in the open transaction */
    bool copy_stale;
    bool doubtful;      /* a sync failed: the log may have holes that only a power cut shows */
    int log_pages;      /* after the last commit */
    int log_wait_pages; /* when to wait for readers next */
};

/* Size of a file in the store's directory; 0 when it is not there. */
int store_file_size(const struct store *store, const char *name, uint64_t *ret_bytes);

#endif
