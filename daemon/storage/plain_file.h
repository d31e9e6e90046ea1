/* SPDX-License-Identifier: MIT */
/*
 * Samples as an ordinary SQLite database, for anybody's tools: table process with one row for each
 * process, table sample with one for each process and tick; NULL is unknown. One thread.
 */
#ifndef MEMTEND_STORAGE_PLAIN_FILE_H
#define MEMTEND_STORAGE_PLAIN_FILE_H

#include "storage/sample_walk.h"

struct plain_file;

/* `path` is an empty file. It is of no use before plain_file_finish() returned 0, and synced by the
 * caller. -errno as of storage/store.h. */
int plain_file_new(const char *path, struct plain_file **ret_file);
/* Whatever was not finished is lost. */
void plain_file_free(struct plain_file *file); /* NULL: nothing */
DEFINE_CLEANUP(struct plain_file *, plain_file_free);

int plain_file_add(struct plain_file *file, const struct sample_row *row);
int plain_file_finish(struct plain_file *file);

#endif
