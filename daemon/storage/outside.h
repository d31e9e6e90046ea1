/* SPDX-License-Identifier: MIT */
/*
 * memtend.db as another process than the daemon sees it, whether that runs or not. Nothing is
 * written to it. One thread.
 */
#ifndef MEMTEND_STORAGE_OUTSIDE_H
#define MEMTEND_STORAGE_OUTSIDE_H

#include "base/error.h"

#include <sqlite3.h>

/*
 * A read-only connection that waits for a moment where the file is locked. `error` says what is
 * wrong: -ENOENT, -EACCES, -EMEDIUMTYPE (another program's), -EUCLEAN, -EPROTO (of another version
 * of memtend).
 */
int outside_open(const char *directory, sqlite3 **ret_database, struct error *error);
/* The same for a failure while reading. */
int outside_fail(const char *directory, int r, struct error *error);

#endif
