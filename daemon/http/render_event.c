/* SPDX-License-Identifier: MIT */
#include "http/render.h"

#include "http/sheet.h"

#include <inttypes.h>
#include <stdio.h>

/* Numbers go out in the unit of their name; a duration is stored in microseconds. */
static void render_event_number(struct sheet *sheet, enum event_number number, int64_t value)
{
    switch (number) {
    case EVENT_NUMBER_DURATION:
        sheet_seconds(sheet, "duration_seconds", (uint64_t)value);
        break;
    case EVENT_NUMBER_PSI_SOME:
    case EVENT_NUMBER_PSI_FULL:
        sheet_value(sheet, event_number_name(number), render_value(METRIC_PSI_SOME_AVG10, value));
        break;
    default:
        sheet_integer(sheet, event_number_name(number), value);
    }
}

json_t *render_event(const struct event *event)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_integer(&sheet, "id", event->id);
    sheet_time(&sheet, "time", event->wall_usec);
    sheet_text(&sheet, "kind", event_kind_name(event->kind));
    sheet_text(&sheet, "target", event->target);
    sheet_text(&sheet, "rule", event->rule);
    sheet_text(&sheet, "receipt", event->receipt);
    sheet_text(&sheet, "text", event->text);
    sheet_text(&sheet, "asked_by", event->asked_by);
    for (enum event_word word = 0; word < EVENT_WORD_COUNT; word++)
        if (event_word(event, word)[0])
            sheet_text(&sheet, event_word_name(word), event_word(event, word));
    for (enum event_number number = 0; number < EVENT_NUMBER_COUNT; number++)
        if (event->numbers_present >> number & 1)
            render_event_number(&sheet, number, event->numbers[number]);
    if (event->has_window) {
        char path[64];
        snprintf(path, sizeof(path), "/api/v1/events/%" PRId64 "/window", event->id);
        sheet_text(&sheet, "window", path);
    }
    sheet_bool(&sheet, "durable", !event->not_durable);
    return sheet_take(&sheet);
}

static json_t *render_pinned_sample(const struct pinned_sample *sample)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_time(&sheet, "time", sample->wall_usec);
    for (unsigned metric = 0; metric < METRIC_PROCESS_COUNT; metric++) {
        char key[METRIC_JSON_NAME_SIZE];
        if (!(sample->present >> metric & 1))
            continue;
        metric_json_name(metric, key);
        sheet_value(&sheet, key, render_value(metric, sample->value[metric]));
    }
    return sheet_take(&sheet);
}

json_t *render_pinned_process(const struct pinned_process *process)
{
    char id[PROCESS_ID_SIZE];
    struct sheet sheet;
    sheet_init(&sheet);
    process_id_format(process->id, id);
    sheet_text(&sheet, "id", id);
    sheet_integer(&sheet, "pid", process->id.pid);
    sheet_text(&sheet, "comm", process->comm);
    sheet_bool(&sheet, "victim", process->victim);
    json_t *samples = json_array();
    for (size_t i = 0; samples && i < process->count; i++)
        if (json_array_append_new(samples, render_pinned_sample(&process->samples[i])) < 0)
            sheet.failed = true;
    sheet_value(&sheet, "samples", samples);
    return sheet_take(&sheet);
}
