/* SPDX-License-Identifier: MIT */
/*
 * What is read of a process when it moved, when a rule asks, and else in turn: PID/status, once for
 * each program its cgroup, and PID/stat where the fast pass got along without. Who is due the fast
 * pass has found out. Loop thread.
 */
#include "engine/head.h"

#include "base/text.h"
#include "collect/proc_cgroup.h"
#include "collect/proc_stat.h"
#include "collect/proc_statm.h"
#include "collect/proc_status.h"

#include <string.h>

/* Once, and again when the program seems to be another one. True: it is not what it was. */
static bool slow_unit(struct table *table, struct process *process,
                      const struct proc_cgroup *cgroup)
{
    char unit[PROCESS_UNIT_SIZE] = "";
    struct tracked *tracked = table_tracked(table, process);
    tracked->unit_known = true;
    if (cgroup)
        cgroup_unit(cgroup->path, unit);
    if (!table_set_text(table, &process->unit, unit))
        return false;
    tracked->identity_changed = true;
    return true;
}

/*
 * A file read by path is of whoever has the pid at that moment. Alive before, by the fast pass, and
 * alive now: it was this process in between as well. PID/stat, where it is due, tells that too.
 */
static bool slow_same(struct head *head, size_t index, uint64_t now)
{
    const struct glance *glance = &head->table.glances[index];
    struct process_id id = head->table.processes[index].id;
    struct proc_statm statm;
    struct proc_stat stat;
    if (glance->statm >= 0 && !glance->stat_due)
        return proc_statm_read(glance->statm, &statm) == OUTCOME_OK;
    enum outcome outcome = proc_stat_read(head->proc_fd, id.pid, &stat);
    if (glance->stat_due) {
        head->status.reads[outcome]++;
        head->status.processes_unreadable += outcome != OUTCOME_OK && outcome != OUTCOME_GONE;
    }
    if (outcome != OUTCOME_OK || !process_id_equal(stat.id, id))
        return false;
    if (glance->stat_due)
        fast_pass_update(head, index, &stat, now);
    return true;
}

static void slow_one(struct head *head, size_t index, uint64_t now)
{
    struct process *process = &head->table.processes[index];
    struct tracked *tracked = &head->table.tracked[index];
    struct glance *glance = &head->table.glances[index];
    struct proc_status status;
    struct proc_cgroup cgroup;
    enum outcome outcome = proc_status_read(head->proc_fd, process->id.pid, &status);
    head->status.reads[outcome]++;
    bool look = outcome == OUTCOME_OK && !tracked->unit_known;
    bool unit = look && proc_cgroup_read(head->proc_fd, process->id.pid, &cgroup) == OUTCOME_OK;
    if (!slow_same(head, index, now) || outcome != OUTCOME_OK)
        return;
    uint32_t before = process->cgroup;
    if (unit)
        cgroups_join(head->cgroups, &cgroup, process);
    glance->group_due |= process->cgroup != before;
    if (look)
        glance->group_due |= slow_unit(&head->table, process, unit ? &cgroup : NULL);
    /* The store keeps who may see its history. */
    tracked->identity_changed |= process->uid != status.uid;
    process->uid = status.uid;
    tracked->switches = (uint32_t)status.switches;
    proc_status_sample(&status, now, &process->sample);
    growth_put(&tracked->growth, glance->rss_bytes, now);
    tracked->slow_usec = now;
}

/* PID/stat, read last, says that it is another program now: all is read again at the next tick. */
static void slow_again(struct head *head, size_t index)
{
    head->table.tracked[index].unit_known = false;
    head->table.glances[index].slow_tick -= head->slow_turns;
}

void slow_pass(struct head *head, uint64_t now_usec)
{
    for (size_t i = 0; i < head->table.count; i++) {
        struct glance *glance = &head->table.glances[i];
        if (!glance->slow_due)
            continue;
        glance->slow_due = false;
        slow_one(head, i, now_usec);
        glance->stat_due = false;
        if (glance->slow_due)
            slow_again(head, i);
    }
}
