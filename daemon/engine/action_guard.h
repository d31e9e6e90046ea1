/* SPDX-License-Identifier: MIT */
/*
 * What is never acted upon, and how often rules may act. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_ACTION_GUARD_H
#define MEMTEND_ENGINE_ACTION_GUARD_H

#include "engine/group_table.h"
#include "engine/table.h"
#include "model/target.h"

/* NULL, or why no one may act upon it: a text for people. No configuration overrides it. */
const char *guard_protects(const struct process *process);

/* The times of the last steps that rules have ordered. */
struct guard_rate {
    uint64_t *times_usec; /* ring of `limit`; 0 = never */
    size_t limit, next;
};

int guard_rate_init(struct guard_rate *rate, size_t limit); /* -ENOMEM */
void guard_rate_finish(struct guard_rate *rate);
/* Take so many steps of the minute, or none: false. */
bool guard_rate_take(struct guard_rate *rate, size_t steps, uint64_t now_usec);

/*
 * The one process that a target means. -EINVAL: not one process, -ENOENT: none; error says so.
 * group: one of `groups` (NULL: there are none), else a name given by `memtend run --name`, or a
 * comm.
 */
int guard_resolve(const struct table *table, const struct group_table *groups,
                  const struct target *target, const struct process **ret_process,
                  struct error *error);

#endif
