/* SPDX-License-Identifier: MIT */
/*
 * A copy of memtend.db while the daemon runs, or does not, and the way back. From another process
 * than the daemon; one thread. `error` says what is wrong, for people.
 *
 * The daemon is not waited for and does not wait for a backup; but what it writes stays in the log
 * until the backup has read all it began with, and at 14 MiB of log (storage/store.h) the daemon
 * keeps samples, events and receipts in memory until then.
 */
#ifndef MEMTEND_STORAGE_BACKUP_H
#define MEMTEND_STORAGE_BACKUP_H

#include "base/cleanup.h"
#include "base/error.h"

#include <stdbool.h>

struct backup;

/* `path` is an empty file that stays the caller's. -errno as of outside_open(). */
int backup_new(const char *directory, const char *path, struct backup **ret_backup,
               struct error *error);
void backup_free(struct backup *backup); /* NULL: nothing */
DEFINE_CLEANUP(struct backup *, backup_free);
/* *ret_more false: it is whole, but not synced. */
int backup_step(struct backup *backup, bool *ret_more, struct error *error);
double backup_progress(const struct backup *backup); /* 0 to 1 */

struct restore;

/*
 * The daemon must not run and cannot start until restore_free(): -EWOULDBLOCK. `path` is a backup,
 * or another database of this or an earlier memtend: -EMEDIUMTYPE, -EPROTO (a newer one's), -EINVAL
 * (no plain file, or the present database).
 */
int restore_new(const char *directory, const char *path, struct restore **ret_restore,
                struct error *error);
/* What was not finished left everything as it was. */
void restore_free(struct restore *restore); /* NULL: nothing */
DEFINE_CLEANUP(struct restore *, restore_free);
int restore_step(struct restore *restore, bool *ret_more, struct error *error);
double restore_progress(const struct restore *restore);
/* Checks all of the copy (-EUCLEAN) and puts it in its place; `is_over` true breaks off the check
 * (-ETIMEDOUT). The database that was there gets another name: `ret_aside`, "" when there was
 * none. */
#define RESTORE_ASIDE_SIZE 64
int restore_finish(struct restore *restore, bool (*is_over)(void),
                   char ret_aside[static RESTORE_ASIDE_SIZE], struct error *error);

#endif
