/* SPDX-License-Identifier: MIT */
#include "storage/backup.h"

#include "base/clock.h"
#include "base/file.h"
#include "storage/connection.h"
#include "storage/file_copy.h"
#include "storage/identity.h"
#include "storage/schema.h"
#include "storage/set_aside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

_Static_assert(RESTORE_ASIDE_SIZE >= STORE_ASIDE_SIZE, "the same name");

#define RESTORE_LOCK_FILE   "lock" /* the daemon's: engine/paths */
#define RESTORE_TEMPORARY   STORE_FILE ".restoring"
#define RESTORE_CHECK_STEPS 100000 /* of SQLite's machine between two looks: some ms */

struct restore {
    char *directory;
    const char *path;  /* of the source, while restore_new() runs */
    int fd, lock;      /* of the directory; lock: held while this lives */
    struct stat owner; /* of the directory: whose the file is to be */
    sqlite3 *database; /* the source */
    struct file_copy copy;
    bool copying; /* the temporary file is ours */
    bool (*is_over)(void);
};

void restore_free(struct restore *restore)
{
    if (!restore)
        return;
    file_copy_finish(&restore->copy);
    connection_close(restore->database);
    if (restore->copying)
        unlinkat(restore->fd, RESTORE_TEMPORARY, 0);
    closep(&restore->lock);
    closep(&restore->fd);
    free(restore->directory);
    free(restore);
}

static int restore_path(const struct restore *restore, const char *name,
                        char ret_path[static PATH_MAX])
{
    int length = snprintf(ret_path, PATH_MAX, "%s/%s", restore->directory, name);
    return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* ---- the directory ---- */

/* Run by root for a service: what is made here must be the service's. A second name that somebody
 * made here of a file of root's stays root's. */
static int restore_give(const struct restore *restore, int fd)
{
    struct stat status;
    if (geteuid() != 0)
        return 0;
    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_uid == restore->owner.st_uid && status.st_gid == restore->owner.st_gid)
        return 0;
    if (!S_ISREG(status.st_mode) || status.st_nlink != 1)
        return -EPERM;
    return fchown(fd, restore->owner.st_uid, restore->owner.st_gid) < 0 ? -errno : 0;
}

static int restore_lock(struct restore *restore, struct error *error)
{
    restore->fd = open(restore->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (restore->fd < 0 || fstat(restore->fd, &restore->owner) < 0)
        return error_set(error, -errno, "cannot open %.150s: %s", restore->directory,
                         strerror(errno));
    int r = file_lock(restore->fd, RESTORE_LOCK_FILE, &restore->lock);
    if (r == -EWOULDBLOCK)
        return error_set(error, r, "memtendd runs with %.150s", restore->directory);
    if (r == 0)
        r = restore_give(restore, restore->lock);
    if (r < 0)
        return error_set(error, r, "cannot lock %.150s: %s", restore->directory, strerror(-r));
    char path[PATH_MAX];
    r = restore_path(restore, STORE_FILE, path);
    if (r == 0)
        r = identity_check(path);
    if (r == -EMEDIUMTYPE)
        return error_set(error, r, "%.150s/" STORE_FILE " is another program's: move it away first",
                         restore->directory);
    return r < 0 && r != -ENOENT
               ? error_set(error, r, "%.150s/" STORE_FILE ": %s", restore->directory, strerror(-r))
               : 0;
}

/* ---- the source ---- */

static int restore_refuse(const struct restore *restore, int r, const char *why,
                          struct error *error)
{
    return error_set(error, r, "%.150s %s", restore->path, why);
}

static int restore_check_file(const struct restore *restore, struct error *error)
{
    struct stat source, present;
    if (stat(restore->path, &source) < 0)
        return error_set(error, -errno, "cannot read %.150s: %s", restore->path, strerror(errno));
    if (!S_ISREG(source.st_mode))
        return restore_refuse(restore, -EINVAL, "is not a plain file", error);
    if (fstatat(restore->fd, STORE_FILE, &present, 0) == 0 && present.st_dev == source.st_dev &&
        present.st_ino == source.st_ino)
        return restore_refuse(restore, -EINVAL, "is the present database itself", error);
    if (source.st_size == 0)
        return restore_refuse(restore, -EUCLEAN, "is empty", error);
    int r = identity_check(restore->path);
    if (r == -EMEDIUMTYPE)
        return restore_refuse(restore, r, "is another program's database", error);
    return r < 0 ? error_set(error, r, "cannot read %.150s: %s", restore->path, strerror(-r)) : 0;
}

static int restore_check_schema(const struct restore *restore, struct error *error)
{
    int64_t application = 0, version = 0;
    int r = connection_number(restore->database, "PRAGMA application_id", &application);
    if (r == 0)
        r = connection_number(restore->database, "PRAGMA user_version", &version);
    if (r == -EUCLEAN || (r == 0 && version < 1))
        return restore_refuse(restore, -EUCLEAN, "is damaged, or no database", error);
    if (r < 0)
        return error_set(error, r, "cannot read %.150s: %s", restore->path, strerror(-r));
    if (application != SCHEMA_APPLICATION_ID)
        return restore_refuse(restore, -EMEDIUMTYPE, "is not a database of memtend", error);
    if (version > SCHEMA_VERSION)
        return restore_refuse(restore, -EPROTO, "was written by a newer memtend", error);
    bool sound = false;
    r = schema_check_shape(restore->database, &sound);
    if (r < 0 && r != -EUCLEAN)
        return error_set(error, r, "cannot read %.150s: %s", restore->path, strerror(-r));
    if (r < 0 || !sound)
        return restore_refuse(restore, -EUCLEAN,
                              "is damaged, or has tables or triggers that are not memtend's",
                              error);
    return 0;
}

/* Nothing is left beside a file that needs no log. */
static int restore_open_source(struct restore *restore, struct error *error)
{
    char log[PATH_MAX + 8];
    struct stat status;
    int r = restore_check_file(restore, error);
    if (r < 0)
        return r;
    snprintf(log, sizeof(log), "%s-wal", restore->path);
    bool logged = stat(log, &status) == 0 && status.st_size > 0;
    r = logged ? connection_open_read(restore->path, &restore->database)
               : connection_open_frozen(restore->path, &restore->database);
    if (r < 0)
        return restore_refuse(
            restore, r, r == -EACCES ? "may not be read" : "is damaged, or no database", error);
    return restore_check_schema(restore, error);
}

static int restore_begin_copy(struct restore *restore, struct error *error)
{
    char path[PATH_MAX];
    int r = restore_path(restore, RESTORE_TEMPORARY, path);
    /* Of one that was killed: we have the lock. */
    if (r == 0 && unlinkat(restore->fd, RESTORE_TEMPORARY, 0) < 0 && errno != ENOENT)
        r = -errno;
    if (r == 0) {
        _cleanup_(closep) int fd =
            openat(restore->fd, RESTORE_TEMPORARY, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        restore->copying = fd >= 0;
        r = fd < 0 ? -errno : restore_give(restore, fd);
    }
    if (r == 0)
        r = file_copy_begin(&restore->copy, restore->database, path);
    return r < 0
               ? error_set(error, r, "cannot write to %.150s: %s", restore->directory, strerror(-r))
               : 0;
}

int restore_new(const char *directory, const char *path, struct restore **ret_restore,
                struct error *error)
{
    _cleanup_(restore_freep) struct restore *restore = calloc(1, sizeof(*restore));
    if (!restore)
        return error_set(error, -ENOMEM, "out of memory");
    restore->fd = restore->lock = -1;
    restore->path = path;
    restore->directory = strdup(directory);
    int r = restore->directory ? restore_lock(restore, error) : -ENOMEM;
    if (r == 0)
        r = restore_open_source(restore, error);
    if (r == 0)
        r = restore_begin_copy(restore, error);
    if (r < 0)
        return r;
    *ret_restore = STEAL(restore);
    return 0;
}

int restore_step(struct restore *restore, bool *ret_more, struct error *error)
{
    int r = file_copy_step(&restore->copy, ret_more);
    if (r == -EUCLEAN)
        return error_set(error, r, "the backup is damaged");
    return r < 0
               ? error_set(error, r, "cannot write to %.150s: %s", restore->directory, strerror(-r))
               : 0;
}

double restore_progress(const struct restore *restore)
{
    return restore->copy.progress;
}

/* ---- into its place ---- */

static int restore_looks(void *context)
{
    const struct restore *restore = context;
    return restore->is_over && restore->is_over();
}

/* All pages, and that every index says what its table does. */
static int restore_check_copy(struct restore *restore, struct error *error)
{
    sqlite3 *database = restore->copy.to;
    bool sound = false;
    if (restore_looks(restore))
        return -ETIMEDOUT;
    sqlite3_progress_handler(database, RESTORE_CHECK_STEPS, restore_looks, restore);
    int r = schema_check_whole(database, &sound);
    sqlite3_progress_handler(database, 0, NULL, NULL);
    if (r == -ETIMEDOUT)
        return r;
    if (r < 0 || !sound)
        return error_set(error, -EUCLEAN, "the backup is damaged");
    return 0;
}

/* After a kill the log still has what the file has not. A damaged file keeps it, and so does one in
 * a directory of another user's: a journal there may name any file, which SQLite then deletes. */
static void restore_fold(const struct restore *restore)
{
    char path[PATH_MAX];
    if (restore->owner.st_uid != geteuid())
        return;
    _cleanup_(connection_closep) sqlite3 *database = NULL;
    if (restore_path(restore, STORE_FILE, path) == 0 && connection_open_write(path, &database) == 0)
        connection_run(database, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static bool restore_has(const struct restore *restore, const char *name)
{
    return faccessat(restore->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* At every moment there is a whole database under the name, where the file system has links. */
static int restore_put_aside(const struct restore *restore, char *ret_aside)
{
    uint64_t now = clock_wall_usec();
    int r = -EPERM;
    ret_aside[0] = '\0';
    if (restore_has(restore, STORE_FILE))
        restore_fold(restore);
    if (!restore_has(restore, STORE_FILE) && !restore_has(restore, STORE_FILE "-wal"))
        return 0;
    if (!restore_has(restore, STORE_FILE "-wal"))
        r = set_aside_link(restore->directory, "replaced", now, ret_aside);
    return r < 0 ? set_aside(restore->directory, "replaced", now, ret_aside) : 0;
}

static int restore_place(struct restore *restore, char *ret_aside)
{
    _cleanup_(closep) int fd = openat(restore->fd, RESTORE_TEMPORARY, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return -errno;
    int r = restore_put_aside(restore, ret_aside);
    if (r < 0)
        return r;
    if (renameat(restore->fd, RESTORE_TEMPORARY, restore->fd, STORE_FILE) < 0)
        return -errno;
    restore->copying = false;
    return fsync(restore->fd) < 0 ? -errno : 0;
}

int restore_finish(struct restore *restore, bool (*is_over)(void),
                   char ret_aside[static RESTORE_ASIDE_SIZE], struct error *error)
{
    restore->is_over = is_over;
    int r = file_copy_end(&restore->copy);
    if (r < 0)
        return error_set(error, r, "cannot write to %.150s: %s", restore->directory, strerror(-r));
    r = restore_check_copy(restore, error);
    if (r < 0)
        return r;
    file_copy_finish(&restore->copy);
    r = restore_place(restore, ret_aside);
    return r < 0 ? error_set(error, r, "cannot put the copy in its place in %.150s: %s",
                             restore->directory, strerror(-r))
                 : 0;
}
