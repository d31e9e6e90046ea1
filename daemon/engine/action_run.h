/* SPDX-License-Identifier: MIT */
/*
 * One ladder in flight, joined to the agent, the measurements and a timer. Inner part of the
 * actions, which own it. Whatever comes in only changes state and arms the timer; the end is
 * reported from the timer alone, so that a run is never freed under somebody who still uses it.
 * Loop thread only.
 */
#ifndef MEMTEND_ENGINE_ACTION_RUN_H
#define MEMTEND_ENGINE_ACTION_RUN_H

#include "act/ladder.h"
#include "engine/actions.h"

struct action_run {
    struct action_run *next; /* of the actions */
    const struct actions_config *config;
    void *owner;
    void (*on_due)(struct action_run *run); /* finished, or waited long enough; may free it */

    struct ladder ladder;
    uid_t uid;                /* of the target */
    bool bound;               /* its steps are sent only while it is all of that uid */
    struct process_id family; /* of the target */
    struct command *command;  /* who waits for it; owned; NULL = nobody */
    uint64_t wake_usec;       /* call on_due then although it has not finished; UINT64_MAX = no */
    bool recorded;            /* its receipt is written; only the command is still waiting */
    uint64_t sequence;        /* of the written receipt; 0 = it could not be written */

    sd_event_source *timer;
    struct measurement *measurement; /* under way, or NULL */
    uint64_t measure_number, measure_usec;
    uint64_t step_number, step_request; /* 0 = none */
    enum step_kind step;
    int64_t objects_before; /* a collect will visit so many; -1 = unknown */
};

/* It begins when the loop turns. -ENOMEM or -errno of sd-event. */
int action_run_new(const struct actions_config *config, const struct ladder_order *order,
                   void (*on_due)(struct action_run *run), void *owner,
                   struct action_run **ret_run);
void action_run_free(struct action_run *run); /* not the command */

const struct receipt *action_run_receipt(const struct action_run *run);
/* Put the timer where the ladder, the measurement and wake_usec want it. */
void action_run_arm(struct action_run *run);

void action_run_on_answer(struct action_run *run, const struct run_answer *answer);
void action_run_on_stats(struct action_run *run);
void action_run_on_exit(struct action_run *run);

#endif
