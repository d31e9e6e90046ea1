/* SPDX-License-Identifier: MIT */
/*
 * Limit and headroom of processes by the files of their control groups, read by this command
 * itself as the daemon reads them. Each group is read once; one owner.
 */
#ifndef MEMTEND_CLI_LIMITS_H
#define MEMTEND_CLI_LIMITS_H

#include "collect/cgroup_mount.h"
#include "model/cgroup.h"
#include "model/process.h"

#include <stdbool.h>
#include <stddef.h>

/* As the daemon's table of them; what is in a group beyond has neither. */
#define LIMITS_GROUPS 1024

struct limits_group;

struct limits {
    int proc;
    struct sample host; /* memory of the machine */
    struct cgroup_mounts mounts;
    bool counted; /* some hierarchy counts memory: else the machine is everybody's limit */
    size_t count;
    struct limits_group *groups; /* owned, as the next */
};

/* proc stays the caller's. Cannot fail: what cannot be read is not known. */
void limits_init(struct limits *limits, int proc);
void limits_finish(struct limits *limits);

/* The group of a process; NULL: not known. Good until the next call. */
const struct cgroup *limits_group(struct limits *limits, pid_t pid);
/* Sets METRIC_LIMIT and METRIC_HEADROOM where they are known. */
void limits_fill(struct limits *limits, pid_t pid, struct sample *sample);

#endif
