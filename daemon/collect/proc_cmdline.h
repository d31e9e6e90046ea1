/* SPDX-License-Identifier: MIT */
/*
 * PID/cmdline: the arguments as the process holds them, each ended by NUL. It reads the memory of
 * the process and may wait for it: only the probe does. Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_CMDLINE_H
#define MEMTEND_COLLECT_PROC_CMDLINE_H

#include "collect/outcome.h"

#include <stddef.h>
#include <sys/types.h>

/* The first size - 1 raw bytes; none for kernel threads and zombies. Hostile: see model/cmdline. */
enum outcome proc_cmdline_read(int proc, pid_t pid, char *buffer, size_t size, size_t *ret_length);

#endif
