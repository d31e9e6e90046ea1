/* SPDX-License-Identifier: MIT */
/*
 * Who may order what: the checks before a ladder exists.
 */
#include "engine/actions_state.h"

#include "base/clock.h"
#include "base/text.h"
#include "collect/proc_owner.h"
#include "engine/reply.h"

#include <errno.h>
#include <stdio.h>

static bool collects(const enum step_kind *steps, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (steps[i] == STEP_COLLECT)
            return true;
    return false;
}

static bool run_collects(const struct action_run *run)
{
    const struct receipt *receipt = action_run_receipt(run);
    for (size_t i = 0; i < receipt->step_count; i++)
        if (receipt->steps[i].kind == STEP_COLLECT)
            return true;
    return false;
}

/* NULL, or the run that this order would get in the way of. */
static const struct action_run *find_conflict(const struct actions *actions,
                                              const struct order *order)
{
    bool collect = collects(order->steps, order->step_count);
    for (const struct action_run *run = actions->runs; run; run = run->next) {
        if (run->recorded)
            continue;
        if (process_id_equal(action_run_receipt(run)->target, order->target->id))
            return run;
        if (collect && run_collects(run) && process_id_equal(run->family, order->target->family))
            return run;
    }
    return NULL;
}

static enum order_refusal refuse_order(struct error *error, enum order_refusal refusal,
                                       const char *text)
{
    error_set(error, 0, "%s", text);
    return refusal;
}

/* What people and rules have in common. */
static enum order_refusal judge(const struct actions *actions, const struct order *order,
                                struct error *error)
{
    const char *protected_why = guard_protects(order->target);
    if (protected_why)
        return refuse_order(error, ORDER_PROTECTED, protected_why);
    if (!agent_server_has(actions->config.agents, order->target->id)) {
        const char *cmdline = process_cmdline(order->target);
        error_set(error, 0, "no agent in process %d (%s): start it with `memtend run -- %.120s`",
                  (int)order->target->id.pid, order->target->comm, *cmdline ? cmdline : "COMMAND");
        return ORDER_NO_AGENT;
    }
    const struct action_run *other = find_conflict(actions, order);
    if (other) {
        error_set(error, 0, "receipt %s is at work there", action_run_receipt(other)->id);
        return ORDER_BUSY;
    }
    if (actions->run_count >= ACTIONS_RUNNING_LIMIT)
        return refuse_order(error, ORDER_FULL, "too many actions are under way");
    return ORDER_ACCEPTED;
}

static enum order_refusal judge_rule(struct actions *actions, const struct order *order,
                                     struct error *error)
{
    const struct actions_config *config = &actions->config;
    enum order_refusal refusal = judge(actions, order, error);
    uint64_t now_usec = clock_mono_usec();
    if (refusal != ORDER_ACCEPTED)
        return refusal;
    if (now_usec < config->started_usec + config->grace_usec ||
        now_usec < order->target->first_seen_usec + config->grace_usec)
        return refuse_order(error, ORDER_GRACE, "memtend or the process was started just now");
    if (order->dry_run)
        return ORDER_ACCEPTED;
    if (config->paused(config->context, order->rule))
        return refuse_order(error, ORDER_PAUSED, "paused");
    if (journal_is_full(config->journal))
        return refuse_order(error, ORDER_FULL, "too many records wait for the store");
    if (!guard_rate_take(&actions->rate, order->step_count, now_usec))
        return refuse_order(error, ORDER_RATE, "rules have done enough steps in this minute");
    return ORDER_ACCEPTED;
}

enum order_refusal actions_order_rule(struct actions *actions, const struct rule_order *rule_order,
                                      char ret_receipt[static RECEIPT_ID_SIZE], struct error *error)
{
    char asked_by[RECEIPT_ASKER_SIZE];
    snprintf(asked_by, sizeof(asked_by), "rule %.*s", RECEIPT_ASKER_SIZE - 6, rule_order->rule);
    const struct order order = {
        .target = table_find(actions->config.table, rule_order->target),
        .rule = rule_order->rule,
        .asked_by = asked_by,
        .steps = rule_order->steps,
        .step_count = rule_order->step_count,
        .pause_budget_usec = rule_order->pause_budget_usec,
        .dry_run = rule_order->dry_run,
    };
    if (!order.target)
        return refuse_order(error, ORDER_GONE, "the process has ended");
    enum order_refusal refusal = judge_rule(actions, &order, error);
    if (refusal != ORDER_ACCEPTED)
        return refusal;
    struct action_run *run;
    if (actions_start(actions, &order, &run) < 0)
        return refuse_order(error, ORDER_FULL, "out of memory or of timers");
    text_copy(ret_receipt, RECEIPT_ID_SIZE, action_run_receipt(run)->id);
    return ORDER_ACCEPTED;
}

static enum command_result result_of(enum order_refusal refusal)
{
    switch (refusal) {
    case ORDER_GONE:
        return COMMAND_NOT_FOUND;
    case ORDER_PROTECTED:
        return COMMAND_FORBIDDEN;
    case ORDER_NO_AGENT:
        return COMMAND_NO_AGENT;
    case ORDER_FULL:
        return COMMAND_UNAVAILABLE;
    default:
        return COMMAND_CONFLICT;
    }
}

/* Nothing is done yet when this says no. */
static enum command_result judge_person(const struct actions *actions,
                                        const struct command *command, struct order *ret_order,
                                        struct error *error)
{
    const struct process *target;
    if (command->step_count < 1 || command->step_count > STEP_LIMIT) {
        error_set(error, 0, "between 1 and %d steps", STEP_LIMIT);
        return COMMAND_INVALID;
    }
    int r = guard_resolve(actions->config.table, actions->config.groups, &command->target, &target,
                          error);
    if (r < 0)
        return r == -ENOENT ? COMMAND_NOT_FOUND : COMMAND_INVALID;
    /* As it is now: the table may be seconds old. */
    if (!command->asker.all && proc_owner_check(actions->config.proc_fd, target->id,
                                                command->asker.uid) != PROC_OWNER_SAME) {
        error_set(error, 0, "process %d belongs to another uid", (int)target->id.pid);
        return COMMAND_FORBIDDEN;
    }
    *ret_order = (struct order){
        .target = target,
        .rule = "",
        .asked_by = command->asker.text,
        .steps = command->steps,
        .step_count = command->step_count,
        .dry_run = command->dry_run,
        .bound = !command->asker.all,
        .uid = command->asker.uid,
    };
    enum order_refusal refusal = judge(actions, ret_order, error);
    return refusal == ORDER_ACCEPTED ? COMMAND_OK : result_of(refusal);
}

void actions_order_person(struct actions *actions, struct command *command)
{
    struct order order;
    struct error error = {0};
    struct action_run *run;
    enum command_result result = judge_person(actions, command, &order, &error);
    if (result == COMMAND_OK && actions_start(actions, &order, &run) < 0) {
        result = COMMAND_UNAVAILABLE;
        error_set(&error, 0, "out of memory or of timers");
    }
    if (result != COMMAND_OK) {
        command_refuse(command, result, "%s", error.text);
        reply_send(command);
        return;
    }
    if (command->wait_until_usec == 0) {
        actions_reply(command, COMMAND_RUNNING, action_run_receipt(run));
        return;
    }
    run->command = command;
    run->wake_usec = command->wait_until_usec;
    action_run_arm(run);
}
