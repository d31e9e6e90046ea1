/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "http/sheet.h"

static json_t *verdict_lines(const struct verdict *verdict)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < verdict->line_count; i++) {
        if (json_array_append_new(list, sheet_string(verdict->lines[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static void verdict_prediction(struct sheet *sheet, const struct verdict *verdict)
{
    const struct prediction *prediction = &verdict->prediction;
    if (!verdict->has_prediction)
        return;
    sheet_value(
        sheet, "predicted_bytes",
        json_pack("[I,I]", (json_int_t)prediction->low_bytes, (json_int_t)prediction->high_bytes));
    if (prediction->pause_usec >= 0)
        sheet_seconds(sheet, "predicted_pause_seconds", (uint64_t)prediction->pause_usec);
    if (prediction->unshared_bytes > 0)
        sheet_integer(sheet, "unshared_bytes", prediction->unshared_bytes);
}

static json_t *verdict_render(const struct diagnosis *diagnosis)
{
    const struct verdict *verdict = &diagnosis->verdict;
    struct sheet sheet;
    char id[PROCESS_ID_SIZE];
    process_id_format(diagnosis->id, id);
    sheet_init(&sheet);
    sheet_text(&sheet, "id", id);
    sheet_text(&sheet, "cause", verdict_cause_info(verdict->cause)->name);
    sheet_text(&sheet, "confidence", verdict_confidence_name(verdict->confidence));
    sheet_text(&sheet, "sentence", verdict->sentence);
    sheet_integer(&sheet, "bytes", verdict->bytes);
    sheet_integer(&sheet, "rss_bytes", diagnosis->ledger.rss_bytes);
    sheet_value(&sheet, "evidence", verdict_lines(verdict));
    sheet_text(&sheet, "step", verdict_step_name(verdict->step));
    verdict_prediction(&sheet, verdict);
    sheet_text(&sheet, "cannot", verdict->cannot);
    sheet_text(&sheet, "next", verdict->next);
    sheet_bool(&sheet, "whole", diagnosis->ledger.whole);
    sheet_text(&sheet, "missing", diagnosis->missing);
    return sheet_take(&sheet);
}

void api_verdict_answer(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    if (!command->diagnosis)
        reply_problem(reply, 500, "internal", "the answer has no verdict");
    else
        reply_json(reply, 200, verdict_render(command->diagnosis));
}
