/* SPDX-License-Identifier: MIT */
#include "engine/joints.h"

#include "base/text.h"
#include "rules/rules.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* --- what http asks for, on its thread --- */

static const struct snapshot *joints_snapshot_acquire(void *context, bool processes)
{
    struct head *head = context;
    return publication_acquire(&head->publication, processes);
}

static void joints_snapshot_release(void *context, const struct snapshot *snapshot)
{
    struct head *head = context;
    publication_release(&head->publication, snapshot);
}

static int joints_rules_check(void *context, const char *text, size_t length, struct error *errors,
                              size_t limit, size_t *ret_count)
{
    (void)context;
    struct rule_set *set = NULL;
    int r = rules_parse(text, length, &set, errors, limit, ret_count);
    rule_set_free(set);
    return r == -EINVAL ? 0 : r;
}

/* --- what joins the parts of the loop --- */

static void joints_on_step(void *context, struct process_id id, const struct run_answer *answer)
{
    struct head *head = context;
    if (head->actions)
        actions_on_step(head->actions, id, answer);
}

static void joints_on_census(void *context, struct process_id id, struct census *census)
{
    struct head *head = context;
    censuses_on_answer(&head->censuses, id, census);
}

static void joints_on_stats(void *context, struct process_id id)
{
    struct head *head = context;
    if (head->actions)
        actions_on_stats(head->actions, id);
    ledgers_on_stats(head, id);
}

static void joints_on_agent_event(void *context, enum event_kind kind, struct process_id id,
                                  const char *text)
{
    struct head *head = context;
    char target[PROCESS_ID_SIZE];
    process_id_format(id, target);
    journal_note(head->journal, kind, target, NULL, NULL, "%s", text);
    struct process *process = table_find(&head->table, id);
    if (process && kind == EVENT_KIND_EXEC)
        table_tracked(&head->table, process)->identity_usec = 0;
    if (process)
        table_tracked(&head->table, process)->said_exit =
            kind == EVENT_KIND_BYE && strcmp(text, "exit") == 0;
    if (kind == EVENT_KIND_HELLO)
        death_watch_want(head, id);
}

bool joints_paused(void *context, const char *rule)
{
    struct head *head = context;
    if (pause_is_on(head->pause, rule, NULL))
        return true;
    return rule[0] && !rule_book_is_armed(head->book, rule);
}

static enum order_refusal joints_order(void *context, const struct rule_order *order,
                                       char ret_receipt[static RECEIPT_ID_SIZE],
                                       struct error *error)
{
    struct head *head = context;
    return actions_order_rule(head->actions, order, ret_receipt, error);
}

static bool joints_is_own(void *context, const struct process *process)
{
    struct head *head = context;
    return process->id.pid == getpid() ||
           (head->probe && process->id.pid == probe_client_pid(head->probe));
}

/* Each is told to the store again with the next tick. */
static void joints_introduce_all(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        table->tracked[i].identity_changed = true;
}

static void joints_store_ack(struct head *head, const struct store_ack *ack)
{
    struct status *status = &head->status;
    if (ack->notice[0])
        journal_note(head->journal, EVENT_KIND_STORE, NULL, NULL, NULL, "%s", ack->notice);
    if (ack->forgot_processes)
        joints_introduce_all(&head->table);
    if (ack->state != status->store)
        journal_note(head->journal, EVENT_KIND_STORE, NULL, NULL, NULL, "%s",
                     ack->state == STORE_STATE_OK ? "the store works again" : ack->text);
    status->store = ack->state;
    status->store_size_bytes = ack->size_bytes;
    status->store_losses = ack->losses;
    text_copy(status->store_detail, sizeof(status->store_detail), ack->text);
    journal_on_durable(head->journal, ack->durable_sequence);
    if (head->actions)
        actions_on_durable(head->actions);
}

int joints_on_acks(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    struct head *head = context;
    struct store_ack ack;
    while (store_writer_ack_pop(head->writer, &ack))
        joints_store_ack(head, &ack);
    return 0;
}

/* --- the same as tables --- */

struct http_ops joints_http_ops(struct head *head)
{
    return (struct http_ops){.snapshot_acquire = joints_snapshot_acquire,
                             .snapshot_release = joints_snapshot_release,
                             .submit = desk_submit,
                             .rules_check = joints_rules_check,
                             .context = head};
}

struct agent_server_handler joints_agent_handler(struct head *head)
{
    return (struct agent_server_handler){.context = head,
                                         .on_step = joints_on_step,
                                         .on_census = joints_on_census,
                                         .on_stats = joints_on_stats,
                                         .on_event = joints_on_agent_event};
}

struct rule_book_ops joints_rule_ops(struct head *head)
{
    return (struct rule_book_ops){.order = joints_order, .is_own = joints_is_own, .context = head};
}
