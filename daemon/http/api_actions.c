/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "base/text.h"
#include "http/body.h"
#include "http/query.h"
#include "http/render.h"
#include "http/sheet.h"

#include <stdio.h>
#include <string.h>

static bool action_read_steps(const json_t *body, struct reply *reply, struct command *command)
{
    const json_t *steps = json_object_get(body, "steps");
    size_t count = json_array_size(steps);
    if (!json_is_array(steps) || count < 1 || count > STEP_LIMIT) {
        reply_problem(reply, 422, "bad_body", "steps must be a list of 1 to %d steps", STEP_LIMIT);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(steps, i));
        if (!name || step_find(name, &command->steps[i]) < 0) {
            reply_problem(reply, 422, "bad_body",
                          "%.64s is not a step; use hooks, collect, trim or freeze",
                          name ? name : "that");
            return false;
        }
    }
    command->step_count = count;
    return true;
}

/* Whether the asker may act on the target, as far as the newest tick knows. */
static bool action_is_allowed(const struct request *request, const struct target *target,
                              struct reply *reply)
{
    if (request->asker.all)
        return true;
    bool process = target->kind == TARGET_PROCESS || target->kind == TARGET_PID;
    const struct process *found =
        process ? snapshot_find_pid(request->snapshot, target->id.pid) : NULL;
    if (process && (!found || request_may_see(request, found)))
        return true;
    reply_problem(reply, 403, "forbidden", "that belongs to another user");
    return false;
}

static bool action_read(const struct request *request, const json_t *body, struct reply *reply,
                        struct command *command)
{
    const char *text;
    struct error error = {0};
    if (!body_text(body, "target", true, reply, &text) ||
        !body_bool(body, "dry_run", false, reply, &command->dry_run))
        return false;
    if (target_parse(text, &command->target, &error) < 0) {
        reply_problem(reply, 422, "bad_target", "%s", error.text);
        return false;
    }
    return action_read_steps(body, reply, command) &&
           action_is_allowed(request, &command->target, reply);
}

void api_actions_post(struct request *request, struct reply *reply)
{
    static const char *const names[] = {"wait", NULL};
    static const char *const keys[] = {"target", "steps", "dry_run", NULL};
    uint64_t wait_usec;
    if (!query_check(request, names, reply) || !query_wait(request, reply, &wait_usec) ||
        !request_has_snapshot(request, reply))
        return;
    json_t *body = body_object(request, keys, reply);
    struct command *command = body ? request_command(request, COMMAND_ACTION, reply) : NULL;
    request->command = command;
    if (command && action_read(request, body, reply, command) && wait_usec > 0) {
        command->wait_until_usec = request->now_usec + wait_usec;
        command->deadline_usec += wait_usec;
    }
    json_decref(body);
}

void api_actions_get(struct request *request, struct reply *reply)
{
    static const char *const names[] = {NULL};
    if (!query_check(request, names, reply))
        return;
    /* A receipt's id is [a-z0-9-]+: what is longer or other cannot exist. */
    if (strlen(request->parameter) >= RECEIPT_ID_SIZE ||
        !query_is_cursor(request->parameter, RECEIPT_ID_SIZE)) {
        reply_problem(reply, 404, "not_found", "there is no such receipt");
        return;
    }
    request->command = request_command(request, COMMAND_ACTION_GET, reply);
    if (request->command)
        text_copy(request->command->name, sizeof(request->command->name), request->parameter);
}

/* 200 with the receipt whatever its outcome; 202 while it runs. */
void api_actions_answer(struct request *request, const struct command *command, struct reply *reply)
{
    if (command->receipt_count == 0) {
        reply_problem(reply, 500, "internal", "the answer has no receipt");
        return;
    }
    const struct receipt *receipt = &command->receipts[0];
    bool asked = command->kind == COMMAND_ACTION;
    unsigned status = asked && command->result == COMMAND_RUNNING ? 202 : 200;
    (void)request;
    reply_json(reply, status, render_receipt(receipt));
    if (asked)
        snprintf(reply->location, sizeof(reply->location), "/api/v1/actions/%s", receipt->id);
}

void api_actions_list(struct request *request, struct reply *reply)
{
    static const char *const names[] = {"limit", "cursor", NULL};
    struct command *command = request_command(request, COMMAND_ACTION_LIST, reply);
    request->command = command;
    if (command && query_check(request, names, reply) &&
        query_limit(request, reply, &command->limit))
        query_cursor(request, reply, sizeof(command->cursor), command->cursor);
}

void api_actions_listed(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    struct list list;
    list_begin(&list, reply);
    for (size_t i = 0; i < command->receipt_count; i++)
        list_item(&list, render_receipt(&command->receipts[i]));
    list_end(&list, command->next_cursor);
}
