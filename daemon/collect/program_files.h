/* SPDX-License-Identifier: MIT */
/*
 * The names of the files that a process consists of: the one it executes, then those it has mapped,
 * which tell what runtime it is when the first does not. Needs the same uid or CAP_SYS_PTRACE. Any
 * thread.
 */
#ifndef MEMTEND_COLLECT_PROGRAM_FILES_H
#define MEMTEND_COLLECT_PROGRAM_FILES_H

#include "collect/outcome.h"
#include "collect/proc_maps.h"

/* The last part of a path, whatever bytes those are, not ended by NUL. True: seen enough. */
typedef bool (*program_files_visit)(void *context, bool executed, const char *name, size_t length);

/* `maps` is a buffer to work on. OUTCOME_GONE also for what executes no file. */
enum outcome program_files_walk(int proc, pid_t pid, struct proc_maps *maps,
                                program_files_visit visit, void *context);

#endif
