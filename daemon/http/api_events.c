/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "base/text.h"
#include "http/body.h"
#include "http/query.h"
#include "http/render.h"
#include "http/sheet.h"

#include <string.h>

static void events_ask(struct request *request, struct reply *reply, enum command_kind kind)
{
    static const char *const names[] = {"from", "kind", "limit", "cursor", NULL};
    struct command *command = request_command(request, kind, reply);
    if (!command)
        return;
    request->command = command;
    const char *event_kind = NULL;
    bool good = query_check(request, names, reply) &&
                query_limit(request, reply, &command->limit) &&
                query_cursor(request, reply, sizeof(command->cursor), command->cursor) &&
                query_time(request, "from", clock_wall_usec(), 0, reply, &command->from_wall_usec);
    if (good)
        event_kind = query_text(request, "kind");
    command->has_event_kind = event_kind != NULL;
    if (event_kind && event_kind_find(event_kind, &command->event_kind) < 0)
        reply_problem(reply, 422, "bad_query", "%.64s is not a kind of event", event_kind);
}

void api_events_list(struct request *request, struct reply *reply)
{
    events_ask(request, reply, COMMAND_EVENT_LIST);
}

void api_audit_list(struct request *request, struct reply *reply)
{
    events_ask(request, reply, COMMAND_AUDIT_LIST);
}

void api_events_answer(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    struct list list;
    list_begin(&list, reply);
    for (size_t i = 0; i < command->event_count; i++)
        list_item(&list, render_event(&command->events[i]));
    list_end(&list, command->next_cursor);
}

static bool event_body_read(const json_t *body, struct reply *reply, const char **ret_text)
{
    const char *kind, *text;
    if (!body_text(body, "kind", true, reply, &kind) ||
        !body_text(body, "text", true, reply, &text))
        return false;
    const char *wrong = NULL;
    if (strcmp(kind, event_kind_name(EVENT_KIND_DEPLOY)) != 0)
        wrong = "kind must be deploy: every other event is memtend's own";
    else if (!*text || strlen(text) >= EVENT_TEXT_SIZE || !text_is_clean(text))
        wrong = "text must be one line of 1 to 255 bytes without control characters";
    if (wrong)
        reply_problem(reply, 422, "bad_body", "%s", wrong);
    *ret_text = text;
    return !wrong;
}

void api_events_post(struct request *request, struct reply *reply)
{
    static const char *const keys[] = {"kind", "text", NULL};
    static const char *const names[] = {NULL};
    const char *text;
    if (!query_check(request, names, reply))
        return;
    json_t *body = body_object(request, keys, reply);
    if (body && event_body_read(body, reply, &text)) {
        request->command = request_command(request, COMMAND_EVENT_ADD, reply);
        if (request->command) {
            request->command->event_kind = EVENT_KIND_DEPLOY;
            request->command->text = strdup(text);
            if (!request->command->text)
                reply_no_memory(reply);
        }
    }
    json_decref(body);
}

void api_events_added(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    if (command->event_count > 0)
        reply_json(reply, 201, render_event(&command->events[0]));
    else
        reply->status = 204;
}

void api_events_window(struct request *request, struct reply *reply)
{
    static const char *const names[] = {NULL};
    int64_t id;
    if (!query_check(request, names, reply))
        return;
    if (text_parse_i64(request->parameter, &id) < 0 || id <= 0) {
        reply_problem(reply, 404, "not_found", "there is no event %.64s", request->parameter);
        return;
    }
    request->command = request_command(request, COMMAND_EVENT_WINDOW, reply);
    if (request->command)
        request->command->event_id = id;
}

/* Process by process: all samples at once would be megabytes of heap. */
void api_events_windowed(struct request *request, const struct command *command,
                         struct reply *reply)
{
    (void)request;
    const struct event_window *window = command->window;
    struct buffer *body = &reply->body;
    char from[CLOCK_RFC3339_SIZE], to[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(window->from_wall_usec, from);
    clock_format_rfc3339(window->to_wall_usec, to);
    json_t *event = render_event(&window->event);
    reply->status = 200;
    reply->content_type = "application/json";
    int r = buffer_append_text(body, "{\"event\":");
    r |= sheet_dump(body, event);
    json_decref(event);
    if (window->count > 0) {
        r |= buffer_append_text(body, ",\"from\":\"");
        r |= buffer_append_text(body, from);
        r |= buffer_append_text(body, "\",\"to\":\"");
        r |= buffer_append_text(body, to);
        r |= buffer_append_text(body, "\"");
    }
    r |= buffer_append_text(body, ",\"items\":[");
    for (size_t i = 0; i < window->count && r == 0; i++) {
        json_t *process = render_pinned_process(&window->processes[i]);
        if (i > 0)
            r |= buffer_append_text(body, ",");
        r |= sheet_dump(body, process);
        json_decref(process);
    }
    r |= buffer_append_text(body, "]}");
    if (r != 0)
        reply_no_memory(reply);
}
