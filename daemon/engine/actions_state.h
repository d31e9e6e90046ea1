/* SPDX-License-Identifier: MIT */
/*
 * Inner part of the actions: what actions.c (life and end of ladders), action_orders.c (who may
 * order what) and action_lookup.c (receipts for people) share. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_ACTIONS_STATE_H
#define MEMTEND_ENGINE_ACTIONS_STATE_H

#include "engine/action_guard.h"
#include "engine/action_run.h"
#include "engine/receipt_book.h"

struct actions {
    struct actions_config config;
    struct action_run *runs; /* newest first; those that are `recorded` only wait for the disk */
    size_t run_count;        /* not recorded */
    struct guard_rate rate;
    struct receipt_book *recent;
    uint64_t total;
    int64_t freed_bytes;
};

struct order {
    const struct process *target;
    const char *rule; /* "" = a person */
    const char *asked_by;
    const enum step_kind *steps;
    size_t step_count;
    uint64_t pause_budget_usec;
    bool dry_run;
    bool bound; /* only while the target is all of `uid` */
    uid_t uid;
};

/* Begin it; the audit event is queued. -errno. */
int actions_start(struct actions *actions, const struct order *order, struct action_run **ret_run);
/* Answer the command with this receipt. Takes the command. */
void actions_reply(struct command *command, enum command_result result,
                   const struct receipt *receipt);

#endif
