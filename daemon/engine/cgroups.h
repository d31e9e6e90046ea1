/* SPDX-License-Identifier: MIT */
/*
 * The control groups that watched processes live in, and the groups above them: a table of at most
 * CGROUP_TABLE_LIMIT, mapped once. A group stays at its place as long as it is there, so a process
 * keeps the number of its group and the snapshot shows the table as it is, free places included.
 *
 * What it costs: 38 us for a group every 5 s (open, read and close of five files), 25 us more every
 * 30 s (five more), at most CGROUPS_READS groups in a tick: 0.09 % of a core for 1,000 processes in
 * 100 groups. With more groups than that the turns take longer. Kept descriptors would cost a
 * quarter of it, and 25 KiB of kernel memory for each group. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_CGROUPS_H
#define MEMTEND_ENGINE_CGROUPS_H

#include "collect/cgroup_mount.h"
#include "collect/proc_cgroup.h"
#include "engine/table.h"
#include "model/snapshot.h"

#define CGROUPS_READS 64 /* groups in one tick */

struct cgroups;

/* directory "" = where /proc/self/mountinfo says. -EINVAL: it is none. 0 or -errno. */
int cgroups_new(const char *directory, uint64_t tick_usec, struct cgroups **ret_cgroups);
void cgroups_free(struct cgroups *cgroups);

/* Where a process lives, as read now. process->cgroup is set, or 0 when it has no place here. */
void cgroups_join(struct cgroups *cgroups, const struct proc_cgroup *place,
                  struct process *process);
/* It ends. */
void cgroups_leave(struct cgroups *cgroups, struct process *process);

/*
 * Once a tick, after the passes: reads what is due, works out limits, lets groups without processes
 * go. Some processes of the table are marked for another look at where they live.
 */
void cgroups_on_tick(struct cgroups *cgroups, struct table *table, const struct sample *host,
                     uint64_t tick, uint64_t now_usec);
/* Before rules or readers look at the table: limit and headroom of every process. */
void cgroups_renew(struct cgroups *cgroups, struct table *table);

/* Copy for those who read; the snapshot has room for CGROUP_TABLE_LIMIT. */
void cgroups_publish(const struct cgroups *cgroups, struct snapshot *snapshot);

/*
 * Told from cgroups_on_tick() when a group counts more OOM kills than `since_usec`, when it was
 * read before: those of its own processes, or (below) of those in the groups below it as well.
 */
typedef void (*cgroups_kills)(void *context, const struct cgroup *group, bool below, int64_t rise,
                              uint64_t since_usec);
void cgroups_tell_kills(struct cgroups *cgroups, cgroups_kills tell, void *context);

enum cgroup_kind cgroups_kind(const struct cgroups *cgroups);
/* In use, groups above others included. */
size_t cgroups_count(const struct cgroups *cgroups);
/* NULL: that process's group is not known. */
const struct cgroup *cgroups_of(const struct cgroups *cgroups, const struct process *process);
/* Processes could not be given their group: the table is full. */
bool cgroups_is_full(const struct cgroups *cgroups);

#endif
