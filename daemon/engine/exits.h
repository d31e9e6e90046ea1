/* SPDX-License-Identifier: MIT */
/*
 * How processes that are not our children ended: a pidfd that was opened while they lived still
 * knows the exit status after they are gone (Linux 6.15: PIDFD_GET_INFO with PIDFD_INFO_EXIT).
 * Before that the status is absent. So many descriptors at most; who comes later has none. Loop
 * thread.
 */
#ifndef MEMTEND_ENGINE_EXITS_H
#define MEMTEND_ENGINE_EXITS_H

#include "model/process.h"

/* A descriptor each, out of what kept files leave; and about 1 KiB of kernel memory. */
#define EXITS_LIMIT 192

struct exits_watch {
    struct process_id id;
    int pidfd;
};

struct exits {
    int proc_fd; /* borrowed */
    size_t count;
    bool unsupported; /* by the kernel, as the first end has shown */
    struct exits_watch watches[EXITS_LIMIT];
};

void exits_init(struct exits *exits, int proc_fd);
void exits_finish(struct exits *exits);

/* 0; -EEXIST; -ENOSPC; -EOPNOTSUPP; -ESRCH: it is gone, or it is another one now. */
int exits_add(struct exits *exits, struct process_id id);
/* It has left /proc: its status as from waitpid(), and no more is known of it. -ENOENT: it was not
 * watched; -EOPNOTSUPP; -ESRCH: the kernel does not say. */
int exits_take(struct exits *exits, struct process_id id, int *ret_status);

#endif
