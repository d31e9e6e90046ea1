/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "base/clock.h"
#include "http/query.h"
#include "http/sheet.h"

#include <string.h>

void api_agent_get(struct request *request, struct reply *reply)
{
    static const char *const names[] = {NULL};
    struct target target;
    if (!query_check(request, names, reply))
        return;
    const struct process *process = request_process(request, reply, &target);
    if (!process)
        return;
    request->command = request_command(request, COMMAND_AGENT_GET, reply);
    if (request->command)
        request->command->target = (struct target){.kind = TARGET_PROCESS, .id = process->id};
}

static json_t *agent_render_value(const struct agent_value *value)
{
    switch (value->kind) {
    case AGENT_VALUE_FLAG:
        return json_boolean(value->numbers[0] != 0);
    case AGENT_VALUE_GENERATIONS:
        return json_pack("[I,I,I]", (json_int_t)value->numbers[0], (json_int_t)value->numbers[1],
                         (json_int_t)value->numbers[2]);
    case AGENT_VALUE_NUMBER:
        break;
    }
    return json_integer(value->numbers[0]);
}

static json_t *agent_render_classes(const struct agent_report *report)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < report->class_count; i++) {
        const struct agent_class *one = &report->classes[i];
        json_t *item =
            json_pack("{s:I,s:I,s:I}", "block_bytes", (json_int_t)one->block_bytes, "pools",
                      (json_int_t)one->pools, "blocks", (json_int_t)one->blocks);
        if (!item || json_array_append_new(list, item) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* The values of a section, which stand together. */
static json_t *agent_render_section(const struct agent_report *report, size_t *at)
{
    struct sheet sheet;
    const char *section = report->values[*at].section;
    sheet_init(&sheet);
    for (; *at < report->value_count && strcmp(report->values[*at].section, section) == 0; ++*at)
        sheet_value(&sheet, report->values[*at].key, agent_render_value(&report->values[*at]));
    if (strcmp(section, "pymalloc") == 0) {
        sheet_value(&sheet, "classes", agent_render_classes(report));
        sheet_seconds(&sheet, "age_seconds", report->pools_age_usec);
    }
    return sheet_take(&sheet);
}

void api_agent_answer(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    const struct agent_report *report = command->agent;
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_seconds(&sheet, "age_seconds", report->age_usec);
    sheet_text(&sheet, "interpreter", report->interpreter);
    for (size_t at = 0; at < report->value_count;) {
        const char *section = report->values[at].section;
        sheet_value(&sheet, section, agent_render_section(report, &at));
    }
    reply_json(reply, 200, sheet_take(&sheet));
}
