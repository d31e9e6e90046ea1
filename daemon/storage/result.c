/* SPDX-License-Identifier: MIT */
#include "storage/result.h"

#include <errno.h>
#include <stddef.h>

struct result_meaning {
    int code; /* primary result code */
    int error;
};

static const struct result_meaning result_meanings[] = {
    {SQLITE_OK, 0},
    {SQLITE_ROW, 0},
    {SQLITE_DONE, 0},
    {SQLITE_FULL, ENOSPC},
    {SQLITE_READONLY, EROFS},
    {SQLITE_CORRUPT, EUCLEAN},
    {SQLITE_NOTADB, EUCLEAN},
    /* Of statements that are always the same: a table, a column or a row is not what it was. */
    {SQLITE_ERROR, EUCLEAN},
    {SQLITE_CONSTRAINT, EUCLEAN},
    {SQLITE_MISMATCH, EUCLEAN},
    {SQLITE_TOOBIG, EUCLEAN}, /* longer than any row that is written: storage/connection */
    {SQLITE_BUSY, EBUSY},
    {SQLITE_LOCKED, EBUSY},
    {SQLITE_NOMEM, ENOMEM},
    {SQLITE_INTERRUPT, ETIMEDOUT},
    {SQLITE_PERM, EACCES},
    {SQLITE_AUTH, EACCES},
};

/* Of the errnos behind an I/O error, those that a person can do something about. */
static int result_of_system(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* a limit on the size of files: for the store the same as a full disk */
        return -ENOSPC;
    case EROFS:
    case EACCES:
    case EPERM:
    case ENOENT:
    case ENOMEM:
    case EMFILE:
        return -error;
    default:
        return -EIO;
    }
}

int result_of_file(sqlite3_file *file)
{
    int error = 0;
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
    return error == 0 ? 0 : result_of_system(error);
}

/* What the connection remembers of a write to its log is what came after it. */
static int result_of_write(sqlite3 *database)
{
    sqlite3_file *log = NULL;
    sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    int r = log && log->pMethods ? result_of_file(log) : 0;
    return r < 0 ? r : result_of_system(sqlite3_system_errno(database));
}

int result_errno(sqlite3 *database, int code)
{
    int primary = code & 0xFF;
    for (size_t i = 0; i < sizeof(result_meanings) / sizeof(result_meanings[0]); i++)
        if (result_meanings[i].code == primary)
            return -result_meanings[i].error;
    /* Also of a full disk: only -EIO says that nothing unsynced may be built upon. */
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
        return -EIO;
    if (code == SQLITE_IOERR_WRITE && database)
        return result_of_write(database);
    if (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN)
        return code == SQLITE_IOERR_NOMEM
                   ? -ENOMEM
                   : result_of_system(database ? sqlite3_system_errno(database) : 0);
    return -EPROTO;
}
