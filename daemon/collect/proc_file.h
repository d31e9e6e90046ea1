/* SPDX-License-Identifier: MIT */
/*
 * Reads one file of one process below a directory that is /proc or a recorded tree of it. The
 * directory descriptor stays the caller's. Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_FILE_H
#define MEMTEND_COLLECT_PROC_FILE_H

#include "collect/outcome.h"

#include <stddef.h>
#include <sys/types.h>

#define PROC_PATH_SIZE 48

/* "4711/stat"; file is at most 32 bytes. Without printf: the fast pass does it for every process.
 */
void proc_path(pid_t pid, const char *file, char ret_path[static PROC_PATH_SIZE]);

/* At most size - 1 bytes and a NUL, see file_read_at(). */
enum outcome proc_file_read(int proc, pid_t pid, const char *file, char *buffer, size_t size,
                            size_t *ret_length);

#endif
