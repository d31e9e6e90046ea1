/* SPDX-License-Identifier: MIT */
#include "model/snapshot.h"

const struct process *snapshot_find_pid(const struct snapshot *snapshot, pid_t pid)
{
    for (size_t i = 0; i < snapshot->count; i++)
        if (snapshot->processes[i].id.pid == pid)
            return &snapshot->processes[i];
    return NULL;
}

const struct cgroup *snapshot_cgroup(const struct snapshot *snapshot, const struct process *process)
{
    bool known = process->cgroup > 0 && process->cgroup <= snapshot->cgroup_count;
    return known ? &snapshot->cgroups[process->cgroup - 1] : NULL;
}

const struct process *snapshot_find(const struct snapshot *snapshot, struct process_id id)
{
    const struct process *process = snapshot_find_pid(snapshot, id.pid);
    return process && process_id_equal(process->id, id) ? process : NULL;
}
