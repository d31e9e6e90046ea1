/* SPDX-License-Identifier: MIT */
/*
 * Files. Readers of the kernel's files take a directory descriptor and a relative path, so that a
 * recorded tree can stand in for /proc. Any thread.
 */
#ifndef MEMTEND_BASE_FILE_H
#define MEMTEND_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Read up to size-1 bytes with as few read(2) calls as the kernel allows and end with NUL.
 * 0, or -errno of open/read (ESRCH and ENOENT mean: gone). A longer file is cut silently:
 * callers that care compare *ret_length with size - 1.
 */
int file_read_at(int directory, const char *path, char *buffer, size_t size, size_t *ret_length);

/* Whole file on the heap, NUL-terminated; -EFBIG when larger than limit. Caller frees. */
int file_read_all(const char *path, size_t limit, char **ret_text, size_t *ret_length);

/*
 * Create or replace `name` in the directory whole or not at all: temporary file, fsync, rename,
 * fsync of the directory. O_NOFOLLOW, O_EXCL.
 */
int file_write_whole(int directory, const char *name, mode_t mode, const void *data, size_t size);

/* mkdir -p for an absolute or relative path; existing directories are fine. */
int file_make_directories(const char *path, mode_t mode);

/* flock(LOCK_EX|LOCK_NB) on directory/name, created 0600. -EWOULDBLOCK when another holds it. */
int file_lock(int directory, const char *name, int *ret_fd);

#endif
