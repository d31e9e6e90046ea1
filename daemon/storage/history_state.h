/* SPDX-License-Identifier: MIT */
/*
 * The read side's connection. Inner part of history.c, which opens it, and of those that ask:
 * history_series.c, history_lists.c. One thread, but for `cancelled`.
 */
#ifndef MEMTEND_STORAGE_HISTORY_STATE_H
#define MEMTEND_STORAGE_HISTORY_STATE_H

#include "storage/block_reader.h"
#include "storage/history.h"

#include <stdatomic.h>
#include <sys/types.h>

struct history {
    char *path;
    uint64_t tick_usec;
    uint64_t deadline_usec;
    bool one_owner;
    uid_t owner; /* meaningful when one_owner */
    atomic_bool cancelled;
    sqlite3 *database; /* NULL = not open */
    struct queries queries;
    struct shelf *shelf;        /* NULL: none */
    struct shelf_copies copies; /* of the query under way */
    struct block_reader *reader;
    dev_t device; /* of the open file */
    ino_t inode;
};

/* One query sees one state of the store. */
int history_begin(struct history *history);
/* -ETIMEDOUT past the deadline: for what takes long without a step of SQLite. */
int history_check(struct history *history);
/* Ends the transaction and passes the query's result on. */
int history_end(struct history *history, int r);

#endif
