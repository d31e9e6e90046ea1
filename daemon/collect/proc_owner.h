/* SPDX-License-Identifier: MIT */
/*
 * Whose a process is at this moment, by PID/status: a program may change its uids without exec, as
 * daemons that begin as root do. For decisions; what is shown is the last reading of the slow pass.
 * Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_OWNER_H
#define MEMTEND_COLLECT_PROC_OWNER_H

#include "model/process.h"

enum proc_owner {
    PROC_OWNER_SAME,  /* all its uids are this one: real, effective, saved, of the file system */
    PROC_OWNER_OTHER, /* one is not, or it cannot be told */
    PROC_OWNER_GONE,  /* or its pid is another's */
};

enum proc_owner proc_owner_check(int proc, struct process_id id, uid_t uid);
/* The bytes of the file: whether all four are `uid`. Pure. */
bool proc_owner_is(const char *text, size_t length, uid_t uid);

#endif
