/* SPDX-License-Identifier: MIT */
/*
 * A disk for tests, as SQLite sees it: everything goes on to the real files, but calls can be made
 * to fail, and for the files of one directory it is known what has reached the disk. So at any
 * moment an image can be made of what a power cut would leave. One per process, one thread.
 *
 * What the model says of a disk: everything before a successful sync is there. Each write since is
 * there, or not, or some of its sectors of 512 bytes are. Directories change in order: what was
 * done to a file after its making or its end only counts when that has reached the disk. A sync
 * that fails leaves writes that never get there although they can be read until then, and the next
 * sync says nothing of it.
 */
#ifndef MEMTEND_TESTS_FAULTY_VFS_H
#define MEMTEND_TESTS_FAULTY_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum faulty_call {
    FAULTY_OPEN,
    FAULTY_WRITE,
    FAULTY_SYNC,
    FAULTY_TRUNCATE,
    FAULTY_DELETE,
    FAULTY_SHM, /* more of the log's index */
    FAULTY_CALL_COUNT,
};

#define FAULTY_ALL ((1U << FAULTY_CALL_COUNT) - 1)

enum faulty_error {
    FAULTY_EIO,
    FAULTY_ENOSPC,
    FAULTY_SHORT, /* half of a write, then ENOSPC; other calls: ENOSPC */
};

struct faulty_fault {
    unsigned calls; /* bit = enum faulty_call; they are counted together */
    enum faulty_error error;
    size_t nth; /* from 1 */
    bool for_ever;
};

/* From now on the default of every connection. Before SQLite is used otherwise. */
void faulty_vfs_register(void);

/* Calls for files of the recorded directory fail from now on; NULL: no more. */
void faulty_vfs_fail(const struct faulty_fault *fault);
/* How often it struck. */
size_t faulty_vfs_failures(void);

/* Begins again with the files of this directory as they are; NULL: no recording. */
void faulty_vfs_record(const char *directory);
/* Called after each recorded call but opening; may make images. NULL: nobody. */
void faulty_vfs_observe(void (*after)(void *context), void *context);
/* Writes what a power cut may leave into another directory. */
void faulty_vfs_image(uint64_t *random, const char *directory);

/* xorshift: the same images for the same seed. Below `limit`. */
uint64_t faulty_random(uint64_t *state, uint64_t limit);

#endif
