/* SPDX-License-Identifier: MIT */
#include "storage/backup.h"

#include "storage/connection.h"
#include "storage/file_copy.h"
#include "storage/outside.h"

#include <errno.h>
#include <string.h>

struct backup {
    sqlite3 *database;
    struct file_copy copy;
};

void backup_free(struct backup *backup)
{
    if (!backup)
        return;
    file_copy_finish(&backup->copy);
    connection_close(backup->database);
    free(backup);
}

static int backup_fail(int r, struct error *error)
{
    return error_set(error, r, "cannot copy the database: %s",
                     r == -EUCLEAN ? "it is damaged" : strerror(-r));
}

int backup_new(const char *directory, const char *path, struct backup **ret_backup,
               struct error *error)
{
    _cleanup_(backup_freep) struct backup *backup = calloc(1, sizeof(*backup));
    if (!backup)
        return backup_fail(-ENOMEM, error);
    int r = outside_open(directory, &backup->database, error);
    if (r < 0)
        return r;
    r = file_copy_begin(&backup->copy, backup->database, path);
    if (r < 0)
        return backup_fail(r, error);
    *ret_backup = STEAL(backup);
    return 0;
}

int backup_step(struct backup *backup, bool *ret_more, struct error *error)
{
    bool more = false;
    int r = file_copy_step(&backup->copy, &more);
    if (r == 0 && !more)
        r = file_copy_end(&backup->copy);
    if (r < 0)
        return backup_fail(r, error);
    *ret_more = more;
    return 0;
}

double backup_progress(const struct backup *backup)
{
    return backup->copy.progress;
}
