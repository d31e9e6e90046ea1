/* SPDX-License-Identifier: MIT */
#include "http/request.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void request_init(struct request *request, struct site *site)
{
    *request = (struct request){.site = site};
    buffer_init(&request->body, HTTP_BODY_BYTES);
}

void request_finish(struct request *request)
{
    buffer_finish(&request->body);
    command_free(request->command);
    *request = (struct request){0};
}

struct command *request_command(struct request *request, enum command_kind kind,
                                struct reply *reply)
{
    struct command *command = command_new(kind);
    if (!command) {
        reply_no_memory(reply);
        return NULL;
    }
    command->asker = request->asker;
    command->deadline_usec = request->now_usec + request->site->answer_usec;
    return command;
}

bool request_has_snapshot(const struct request *request, struct reply *reply)
{
    if (request->snapshot)
        return true;
    reply_problem(reply, 503, "not_ready", "no tick is done yet, or the daemon is busy; try again");
    reply->retry_after_seconds = 1;
    return false;
}

bool request_may_see(const struct request *request, const struct process *process)
{
    return request->asker.all || process->uid == request->asker.uid;
}

const struct process *request_process(const struct request *request, struct reply *reply,
                                      struct target *ret_target)
{
    struct target target;
    struct error error = {0};
    if (!request_has_snapshot(request, reply))
        return NULL;
    if (target_parse(request->parameter, &target, &error) < 0 ||
        (target.kind != TARGET_PROCESS && target.kind != TARGET_PID)) {
        reply_problem(reply, 422, "bad_target", "a process is PID-START or pid:PID");
        return NULL;
    }
    const struct process *process = target.kind == TARGET_PID
                                        ? snapshot_find_pid(request->snapshot, target.id.pid)
                                        : snapshot_find(request->snapshot, target.id);
    if (!process) {
        reply_problem(reply, 404, "not_found", "there is no such process (any more)");
        return NULL;
    }
    if (!request_may_see(request, process)) {
        reply_problem(reply, 403, "forbidden", "that process belongs to another user");
        return NULL;
    }
    *ret_target = target;
    return process;
}

bool etag_matches(const char *list, const char *etag)
{
    return strcmp(list, "*") == 0 || strstr(list, etag) != NULL;
}

bool request_is_unchanged(const struct request *request, struct reply *reply)
{
    snprintf(reply->etag, sizeof(reply->etag), "\"%s-%" PRIu64 "\"", request->site->epoch,
             request->snapshot->tick);
    if (!request->if_none_match || !etag_matches(request->if_none_match, reply->etag))
        return false;
    reply->status = 304;
    return true;
}

static const struct {
    unsigned status;
    const char *slug, *detail;
} refusals[] = {
    [COMMAND_NOT_FOUND] = {404, "not_found", "there is no such thing (any more)"},
    [COMMAND_NO_AGENT] = {409, "no_agent",
                          "no in-process agent in it; start it with: memtend run -- CMD"},
    [COMMAND_CONFLICT] = {409, "conflict", "that cannot be done now"},
    [COMMAND_FORBIDDEN] = {403, "forbidden", "that is not yours to see or to touch"},
    [COMMAND_INVALID] = {422, "invalid", "the content is wrong"},
    [COMMAND_UNAVAILABLE] = {503, "unavailable", "that cannot be answered now; try again"},
};

void reply_refusal(struct reply *reply, const struct command *command)
{
    size_t result = (size_t)command->result;
    if (result >= sizeof(refusals) / sizeof(refusals[0]) || !refusals[result].slug)
        result = COMMAND_UNAVAILABLE;
    struct error error = command->error;
    if (!error.text[0])
        text_copy(error.text, sizeof(error.text), refusals[result].detail);
    /* Whoever reads a no_agent problem must find the way out in it. */
    if (result == COMMAND_NO_AGENT && !strstr(error.text, "memtend run"))
        snprintf(error.text, sizeof(error.text), "%.160s; start it with: memtend run -- CMD",
                 command->error.text);
    reply_problem_at(reply, refusals[result].status, refusals[result].slug, &error, 1);
    if (refusals[result].status == 503)
        reply->retry_after_seconds = 1;
}
