/* SPDX-License-Identifier: MIT */
#include "model/group.h"

/* Longer chains of fork without exec than this are cut: the deeper part is its own family. */
#define GROUP_DEPTH_LIMIT 64

static bool group_tied(const struct process *child, const struct process *parent)
{
    if (child->exec_mark == 0 || child->exec_mark != parent->exec_mark)
        return false;
    /* Without randomisation every program has the same mark: then the file has to tell. */
    if (child->exe_inode != parent->exe_inode || child->exe_device != parent->exe_device)
        return false;
    return parent->id.start_ticks <= child->id.start_ticks;
}

static uint32_t group_root(const struct process *processes, uint32_t index,
                           ssize_t (*by_pid)(const void *context, pid_t pid), const void *context)
{
    for (int depth = 0; depth < GROUP_DEPTH_LIMIT; depth++) {
        ssize_t parent = by_pid(context, processes[index].ppid);
        if (parent < 0 || !group_tied(&processes[index], &processes[parent]))
            break;
        index = (uint32_t)parent;
    }
    return index;
}

void group_families(struct process *processes, size_t count,
                    ssize_t (*by_pid)(const void *context, pid_t pid), const void *context)
{
    for (size_t i = 0; i < count; i++)
        processes[i].family_size = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t root = group_root(processes, (uint32_t)i, by_pid, context);
        processes[i].family = processes[root].id;
        processes[root].family_size++;
    }
    for (size_t i = 0; i < count; i++) {
        ssize_t root = by_pid(context, processes[i].family.pid);
        if (root >= 0)
            processes[i].family_size = processes[root].family_size;
    }
}
