/* SPDX-License-Identifier: MIT */
#include "storage/file_copy.h"

#include "storage/connection.h"
#include "storage/result.h"

#include <errno.h>

/* 4 MiB: some milliseconds. */
#define FILE_COPY_PAGES 1024

/* What is not finished is thrown away. */
static const char file_copy_setup[] = "PRAGMA journal_mode = OFF;"
                                      "PRAGMA synchronous = OFF;"
                                      "PRAGMA locking_mode = EXCLUSIVE;"
                                      "PRAGMA cache_size = -256;";

int file_copy_begin(struct file_copy *copy, sqlite3 *from, const char *path)
{
    *copy = (struct file_copy){.from = from};
    int64_t objects = 0;
    int r = connection_open_made(path, &copy->to);
    if (r == 0)
        r = connection_run(copy->to, file_copy_setup);
    /* Without it each commit of somebody else would start the copy anew. */
    if (r == 0)
        r = connection_run(from, "BEGIN");
    if (r == 0)
        r = connection_number(from, "SELECT count(*) FROM sqlite_schema", &objects);
    if (r < 0)
        return r;
    copy->backup = sqlite3_backup_init(copy->to, "main", from, "main");
    return copy->backup ? 0 : result_errno(copy->to, sqlite3_errcode(copy->to));
}

int file_copy_step(struct file_copy *copy, bool *ret_more)
{
    errno = 0;
    int code = sqlite3_backup_step(copy->backup, FILE_COPY_PAGES);
    /* The connection is not told of the reason: a quota, a limit on the size of files. */
    if ((code & 0xFF) == SQLITE_IOERR && (errno == EDQUOT || errno == EFBIG || errno == ENOSPC))
        return -ENOSPC;
    int pages = sqlite3_backup_pagecount(copy->backup);
    int left = sqlite3_backup_remaining(copy->backup);
    copy->progress = pages > 0 ? 1 - (double)left / pages : 0;
    *ret_more = code == SQLITE_OK;
    return code == SQLITE_OK || code == SQLITE_DONE ? 0 : result_errno(copy->to, code);
}

int file_copy_end(struct file_copy *copy)
{
    int code = sqlite3_backup_finish(copy->backup);
    copy->backup = NULL;
    connection_run(copy->from, "COMMIT");
    int r = result_errno(copy->to, code);
    return r < 0 ? r : connection_run(copy->to, "PRAGMA journal_mode = DELETE");
}

void file_copy_finish(struct file_copy *copy)
{
    if (copy->backup)
        sqlite3_backup_finish(copy->backup);
    connection_close(copy->to);
    *copy = (struct file_copy){0};
}
