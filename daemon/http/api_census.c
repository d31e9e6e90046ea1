/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "base/text.h"
#include "http/query.h"
#include "http/sheet.h"

static bool census_read_mode(const struct request *request, struct reply *reply,
                             enum census_mode *ret_mode)
{
    const char *text = query_text(request, "mode");
    *ret_mode = CENSUS_ROOTS;
    if (!text || census_mode_find(text, ret_mode) == 0)
        return true;
    reply_problem(reply, 422, "bad_query", "mode must be roots, suspects or full; not %.64s", text);
    return false;
}

static bool census_read_number(const struct request *request, const char *name, uint64_t most,
                               uint64_t fallback, struct reply *reply, uint64_t *ret_number)
{
    const char *text = query_text(request, name);
    *ret_number = fallback;
    if (!text || (text_parse_u64(text, ret_number) == 0 && *ret_number >= 1 && *ret_number <= most))
        return true;
    reply_problem(reply, 422, "bad_query", "%s must be 1 to %llu", name, (unsigned long long)most);
    return false;
}

void api_census_get(struct request *request, struct reply *reply)
{
    static const char *const names[] = {"mode", "top", "max_objects", NULL};
    struct census_question question;
    struct target target;
    uint64_t top;
    if (!query_check(request, names, reply) || !census_read_mode(request, reply, &question.mode) ||
        !census_read_number(request, "top", CENSUS_FINDINGS, CENSUS_TOP_DEFAULT, reply, &top) ||
        !census_read_number(request, "max_objects", INT64_MAX, CENSUS_OBJECTS_DEFAULT, reply,
                            &question.max_objects))
        return;
    const struct process *process = request_process(request, reply, &target);
    if (!process)
        return;
    request->command = request_command(request, COMMAND_CENSUS, reply);
    if (!request->command)
        return;
    question.top = (size_t)top;
    request->command->census_question = question;
    request->command->target = (struct target){.kind = TARGET_PROCESS, .id = process->id};
    request->command->deadline_usec += HTTP_CENSUS_USEC;
}

static json_t *census_holders(const struct census_finding *finding)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < finding->holder_count; i++) {
        if (json_array_append_new(list, sheet_string(finding->holders[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static void census_number(struct sheet *sheet, const char *key, int64_t value)
{
    if (value >= 0)
        sheet_integer(sheet, key, value);
}

static json_t *census_finding(const struct census_finding *finding)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "kind", census_kind_name(finding->kind));
    if (finding->kind != CENSUS_TYPE)
        sheet_text(&sheet, "path", finding->path);
    sheet_text(&sheet, "type", finding->type);
    census_number(&sheet, "count", finding->count);
    if (finding->kind == CENSUS_SUSPECT)
        sheet_text(&sheet, "text", finding->text);
    if (finding->kind == CENSUS_CONTAINER) {
        census_number(&sheet, "references", finding->references);
        census_number(&sheet, "rises", finding->rises);
        census_number(&sheet, "growth", finding->growth);
        sheet_value(&sheet, "holders", census_holders(finding));
    }
    return sheet_take(&sheet);
}

static json_t *census_render(const struct census *census)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "mode", census_mode_name(census->question.mode));
    json_t *findings = json_array();
    for (size_t i = 0; findings && i < census->count; i++)
        if (json_array_append_new(findings, census_finding(&census->findings[i])) < 0)
            sheet.failed = true;
    sheet_value(&sheet, "findings", findings);
    sheet_bool(&sheet, "truncated", census->truncated);
    census_number(&sheet, "objects", census->objects);
    if (census->hold_usec >= 0)
        sheet_seconds(&sheet, "hold_seconds", (uint64_t)census->hold_usec);
    if (census->run_usec >= 0)
        sheet_seconds(&sheet, "run_seconds", (uint64_t)census->run_usec);
    if (census->gil_wait_usec >= 0)
        sheet_seconds(&sheet, "gil_wait_seconds", (uint64_t)census->gil_wait_usec);
    return sheet_take(&sheet);
}

/* How a census can end without findings. */
static const struct {
    unsigned status;
    const char *slug, *detail;
} census_problems[] = {
    [CENSUS_GIL_TIMEOUT] = {504, "gil_timeout",
                            "the interpreter lock did not come in time: the program is busy in C "
                            "code; try again"},
    [CENSUS_TOO_MANY_OBJECTS] = {409, "too_many_objects",
                                 "more objects than max_objects: counting them would hold the "
                                 "program too long; mode=roots does not count them"},
    [CENSUS_UNSUPPORTED] = {409, "unsupported", "its agent takes no census"},
    [CENSUS_BUSY] = {409, "agent_busy", "its agent is at something else; try again"},
    [CENSUS_NOT_READY] = {409, "not_ready", "its interpreter is not up yet; try again"},
    [CENSUS_CLOSING] = {409, "closing", "its interpreter is shutting down"},
    [CENSUS_FAILED] = {409, "failed", "the census could not be taken inside the process"},
    [CENSUS_SILENT] = {504, "agent_silent", "its agent did not answer in time"},
    [CENSUS_LOST] = {409, "agent_lost", "its agent has gone"},
    [CENSUS_DISTRUST] = {409, "agent_lost", "its agent broke the protocol and is not heard"},
};

void api_census_answer(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    const struct census *census = command->census;
    if (!census)
        reply_problem(reply, 500, "internal", "the answer has no census");
    else if (census->outcome != CENSUS_DONE)
        reply_problem(reply, census_problems[census->outcome].status,
                      census_problems[census->outcome].slug, "%s",
                      census_problems[census->outcome].detail);
    else
        reply_json(reply, 200, census_render(census));
}
