/* SPDX-License-Identifier: MIT */
/*
 * The live state at one tick, as published to the http thread: immutable once published. The
 * engine owns the memory; a reader borrows it between acquire and release (engine/publication).
 */
#ifndef MEMTEND_MODEL_SNAPSHOT_H
#define MEMTEND_MODEL_SNAPSHOT_H

#include "model/cgroup.h"
#include "model/group.h"
#include "model/status.h"

struct snapshot {
    uint64_t tick; /* number since start; also the ETag of live state */
    uint64_t mono_usec, wall_usec;
    uint64_t boot_usec; /* since boot, with the time it was suspended: what start times count */
    struct sample host;
    struct status status;
    size_t count;
    struct process *processes; /* count of them, no kernel threads, in no order */
    size_t cgroup_count;
    struct cgroup *cgroups;      /* count of them; serial 0 = a free place */
    size_t group_count;          /* places; those of GROUP_KIND_NONE are free */
    struct group_record *groups; /* process->group is the place from 1 */
};

/* NULL when not there. */
const struct process *snapshot_find(const struct snapshot *snapshot, struct process_id id);
const struct process *snapshot_find_pid(const struct snapshot *snapshot, pid_t pid);
/* Where it lives. NULL: not known. */
const struct cgroup *snapshot_cgroup(const struct snapshot *snapshot,
                                     const struct process *process);
const struct group_record *snapshot_find_group(const struct snapshot *snapshot, const char *name);
/* Of a process of this snapshot; NULL when it is in none. */
const struct group_record *snapshot_group_of(const struct snapshot *snapshot,
                                             const struct process *process);
/* Limit and headroom of its one control group, as they are in this snapshot. */
void snapshot_group_limit(const struct snapshot *snapshot, struct group_record *group);

#endif
