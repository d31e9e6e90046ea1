/* SPDX-License-Identifier: MIT */
#include "engine/actions.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "engine/actions_state.h"
#include "engine/reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ACTIONS_RATE 30
/* A person waits this much longer for the receipt to be on disk. */
#define ACTIONS_DURABLE_USEC USEC_PER_SEC

/* ---- the end of a ladder ---- */

void actions_reply(struct command *command, enum command_result result,
                   const struct receipt *receipt)
{
    command->receipts = malloc(sizeof(*receipt));
    if (!command->receipts) {
        command_refuse(command, COMMAND_UNAVAILABLE, "out of memory");
    } else {
        command->result = result;
        command->receipt_count = 1;
        command->receipts[0] = *receipt;
    }
    reply_send(command);
}

static void list_steps(const struct receipt *receipt, char *ret_text, size_t size)
{
    size_t length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < receipt->step_count && length < size; i++)
        length += (size_t)snprintf(ret_text + length, size - length, "%s%s", i > 0 ? ", " : "",
                                   step_info(receipt->steps[i].kind)->name);
}

static void fill_event(const struct receipt *receipt, enum event_kind kind, struct event *ret_event)
{
    *ret_event = (struct event){.kind = kind};
    process_id_format(receipt->target, ret_event->target);
    text_copy(ret_event->rule, sizeof(ret_event->rule), receipt->rule);
    text_copy(ret_event->receipt, sizeof(ret_event->receipt), receipt->id);
    text_copy(ret_event->asked_by, sizeof(ret_event->asked_by), receipt->asked_by);
}

static void note_finish(struct actions *actions, const struct receipt *receipt)
{
    struct event event;
    char steps[128], freed[TEXT_BYTES_SIZE];
    fill_event(receipt, EVENT_KIND_RECEIPT, &event);
    list_steps(receipt, steps, sizeof(steps));
    text_format_bytes(receipt->freed_bytes, freed);
    snprintf(event.text, sizeof(event.text), "%.60s in %s: %s, %s%s%.90s", steps, receipt->comm,
             receipt_outcome_name(receipt->outcome), freed, receipt->note[0] ? "; " : "",
             receipt->note);
    journal_event(actions->config.journal, &event, NULL);
}

static void record(struct actions *actions, struct action_run *run)
{
    const struct receipt *receipt = action_run_receipt(run);
    struct receipt stored = *receipt;
    /* Whoever reads it from the store reads it from disk. */
    stored.durable = true;
    note_finish(actions, receipt);
    if (journal_receipt(actions->config.journal, &stored, &run->sequence) < 0)
        run->sequence = 0;
    run->recorded = true;
    receipt_book_add(actions->recent, receipt, run->uid, run->sequence);
    actions->run_count--;
    struct backoff *backoff = agent_server_backoff(actions->config.agents, receipt->target);
    if (backoff)
        backoff_learn(backoff, receipt, clock_mono_usec());
    if (receipt->outcome != RECEIPT_OUTCOME_DRY_RUN) {
        actions->total++;
        actions->freed_bytes += receipt->freed_bytes;
    }
    if (actions->config.on_finished)
        actions->config.on_finished(actions->config.context, receipt);
}

static bool is_durable(const struct actions *actions, const struct action_run *run)
{
    return run->sequence && run->sequence <= journal_durable_sequence(actions->config.journal);
}

static void remove_run(struct actions *actions, struct action_run *run)
{
    struct action_run **link = &actions->runs;
    while (*link != run)
        link = &(*link)->next;
    *link = run->next;
    action_run_free(run);
}

static void answer_and_remove(struct actions *actions, struct action_run *run)
{
    struct command *command = STEAL(run->command);
    if (command) {
        struct receipt receipt = *action_run_receipt(run);
        receipt.durable = is_durable(actions, run);
        actions_reply(command, COMMAND_OK, &receipt);
    }
    remove_run(actions, run);
}

/* The ladder has finished, or who waits for it has waited long enough. */
static void on_due(struct action_run *run)
{
    struct actions *actions = run->owner;
    uint64_t now_usec = clock_mono_usec();
    if (!ladder_is_finished(&run->ladder)) {
        run->wake_usec = UINT64_MAX;
        if (run->command)
            actions_reply(STEAL(run->command), COMMAND_RUNNING, action_run_receipt(run));
        action_run_arm(run);
        return;
    }
    if (!run->recorded) {
        record(actions, run);
        /* Who asked is told as soon as it is on disk; later than promised nobody waits. */
        uint64_t promised_usec = run->command ? run->command->wait_until_usec : 0;
        run->wake_usec = now_usec + ACTIONS_DURABLE_USEC;
        if (promised_usec < run->wake_usec)
            run->wake_usec = promised_usec > now_usec ? promised_usec : now_usec;
    }
    bool waits = run->command && run->sequence && !is_durable(actions, run);
    if (waits && now_usec < run->wake_usec)
        action_run_arm(run);
    else
        answer_and_remove(actions, run);
}

void actions_on_durable(struct actions *actions)
{
    for (struct action_run *run = actions->runs, *next; run; run = next) {
        next = run->next;
        if (run->recorded && is_durable(actions, run))
            answer_and_remove(actions, run);
    }
}

/* ---- the begin of a ladder ---- */

/* Unique for ever: the time, and chance for two in the same microsecond or after a clock set back.
 */
static int make_id(uint64_t wall_usec, char ret_id[static RECEIPT_ID_SIZE])
{
    char chance[2 * 4 + 1];
    int r = digest_random_hex(4, chance);
    if (r == 0)
        snprintf(ret_id, RECEIPT_ID_SIZE, "%" PRIx64 "-%s", wall_usec, chance);
    return r;
}

static int make_ladder_order(const struct order *order, struct ladder_order *ret_order)
{
    const struct process *target = order->target;
    *ret_order = (struct ladder_order){
        .receipt = {.target = target->id,
                    .wall_usec = clock_wall_usec(),
                    .mono_usec = clock_mono_usec(),
                    .family_size = target->family_size,
                    .step_count = order->step_count},
        .pause_budget_usec = order->pause_budget_usec,
        .dry_run = order->dry_run,
    };
    struct receipt *receipt = &ret_order->receipt;
    text_copy(receipt->comm, sizeof(receipt->comm), target->comm);
    text_copy(receipt->rule, sizeof(receipt->rule), order->rule);
    text_copy(receipt->asked_by, sizeof(receipt->asked_by), order->asked_by);
    for (size_t i = 0; i < order->step_count; i++)
        receipt->steps[i].kind = order->steps[i];
    return make_id(receipt->wall_usec, receipt->id);
}

/* The audit row is on its way before anything is sent to the process. */
static void note_start(struct actions *actions, const struct receipt *receipt)
{
    struct event event;
    char steps[128];
    list_steps(receipt, steps, sizeof(steps));
    fill_event(receipt, receipt->rule[0] ? EVENT_KIND_RULE_FIRED : EVENT_KIND_RECEIPT, &event);
    snprintf(event.text, sizeof(event.text), "%.120s in %s: started", steps, receipt->comm);
    journal_event(actions->config.journal, &event, NULL);
}

int actions_start(struct actions *actions, const struct order *order, struct action_run **ret_run)
{
    struct ladder_order ladder_order;
    struct action_run *run;
    int r = make_ladder_order(order, &ladder_order);
    if (r < 0)
        return r;
    r = action_run_new(&actions->config, &ladder_order, on_due, actions, &run);
    if (r < 0)
        return r;
    run->bound = order->bound;
    run->uid = order->bound ? order->uid : order->target->uid;
    run->family = order->target->family;
    run->next = actions->runs;
    actions->runs = run;
    actions->run_count++;
    if (!order->dry_run)
        note_start(actions, action_run_receipt(run));
    *ret_run = run;
    return 0;
}

/* ---- inputs ---- */

static struct action_run *find_run(const struct actions *actions, struct process_id target)
{
    for (struct action_run *run = actions->runs; run; run = run->next)
        if (!run->recorded && process_id_equal(action_run_receipt(run)->target, target))
            return run;
    return NULL;
}

void actions_on_step(struct actions *actions, struct process_id id, const struct run_answer *answer)
{
    struct action_run *run = find_run(actions, id);
    if (run)
        action_run_on_answer(run, answer);
}

void actions_on_stats(struct actions *actions, struct process_id id)
{
    struct action_run *run = find_run(actions, id);
    if (run)
        action_run_on_stats(run);
}

void actions_on_exit(struct actions *actions, struct process_id id)
{
    struct action_run *run = find_run(actions, id);
    if (run)
        action_run_on_exit(run);
}

void actions_fill_status(const struct actions *actions, struct status *status)
{
    status->actions_total = actions->total;
    status->freed_bytes_total = actions->freed_bytes;
}

/* ---- life ---- */

int actions_new(const struct actions_config *config, struct actions **ret_actions)
{
    struct actions *actions = calloc(1, sizeof(*actions));
    if (!actions)
        return -ENOMEM;
    actions->config = *config;
    uint32_t rate = config->steps_per_minute ? config->steps_per_minute : ACTIONS_RATE;
    int r = guard_rate_init(&actions->rate, rate < ACTIONS_RATE_LIMIT ? rate : ACTIONS_RATE_LIMIT);
    if (r == 0)
        r = receipt_book_new(ACTIONS_RECENT, &actions->recent);
    if (r < 0) {
        actions_free(actions);
        return r;
    }
    *ret_actions = actions;
    return 0;
}

void actions_free(struct actions *actions)
{
    if (!actions)
        return;
    while (actions->runs) {
        struct action_run *run = actions->runs;
        ladder_stop(&run->ladder, "memtend was stopped meanwhile", clock_mono_usec());
        if (!run->recorded)
            record(actions, run);
        answer_and_remove(actions, run);
    }
    guard_rate_finish(&actions->rate);
    receipt_book_free(actions->recent);
    free(actions);
}
