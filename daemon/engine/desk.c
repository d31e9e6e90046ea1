/* SPDX-License-Identifier: MIT */
/*
 * Where the commands of people arrive: each kind goes to the part that answers it. History goes
 * from the http thread straight to the reader; everything else is for the loop.
 */
#include "engine/head.h"

#include "base/clock.h"
#include "base/text.h"
#include "collect/proc_owner.h"
#include "engine/reply.h"

#include <stdlib.h>

static void desk_action(struct head *head, struct command *command)
{
    actions_order_person(head->actions, command);
}

static void desk_action_get(struct head *head, struct command *command)
{
    actions_get(head->actions, command);
}

static void desk_action_list(struct head *head, struct command *command)
{
    actions_list(head->actions, command);
}

static void desk_rule(struct head *head, struct command *command)
{
    rule_book_command(head->book, command);
}

static void desk_pause(struct head *head, struct command *command)
{
    pause_command(head->pause, head->book, command);
}

static void desk_event_add(struct head *head, struct command *command)
{
    command->events = calloc(1, sizeof(*command->events));
    if (!command->events) {
        command_refuse(command, COMMAND_UNAVAILABLE, "out of memory");
        reply_send(command);
        return;
    }
    command->event_count = 1;
    struct event *event = command->events;
    event->kind = command->event_kind;
    text_copy(event->text, sizeof(event->text), command->text ? command->text : "");
    text_copy(event->asked_by, sizeof(event->asked_by), command->asker.text);
    uint64_t sequence;
    if (journal_event(head->journal, event, &sequence) < 0) {
        command_refuse(command, COMMAND_UNAVAILABLE, "the store takes no records now");
        reply_send(command);
        return;
    }
    command->result = COMMAND_CREATED;
    journal_reply_when_durable(head->journal, command, sequence);
}

/* Those on disk are the reader's. */
static void desk_event_list(struct head *head, struct command *command)
{
    journal_list_events(head->journal, command);
    if (head->reader && store_reader_push(head->reader, command) == 0)
        return;
    command_refuse(command, COMMAND_UNAVAILABLE, "too many questions wait for the store");
    reply_send(command);
}

/* False, and answered: it is gone, or not the asker's. */
static bool desk_may(struct head *head, struct command *command)
{
    const struct process *process = table_find(&head->table, command->target.id);
    /* As it is now: the table may be seconds old. */
    if (process && (command->asker.all || proc_owner_check(head->proc_fd, process->id,
                                                           command->asker.uid) == PROC_OWNER_SAME))
        return true;
    if (process)
        command_refuse(command, COMMAND_FORBIDDEN, "that process belongs to another user");
    else
        command_refuse(command, COMMAND_NOT_FOUND, "there is no such process (any more)");
    reply_send(command);
    return false;
}

static void desk_agent(struct head *head, struct command *command)
{
    struct process_id id = command->target.id;
    if (!desk_may(head, command))
        return;
    command->agent = calloc(1, sizeof(*command->agent));
    if (!command->agent)
        command_refuse(command, COMMAND_UNAVAILABLE, "out of memory");
    else if (agent_server_report(head->agents, id, clock_mono_usec(), command->agent) < 0)
        command_refuse(command, COMMAND_NO_AGENT, "no in-process agent has told of it");
    reply_send(command);
}

static void desk_census(struct head *head, struct command *command)
{
    if (desk_may(head, command))
        censuses_order(&head->censuses, head->agents, command);
}

static void desk_diagnosis(struct head *head, struct command *command)
{
    if (desk_may(head, command))
        ledgers_take(head, command);
}

/* `reader`: http hands it over without a detour. `own`: people with rights on their own processes
 * only may ask it too. */
static const struct desk_route {
    void (*answer)(struct head *head, struct command *command);
    bool reader, own;
} desk_routes[] = {
    [COMMAND_ACTION] = {.answer = desk_action, .own = true},
    [COMMAND_ACTION_GET] = {.answer = desk_action_get, .own = true},
    [COMMAND_ACTION_LIST] = {.answer = desk_action_list, .own = true},
    [COMMAND_RULE_LIST] = {.answer = desk_rule},
    [COMMAND_RULE_GET] = {.answer = desk_rule},
    [COMMAND_RULE_PUT] = {.answer = desk_rule},
    [COMMAND_RULE_DELETE] = {.answer = desk_rule},
    [COMMAND_RULE_ARM] = {.answer = desk_rule},
    [COMMAND_RULE_DISARM] = {.answer = desk_rule},
    [COMMAND_PAUSE] = {.answer = desk_pause},
    [COMMAND_RESUME] = {.answer = desk_pause},
    [COMMAND_EVENT_ADD] = {.answer = desk_event_add},
    [COMMAND_EVENT_LIST] = {.answer = desk_event_list},
    [COMMAND_EVENT_WINDOW] = {.reader = true},
    [COMMAND_AUDIT_LIST] = {.reader = true},
    [COMMAND_SERIES] = {.reader = true, .own = true},
    [COMMAND_TOP] = {.reader = true, .own = true},
    [COMMAND_AGENT_GET] = {.answer = desk_agent, .own = true},
    [COMMAND_CENSUS] = {.answer = desk_census, .own = true},
    [COMMAND_DIAGNOSIS] = {.answer = desk_diagnosis, .own = true},
};

int desk_submit(void *context, struct command *command)
{
    struct head *head = context;
    const struct desk_route *route = &desk_routes[command->kind];
    if (!command->asker.all && !route->own) {
        command_refuse(command, COMMAND_FORBIDDEN, "not for uid %u: ask root or join memtend-admin",
                       (unsigned)command->asker.uid);
        reply_send(command);
        return 0;
    }
    if (!route->reader)
        return mailbox_push(&head->commands, command);
    if (head->reader)
        return store_reader_push(head->reader, command);
    command_refuse(command, COMMAND_UNAVAILABLE, "there is no store");
    reply_send(command);
    return 0;
}

int desk_on_commands(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    struct head *head = context;
    for (struct command *command = mailbox_pop(&head->commands); command;
         command = mailbox_pop(&head->commands))
        desk_routes[command->kind].answer(head, command);
    return 0;
}
