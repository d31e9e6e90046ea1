/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "base/text.h"
#include "http/body.h"
#include "http/query.h"
#include "http/render.h"
#include "http/sheet.h"

#include <string.h>

static const char *const no_names[] = {NULL};

static bool rule_name_check(const char *name, struct reply *reply)
{
    if (text_is_name(name, RULE_NAME_LIMIT))
        return true;
    reply_problem(reply, 422, "bad_name",
                  "a rule's name has letters, digits, _ . - and at most %d of them",
                  RULE_NAME_LIMIT);
    return false;
}

/* A command for the rule in the path. */
static void rule_ask(struct request *request, struct reply *reply, enum command_kind kind)
{
    if (!query_check(request, no_names, reply) || !rule_name_check(request->parameter, reply))
        return;
    request->command = request_command(request, kind, reply);
    if (request->command)
        text_copy(request->command->name, sizeof(request->command->name), request->parameter);
}

static bool rule_is_writable(const struct request *request, struct reply *reply)
{
    if (request->site->rules_writable)
        return true;
    reply_problem(reply, 403, "forbidden", "this daemon takes rules from its files only");
    return false;
}

void api_rules_list(struct request *request, struct reply *reply)
{
    if (query_check(request, no_names, reply))
        request->command = request_command(request, COMMAND_RULE_LIST, reply);
}

void api_rules_get(struct request *request, struct reply *reply)
{
    rule_ask(request, reply, COMMAND_RULE_GET);
}

void api_rules_delete(struct request *request, struct reply *reply)
{
    if (rule_is_writable(request, reply))
        rule_ask(request, reply, COMMAND_RULE_DELETE);
}

/* A text that the command takes along. */
static void rule_take_text(struct request *request, struct reply *reply, const char *text)
{
    if (!request->command)
        return;
    request->command->text = strdup(text);
    if (!request->command->text)
        reply_no_memory(reply);
}

/* Nothing, {}, or {"sha256"}: that of the text the asker has seen; another one is refused. */
void api_rules_arm(struct request *request, struct reply *reply)
{
    static const char *const keys[] = {"sha256", NULL};
    const char *sha256 = NULL;
    json_t *body = body_object(request, keys, reply);
    if (body && body_text(body, "sha256", false, reply, &sha256)) {
        rule_ask(request, reply, COMMAND_RULE_ARM);
        if (sha256)
            rule_take_text(request, reply, sha256);
    }
    json_decref(body);
}

void api_rules_disarm(struct request *request, struct reply *reply)
{
    json_t *body = body_object(request, no_names, reply);
    if (body)
        rule_ask(request, reply, COMMAND_RULE_DISARM);
    json_decref(body);
}

/* {"text"} of PUT and check; the body is the caller's, the text borrowed from it. */
static json_t *rule_body(struct request *request, struct reply *reply, const char **ret_text)
{
    static const char *const keys[] = {"text", NULL};
    json_t *body = body_object(request, keys, reply);
    if (!body)
        return NULL;
    if (body_text(body, "text", true, reply, ret_text)) {
        if (**ret_text && strlen(*ret_text) <= RULE_TEXT_LIMIT)
            return body;
        reply_problem(reply, 422, "bad_body", "text must have 1 to %d bytes", RULE_TEXT_LIMIT);
    }
    json_decref(body);
    return NULL;
}

void api_rules_put(struct request *request, struct reply *reply)
{
    const char *text = NULL;
    if (!rule_is_writable(request, reply))
        return;
    json_t *body = rule_body(request, reply, &text);
    if (body) {
        rule_ask(request, reply, COMMAND_RULE_PUT);
        rule_take_text(request, reply, text);
    }
    json_decref(body);
}

void api_rules_check(struct request *request, struct reply *reply)
{
    struct error errors[HTTP_CHECK_ERRORS] = {0};
    size_t count = 0;
    const char *text;
    if (!query_check(request, no_names, reply))
        return;
    json_t *body = rule_body(request, reply, &text);
    if (!body)
        return;
    const struct http_ops *ops = &request->site->ops;
    int r = ops->rules_check(ops->context, text, strlen(text), errors, HTTP_CHECK_ERRORS, &count);
    json_decref(body);
    if (r < 0)
        reply_problem(reply, 503, "unavailable", "the rule could not be checked");
    else if (count > 0)
        reply_problem_at(reply, 422, "bad_rule", errors,
                         count < HTTP_CHECK_ERRORS ? count : HTTP_CHECK_ERRORS);
    else
        reply_json(reply, 200, json_pack("{s:b}", "valid", 1));
}

void api_rules_listed(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    struct list list;
    list_begin(&list, reply);
    for (size_t i = 0; i < command->rule_count; i++)
        list_item(&list, render_rule(&command->rules[i]));
    list_end(&list, command->next_cursor);
}

void api_rules_answer(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    if (command->rule_count == 0)
        reply->status = 204;
    else
        reply_json(reply, command->result == COMMAND_CREATED ? 201 : 200,
                   render_rule(&command->rules[0]));
}

void api_rules_deleted(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    (void)command;
    reply->status = 204;
}

static bool pause_read_seconds(const json_t *body, struct reply *reply, uint64_t *ret_usec)
{
    const json_t *value = json_object_get(body, "for_seconds");
    double seconds = json_number_value(value);
    if (value && (!json_is_number(value) || seconds <= 0 || seconds > HTTP_PAUSE_SECONDS)) {
        reply_problem(reply, 422, "bad_body", "for_seconds must be more than 0, at most %d",
                      HTTP_PAUSE_SECONDS);
        return false;
    }
    *ret_usec = (uint64_t)(seconds * (double)USEC_PER_SEC);
    /* 0 would mean "until resumed": the opposite of a very short pause. */
    if (value && *ret_usec == 0)
        *ret_usec = 1;
    return true;
}

static void pause_ask(struct request *request, struct reply *reply, enum command_kind kind,
                      const char *const *keys)
{
    const char *rule = "";
    uint64_t for_usec;
    if (!query_check(request, no_names, reply))
        return;
    json_t *body = body_object(request, keys, reply);
    if (body && pause_read_seconds(body, reply, &for_usec) &&
        body_text(body, "rule", false, reply, &rule) && (!*rule || rule_name_check(rule, reply))) {
        request->command = request_command(request, kind, reply);
        if (request->command) {
            request->command->for_usec = for_usec;
            text_copy(request->command->name, sizeof(request->command->name), rule);
        }
    }
    json_decref(body);
}

void api_pause(struct request *request, struct reply *reply)
{
    static const char *const keys[] = {"for_seconds", "rule", NULL};
    pause_ask(request, reply, COMMAND_PAUSE, keys);
}

void api_resume(struct request *request, struct reply *reply)
{
    static const char *const keys[] = {"rule", NULL};
    pause_ask(request, reply, COMMAND_RESUME, keys);
}

/* The event that says so, when there is one. */
void api_pause_answer(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    if (command->event_count == 0)
        reply->status = 204;
    else
        reply_json(reply, 200, render_event(&command->events[0]));
}
