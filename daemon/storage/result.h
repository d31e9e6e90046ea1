/* SPDX-License-Identifier: MIT */
/*
 * SQLite's result codes end here: everything above sees -errno. Used by storage/ only.
 */
#ifndef MEMTEND_STORAGE_RESULT_H
#define MEMTEND_STORAGE_RESULT_H

#include <sqlite3.h>

/*
 * 0 for SQLITE_OK, SQLITE_ROW and SQLITE_DONE; else -ENOSPC, -EIO, -EROFS, -EUCLEAN (damaged or no
 * database), -EBUSY, -ENOMEM, -ETIMEDOUT (broken off by the deadline), -EACCES, -EPROTO (our bug).
 * `database` may be NULL; it knows the errno of the system call.
 */
int result_errno(sqlite3 *database, int code);
/* Of a file that has just failed; 0: it does not know. */
int result_of_file(sqlite3_file *file);

#endif
