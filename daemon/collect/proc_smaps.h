/* SPDX-License-Identifier: MIT */
/*
 * PID/smaps: every range of a process's address space with what is in memory of it. Read in pieces
 * through a buffer of fixed size: a process may have a hundred thousand ranges, a megabyte of text
 * for every 1,500 of them. The kernel takes the mmap lock of the process for about a page of text
 * at a time, and for as long as a range takes to count: 20 ms per GiB of 4 KiB pages. Needs the
 * same uid or CAP_SYS_PTRACE. Any thread; 24 KiB of stack.
 */
#ifndef MEMTEND_COLLECT_PROC_SMAPS_H
#define MEMTEND_COLLECT_PROC_SMAPS_H

#include "collect/outcome.h"
#include "model/mapping.h"

#include <sys/types.h>

/* A range, in the order of addresses; it and its name are good until the function returns. */
typedef void (*proc_smaps_visit)(void *context, const struct mapping *mapping);

/*
 * Visits all. When it does not end with OUTCOME_OK, what was visited is a part and of no use:
 * OUTCOME_GONE also for a process without memory (zombie, kernel thread), OUTCOME_MALFORMED when a
 * range lacks what every kernel since 2.6.32 tells, or the text ends in the middle of one.
 */
enum outcome proc_smaps_walk(int proc, pid_t pid, proc_smaps_visit visit, void *context);

/* The same over the bytes of the file; pure. */
enum outcome proc_smaps_parse(const char *text, size_t length, proc_smaps_visit visit,
                              void *context);

#endif
