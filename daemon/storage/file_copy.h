/* SPDX-License-Identifier: MIT */
/*
 * A whole database into an empty file, a few MiB at a time, as it was when the copy began: the
 * source is read in one transaction, and who writes it meanwhile is not waited for. One thread.
 */
#ifndef MEMTEND_STORAGE_FILE_COPY_H
#define MEMTEND_STORAGE_FILE_COPY_H

#include <sqlite3.h>
#include <stdbool.h>

struct file_copy {
    sqlite3 *from; /* the caller's */
    sqlite3 *to;
    sqlite3_backup *backup;
    double progress; /* 0 to 1 */
};

/* `path` is an empty file. -errno as of storage/store.h. */
int file_copy_begin(struct file_copy *copy, sqlite3 *from, const char *path);
int file_copy_step(struct file_copy *copy, bool *ret_more);
/* After the last step: the transaction ends, and the copy is one file that needs none beside it. It
 * is not synced. */
int file_copy_end(struct file_copy *copy);
void file_copy_finish(struct file_copy *copy); /* safe on a zeroed one, and at any time */

#endif
