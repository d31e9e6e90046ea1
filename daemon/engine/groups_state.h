/* SPDX-License-Identifier: MIT */
/*
 * What the parts of engine/groups share: groups.c (life and inputs), groups_decide.c (who belongs
 * where), groups_count.c (figures). Nobody else includes it. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_GROUPS_STATE_H
#define MEMTEND_ENGINE_GROUPS_STATE_H

#include "engine/groups.h"

struct groups_match {
    const struct config_group *config;
    regex_t regex; /* when config->cmdline is not "" */
    uint32_t place;
};

/* A process and what the loop knows beside it. */
struct subject {
    struct process *process;
    struct tracked *tracked;
};

/* What is needed to decide. */
struct groups_round {
    struct groups *groups;
    struct table *table;
    const struct group_time *time;
    bool last; /* the process leaves: nothing more will become known of it */
};

/* Something is known that was not when its group was decided. */
bool groups_is_due(const struct process *process, const struct tracked *tracked);
/* The group that fits, if enough is known; may move its root too. */
void groups_decide(const struct groups_round *round, struct subject subject);
/* What it would leave behind in its group. */
struct group_member groups_member(struct subject subject);

/* Of a process that is seen for the first time: what it would begin with as a worker. */
void groups_first_sight(const struct table *table, struct subject subject,
                        const struct group_time *time);
/* The figures of all groups, as far as they are due. */
void groups_count(struct groups *groups, struct table *table);

#endif
