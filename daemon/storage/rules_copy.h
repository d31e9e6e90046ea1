/* SPDX-License-Identifier: MIT */
/*
 * The copy of rules, armings and settings beside the database: a small database of the same
 * schema with only these in it, replaced whole when one of them changed. It outlives a damaged
 * memtend.db, and can be opened with the sqlite3 shell.
 */
#ifndef MEMTEND_STORAGE_RULES_COPY_H
#define MEMTEND_STORAGE_RULES_COPY_H

#include "storage/store.h"

/* Writes nothing when the copy already says the same. */
int rules_copy_write(const char *directory, const struct store_content *content);
/* -ENOENT: there is none. -EUCLEAN: it cannot be read. */
int rules_copy_read(const char *directory, struct store_content *ret_content);

#endif
