/* SPDX-License-Identifier: MIT */
#include "faulty_vfs.h"

#include "storage/connection.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR_BYTES 512
#define TRACKS_LIMIT 8 /* the database, its log, its journal, and some to spare */
#define NAME_SIZE    64
#define LOST_PERCENT 75 /* of the writes that a failed sync was for */

enum change_kind { CHANGE_WRITE, CHANGE_TRUNCATE, CHANGE_MAKE, CHANGE_END };

/* Something that a sync has not yet made sure of. */
struct change {
    enum change_kind kind;
    bool settled;        /* CHANGE_MAKE, CHANGE_END: the directory has been synced since */
    size_t offset, size; /* CHANGE_TRUNCATE: new size in `size` */
    uint8_t *bytes;
};

struct content {
    bool exists;
    size_t size, capacity;
    uint8_t *bytes;
};

/* One name in the recorded directory. */
struct track {
    char name[NAME_SIZE];
    struct content durable;
    size_t change_count, change_capacity;
    struct change *changes;
};

/* Followed in memory by the real one. */
struct faulty_file {
    sqlite3_file base;
    struct track *track; /* NULL: not of the recorded directory */
    bool journal;        /* or log: SQLite syncs the directory with its first sync */
    sqlite3_file *real;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    char directory[PATH_MAX]; /* "" = none */
    size_t track_count;
    struct track tracks[TRACKS_LIMIT];
    struct faulty_fault fault; /* calls 0: none */
    size_t seen, failures;
    uint64_t random; /* of what a failed sync loses */
    void (*after)(void *context);
    void *context;
} disk;

uint64_t faulty_random(uint64_t *state, uint64_t limit)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (*state >> 11) % limit;
}

static void *grown(void *memory, size_t size)
{
    void *more = realloc(memory, size);
    if (!more)
        abort();
    return more;
}

/* ---- contents ---- */

static void content_resize(struct content *content, size_t size)
{
    if (size > content->capacity) {
        content->capacity = size * 2;
        content->bytes = grown(content->bytes, content->capacity);
    }
    if (size > content->size)
        memset(content->bytes + content->size, 0, size - content->size);
    content->size = size;
}

static void content_put(struct content *content, size_t offset, const uint8_t *bytes, size_t size)
{
    if (offset + size > content->size)
        content_resize(content, offset + size);
    memcpy(content->bytes + offset, bytes, size);
}

/* Each sector by itself. */
static void content_tear(struct content *content, const struct change *change, uint64_t *random)
{
    size_t done = 0;
    while (done < change->size) {
        size_t offset = change->offset + done;
        size_t part = SECTOR_BYTES - offset % SECTOR_BYTES;
        if (part > change->size - done)
            part = change->size - done;
        if (faulty_random(random, 2))
            content_put(content, offset, change->bytes + done, part);
        done += part;
    }
}

static void content_apply(struct content *content, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_WRITE:
        content_put(content, change->offset, change->bytes, change->size);
        break;
    case CHANGE_TRUNCATE:
        content_resize(content, change->size);
        break;
    case CHANGE_MAKE:
    case CHANGE_END:
        content->exists = change->kind == CHANGE_MAKE;
        content->size = 0;
        break;
    }
}

static void content_read(struct content *content, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    content->exists = fd >= 0;
    content->size = 0;
    if (fd < 0)
        return;
    struct stat status;
    if (fstat(fd, &status) < 0)
        abort();
    content_resize(content, (size_t)status.st_size);
    if (read(fd, content->bytes, content->size) != status.st_size)
        abort();
    close(fd);
}

static void content_write(const struct content *content, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, content->bytes, content->size) != (ssize_t)content->size)
        abort();
    close(fd);
}

/* ---- tracks ---- */

static void track_forget(struct track *track)
{
    for (size_t i = 0; i < track->change_count; i++)
        free(track->changes[i].bytes);
    track->change_count = 0;
}

static void track_finish(struct track *track)
{
    track_forget(track);
    free(track->changes);
    free(track->durable.bytes);
    *track = (struct track){0};
}

static struct change *track_add(struct track *track, enum change_kind kind)
{
    if (track->change_count == track->change_capacity) {
        track->change_capacity = track->change_capacity ? track->change_capacity * 2 : 64;
        track->changes = grown(track->changes, track->change_capacity * sizeof(struct change));
    }
    struct change *change = &track->changes[track->change_count++];
    *change = (struct change){.kind = kind};
    return change;
}

static void track_add_write(struct track *track, const void *bytes, size_t size, size_t offset)
{
    if (size == 0)
        return;
    struct change *change = track_add(track, CHANGE_WRITE);
    change->bytes = grown(NULL, size);
    memcpy(change->bytes, bytes, size);
    change->offset = offset;
    change->size = size;
}

/* NULL when the file is not one of the recorded directory. */
static struct track *track_of(const char *path)
{
    size_t length = strlen(disk.directory);
    if (length == 0 || !path || strncmp(path, disk.directory, length) != 0 || path[length] != '/')
        return NULL;
    const char *name = path + length + 1;
    for (size_t i = 0; i < disk.track_count; i++)
        if (strcmp(disk.tracks[i].name, name) == 0)
            return &disk.tracks[i];
    assert(disk.track_count < TRACKS_LIMIT && strlen(name) < NAME_SIZE);
    struct track *track = &disk.tracks[disk.track_count++];
    snprintf(track->name, sizeof(track->name), "%s", name);
    content_read(&track->durable, path);
    return track;
}

/* The directory has been synced: names that were made or ended are so for good. */
static void disk_settle(void)
{
    for (size_t i = 0; i < disk.track_count; i++) {
        struct track *track = &disk.tracks[i];
        for (size_t k = 0; k < track->change_count; k++)
            track->changes[k].settled = true;
    }
}

static void track_sync(struct track *track, bool journal)
{
    bool made = false;
    for (size_t i = 0; i < track->change_count; i++) {
        made = made || track->changes[i].kind == CHANGE_MAKE;
        content_apply(&track->durable, &track->changes[i]);
    }
    track_forget(track);
    if (made && journal)
        disk_settle();
}

/* Writes that the kernel has tried in vain: it takes them for written. */
static void track_lose(struct track *track)
{
    size_t kept = 0;
    for (size_t i = 0; i < track->change_count; i++) {
        struct change *change = &track->changes[i];
        if (change->kind == CHANGE_WRITE && faulty_random(&disk.random, 100) < LOST_PERCENT)
            free(change->bytes);
        else
            track->changes[kept++] = *change;
    }
    track->change_count = kept;
}

static void track_image(const struct track *track, uint64_t *random, uint64_t percent,
                        struct content *content)
{
    content->exists = track->durable.exists;
    content->size = 0;
    if (track->durable.size > 0)
        content_put(content, 0, track->durable.bytes, track->durable.size);
    for (size_t i = 0; i < track->change_count; i++) {
        const struct change *change = &track->changes[i];
        bool is_name = change->kind == CHANGE_MAKE || change->kind == CHANGE_END;
        if (is_name && !change->settled && faulty_random(random, 100) >= percent)
            return;
        if (is_name || faulty_random(random, 100) < percent)
            content_apply(content, change);
        else if (change->kind == CHANGE_WRITE && faulty_random(random, 2))
            content_tear(content, change, random);
    }
}

void faulty_vfs_image(uint64_t *random, const char *directory)
{
    static const uint64_t percents[] = {0, 10, 50, 90, 98, 100};
    uint64_t percent = percents[faulty_random(random, sizeof(percents) / sizeof(percents[0]))];
    struct content content = {0};
    for (size_t i = 0; i < disk.track_count; i++) {
        const struct track *track = &disk.tracks[i];
        track_image(track, random, percent, &content);
        char path[PATH_MAX];
        snprintf(path, sizeof(path), "%s/%s", directory, track->name);
        if (content.exists)
            content_write(&content, path);
    }
    free(content.bytes);
}

/* ---- faults ---- */

static bool disk_fails(const struct track *track, enum faulty_call call)
{
    if (!track || !(disk.fault.calls >> call & 1))
        return false;
    disk.seen++;
    bool now = disk.fault.for_ever ? disk.seen >= disk.fault.nth : disk.seen == disk.fault.nth;
    if (now) {
        disk.failures++;
        errno = disk.fault.error == FAULTY_EIO ? EIO : ENOSPC;
    }
    return now;
}

static void disk_tell(const struct track *track)
{
    if (track && disk.after)
        disk.after(disk.context);
}

/* ---- a file, as SQLite calls it ---- */

static struct faulty_file *faulty(sqlite3_file *file)
{
    return (struct faulty_file *)file;
}

static int file_close(sqlite3_file *file)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods->xRead(real, bytes, size, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    struct track *track = faulty(file)->track;
    sqlite3_file *real = faulty(file)->real;
    bool fails = disk_fails(track, FAULTY_WRITE);
    if (fails && disk.fault.error == FAULTY_EIO)
        return SQLITE_IOERR_WRITE;
    if (fails)
        size = disk.fault.error == FAULTY_SHORT ? size / 2 : 0;
    int code = size > 0 ? real->pMethods->xWrite(real, bytes, size, offset) : SQLITE_OK;
    if (code == SQLITE_OK && track)
        track_add_write(track, bytes, (size_t)size, (size_t)offset);
    disk_tell(track);
    return fails ? SQLITE_FULL : code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct track *track = faulty(file)->track;
    sqlite3_file *real = faulty(file)->real;
    if (disk_fails(track, FAULTY_TRUNCATE))
        return SQLITE_IOERR_TRUNCATE;
    int code = real->pMethods->xTruncate(real, size);
    if (code == SQLITE_OK && track)
        track_add(track, CHANGE_TRUNCATE)->size = (size_t)size;
    disk_tell(track);
    return code;
}

static int file_sync(sqlite3_file *file, int flags)
{
    struct track *track = faulty(file)->track;
    sqlite3_file *real = faulty(file)->real;
    if (disk_fails(track, FAULTY_SYNC)) {
        int error = errno;
        track_lose(track);
        errno = error;
        return SQLITE_IOERR_FSYNC;
    }
    /* Nothing here looks at the real disk after a cut: its own sync would only take time. */
    (void)flags;
    (void)real;
    if (track)
        track_sync(track, faulty(file)->journal);
    disk_tell(track);
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods->xFileSize(real, ret_size);
}

static int file_lock(sqlite3_file *file, int kind)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods->xLock(real, kind);
}

static int file_unlock(sqlite3_file *file, int kind)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods->xUnlock(real, kind);
}

static int file_is_locked(sqlite3_file *file, int *ret_locked)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods->xCheckReservedLock(real, ret_locked);
}

static int file_control(sqlite3_file *file, int what, void *argument)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods->xFileControl(real, what, argument);
}

static int file_sector(sqlite3_file *file)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods->xSectorSize(real);
}

static int file_character(sqlite3_file *file)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend,
                        void volatile **ret_memory)
{
    sqlite3_file *real = faulty(file)->real;
    if (extend && disk_fails(faulty(file)->track, FAULTY_SHM))
        return SQLITE_IOERR_SHMSIZE;
    return real->pMethods->xShmMap(real, region, size, extend, ret_memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods->xShmLock(real, offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    sqlite3_file *real = faulty(file)->real;
    real->pMethods->xShmBarrier(real);
}

static int file_shm_unmap(sqlite3_file *file, int remove_too)
{
    sqlite3_file *real = faulty(file)->real;
    return real->pMethods->xShmUnmap(real, remove_too);
}

/* Version 2: no memory mapping. */
static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_is_locked,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_character,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---- the file system ---- */

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    (void)vfs;
    struct faulty_file *own = faulty(file);
    *own = (struct faulty_file){.real = (sqlite3_file *)(own + 1)};
    own->real->pMethods = NULL;
    own->track = track_of(path);
    own->journal = flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL);
    if (disk_fails(own->track, FAULTY_OPEN))
        return SQLITE_CANTOPEN;
    bool was_there = own->track && access(path, F_OK) == 0;
    int code = disk.real->xOpen(disk.real, path, own->real, flags, ret_flags);
    if (own->real->pMethods)
        file->pMethods = &file_methods;
    if (code == SQLITE_OK && own->track && !was_there)
        track_add(own->track, CHANGE_MAKE);
    return code;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    (void)vfs;
    struct track *track = track_of(path);
    if (disk_fails(track, FAULTY_DELETE))
        return SQLITE_IOERR_DELETE;
    int code = disk.real->xDelete(disk.real, path, 0);
    if (code == SQLITE_OK && track) {
        track_add(track, CHANGE_END);
        if (sync_directory)
            disk_settle();
    }
    disk_tell(track);
    return code;
}

static int disk_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret_result)
{
    (void)vfs;
    return disk.real->xAccess(disk.real, path, flags, ret_result);
}

static int disk_full_path(sqlite3_vfs *vfs, const char *path, int size, char *ret_path)
{
    (void)vfs;
    return disk.real->xFullPathname(disk.real, path, size, ret_path);
}

static int disk_randomness(sqlite3_vfs *vfs, int size, char *ret_bytes)
{
    (void)vfs;
    return disk.real->xRandomness(disk.real, size, ret_bytes);
}

static int disk_sleep(sqlite3_vfs *vfs, int usec)
{
    (void)vfs;
    return disk.real->xSleep(disk.real, usec);
}

static int disk_time(sqlite3_vfs *vfs, double *ret_time)
{
    (void)vfs;
    return disk.real->xCurrentTime(disk.real, ret_time);
}

static int disk_last_error(sqlite3_vfs *vfs, int size, char *ret_text)
{
    (void)vfs;
    return disk.real->xGetLastError(disk.real, size, ret_text);
}

void faulty_vfs_register(void)
{
    /* Opening one sets SQLite up as the daemon does; later that is not possible. */
    sqlite3 *database = NULL;
    if (connection_open_memory(&database) < 0)
        abort();
    connection_close(database);
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct faulty_file) + disk.real->szOsFile,
        .mxPathname = disk.real->mxPathname,
        .zName = "faulty",
        .xOpen = disk_open,
        .xDelete = disk_delete,
        .xAccess = disk_access,
        .xFullPathname = disk_full_path,
        .xRandomness = disk_randomness,
        .xSleep = disk_sleep,
        .xCurrentTime = disk_time,
        .xGetLastError = disk_last_error,
    };
    if (sqlite3_vfs_register(&disk.vfs, 1) != SQLITE_OK)
        abort();
}

void faulty_vfs_fail(const struct faulty_fault *fault)
{
    disk.fault = fault ? *fault : (struct faulty_fault){0};
    disk.seen = 0;
    disk.failures = 0;
}

size_t faulty_vfs_failures(void)
{
    return disk.failures;
}

void faulty_vfs_record(const char *directory)
{
    for (size_t i = 0; i < disk.track_count; i++)
        track_finish(&disk.tracks[i]);
    disk.track_count = 0;
    disk.random = 88172645463325252ULL;
    snprintf(disk.directory, sizeof(disk.directory), "%s", directory ? directory : "");
}

void faulty_vfs_observe(void (*after)(void *context), void *context)
{
    disk.after = after;
    disk.context = context;
}
