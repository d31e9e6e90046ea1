/* SPDX-License-Identifier: MIT */
/*
 * Opening SQLite connections the one way memtend does: no shared state between connections, small
 * caches, no memory mapping. Each connection belongs to one thread at a time.
 */
#ifndef MEMTEND_STORAGE_CONNECTION_H
#define MEMTEND_STORAGE_CONNECTION_H

#include "base/cleanup.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/* The first bytes of a plain file that may be a database, as they are: nothing is locked, rolled
 * back or made. Through SQLite, because closing a descriptor of our own would take away the locks
 * of every connection of this process. Less than `size`: the file is shorter. */
int connection_read_head(const char *path, void *ret_bytes, size_t size, size_t *ret_length);
/* The file must exist: its permissions are ours to set. Nothing is written to it yet. */
int connection_open_write(const char *path, sqlite3 **ret_database);
/* The same of an empty file that was made just now, perhaps in a directory of somebody else: what
 * has become a symbolic link meanwhile is not followed. */
int connection_open_made(const char *path, sqlite3 **ret_database);
/* Once the file is known to be empty; or to be ours: then nothing is written. */
int connection_prepare_empty(sqlite3 *database);
int connection_prepare_write(sqlite3 *database);
int connection_open_read(const char *path, sqlite3 **ret_database);
/* The same of a file that nobody writes and that has no log: nothing is made beside it. */
int connection_open_frozen(const char *path, sqlite3 **ret_database);
/* In memory; pages of 512 bytes because it only ever holds a few small rows. */
int connection_open_memory(sqlite3 **ret_database);
/* All statements must have been finalised. */
void connection_close(sqlite3 *database);
/* The same, but what the log holds stays there. */
void connection_close_as_is(sqlite3 *database);
DEFINE_CLEANUP(sqlite3 *, connection_close);

/* In a transaction that may write: writes the whole log once more and syncs it. After a sync that
 * failed, the kernel takes for written what it could not write, and later syncs succeed. */
int connection_rewrite_log(sqlite3 *database);
/* What the log has is on the disk afterwards. -EIO: see store.h. */
int connection_sync_log(sqlite3 *database);

int connection_run(sqlite3 *database, const char *sql);
/* First column of the first row of a pragma or query without parameters. */
int connection_number(sqlite3 *database, const char *sql, int64_t *ret_number);

#endif
