/* SPDX-License-Identifier: MIT */
/*
 * From a directory to a connection on a sound memtend.db: makes the file, judges one that is
 * there, sets aside what cannot be used and fills its place with a fresh one that has the rules of
 * the copy. Used by store_open().
 */
#ifndef MEMTEND_STORAGE_OPENING_H
#define MEMTEND_STORAGE_OPENING_H

#include "storage/store.h"

#include <sqlite3.h>

/* -EMEDIUMTYPE: a database of another program is in its place, and stays as it is. */
int opening_run(const struct store_config *config, sqlite3 **ret_database,
                struct store_report *ret_report);

#endif
