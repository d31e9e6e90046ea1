/* SPDX-License-Identifier: MIT */
/*
 * Which file a process executes, as device and inode: the same for all who run it, whatever path
 * they see. Needs the same uid or CAP_SYS_PTRACE. Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_EXE_H
#define MEMTEND_COLLECT_PROC_EXE_H

#include "collect/outcome.h"

#include <stdint.h>
#include <sys/types.h>

struct proc_exe {
    uint64_t device, inode;
};

/* OUTCOME_GONE also for kernel threads and zombies, which execute no file. */
enum outcome proc_exe_read(int proc, pid_t pid, struct proc_exe *ret_exe);

#define PROC_EXE_NAME_SIZE 256 /* NAME_MAX and NUL */

/* The last part of its path, whatever bytes those are; cut when longer. */
enum outcome proc_exe_name(int proc, pid_t pid, char ret_name[static PROC_EXE_NAME_SIZE]);

#endif
