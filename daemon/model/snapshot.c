/* SPDX-License-Identifier: MIT */
#include "model/snapshot.h"

#include <string.h>

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

const struct group_record *snapshot_find_group(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->group_count; i++)
        if (snapshot->groups[i].kind != GROUP_KIND_NONE &&
            strcmp(snapshot->groups[i].name, name) == 0)
            return &snapshot->groups[i];
    return NULL;
}

const struct group_record *snapshot_group_of(const struct snapshot *snapshot,
                                             const struct process *process)
{
    bool there = process->group > 0 && process->group <= snapshot->group_count;
    return there ? &snapshot->groups[process->group - 1] : NULL;
}

void snapshot_group_limit(const struct snapshot *snapshot, struct group_record *group)
{
    const struct cgroup *cgroup = NULL;
    if (group->members > 0 && group->cgroup > 0 && group->cgroup <= snapshot->cgroup_count)
        cgroup = &snapshot->cgroups[group->cgroup - 1];
    group_set_limit(group, cgroup && cgroup->serial > 0 ? cgroup : NULL);
}
