/* SPDX-License-Identifier: MIT */
/*
 * Which group each process belongs to, and what each group holds. A process is in one group at
 * most; the first that fits counts: named in the configuration, by `memtend run --name`, a worker
 * family, a container, a unit (that of a container is the container). Who forks without exec takes
 * the group of the one that began it.
 *
 * A family is one from the moment on that its master is known to be a server with workers, has
 * started a process by multiprocessing, has forked three processes one after another, or one that
 * did not call exec in 3 s: programs also fork to exec something else. It stays one until the
 * master ends or calls exec. So that no group counts a process that belongs elsewhere, a new
 * process is in none until it is known what it is: some ticks. What ends earlier is counted with
 * what was known.
 *
 * Loop thread only.
 */
#ifndef MEMTEND_ENGINE_GROUPS_H
#define MEMTEND_ENGINE_GROUPS_H

#include "config/config.h"
#include "engine/cgroups.h"
#include "engine/group_table.h"
#include "engine/table.h"
#include "model/snapshot.h"

struct groups_match; /* a section [Group NAME] with its compiled expression */

struct groups {
    struct group_table table;
    const struct cgroups *cgroups; /* borrowed; NULL: not known, so no containers */
    size_t match_count;
    struct groups_match *matches; /* owned */
    bool again;                   /* a master moved: decide anew for all */
    struct group_time time;       /* of the last tick */
    uint64_t counted_usec;        /* when all figures were counted, monotonic */
};

/* Borrows config. The groups that it names are there at once, without members. */
int groups_init(struct groups *groups, const struct config *config, const struct group_time *time);
void groups_finish(struct groups *groups);

/*
 * Once a tick, behind all that changes the table and its families. Looks at those that the glances
 * say are due, and at all others only now and then.
 */
void groups_on_tick(struct groups *groups, struct table *table, const struct group_time *time);
/* For readers: all figures as of the last tick. */
void groups_renew(struct groups *groups, struct table *table);
/* The snapshot has its control groups already. */
void groups_copy(const struct groups *groups, struct snapshot *snapshot);
/* Before a process leaves the table. */
void groups_on_remove(struct groups *groups, struct table *table, struct process *process,
                      const struct group_time *time);
/* Bytes of PID/cmdline and their redacted text, when they are new. */
void groups_on_identity(struct table *table, struct process *process, const char *bytes,
                        size_t length, const char *redacted);

#endif
