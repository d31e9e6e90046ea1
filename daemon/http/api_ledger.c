/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "http/query.h"
#include "http/sheet.h"

#include <inttypes.h>
#include <stdio.h>

/* Asks for ledger and verdict: both rest on the same reading. */
void api_diagnosis_get(struct request *request, struct reply *reply)
{
    static const char *const names[] = {NULL};
    struct target target;
    if (!query_check(request, names, reply))
        return;
    const struct process *process = request_process(request, reply, &target);
    if (!process)
        return;
    request->command = request_command(request, COMMAND_DIAGNOSIS, reply);
    if (!request->command)
        return;
    request->command->target = (struct target){.kind = TARGET_PROCESS, .id = process->id};
    request->command->deadline_usec += HTTP_DIAGNOSIS_USEC;
}

static void ledger_age(struct sheet *sheet, const char *key, const struct diagnosis *diagnosis,
                       uint64_t mono_usec)
{
    if (mono_usec > 0 && mono_usec <= diagnosis->mono_usec)
        sheet_seconds(sheet, key, diagnosis->mono_usec - mono_usec);
}

static void ledger_bytes(struct sheet *sheet, const char *key, int64_t bytes)
{
    if (bytes >= 0)
        sheet_integer(sheet, key, bytes);
}

/* Appends what the sheet became; false: no memory. */
static bool ledger_append(json_t *list, struct sheet *item)
{
    return json_array_append_new(list, sheet_take(item)) == 0;
}

static json_t *ledger_lines(const struct ledger *ledger)
{
    json_t *list = json_array();
    for (enum layer layer = 0; list && layer < LAYER_COUNT; layer++) {
        struct sheet item;
        if (!ledger->present[layer])
            continue;
        sheet_init(&item);
        sheet_text(&item, "layer", layer_info(layer)->name);
        sheet_integer(&item, "bytes", ledger->bytes[layer]);
        sheet_text(&item, "what", layer_info(layer)->what);
        if (!ledger_append(list, &item)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *ledger_large(const struct diagnosis *diagnosis)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < diagnosis->layers.large_count; i++) {
        const struct layers_large *large = &diagnosis->layers.large[i];
        struct sheet item;
        char start[24];
        snprintf(start, sizeof(start), "%" PRIx64, large->start);
        sheet_init(&item);
        sheet_text(&item, "start", start);
        sheet_integer(&item, "size_bytes", large->size_bytes);
        sheet_integer(&item, "rss_bytes", large->rss_bytes);
        ledger_age(&item, "born_seconds_ago", diagnosis, large->born_usec);
        if (!ledger_append(list, &item)) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *ledger_render(const struct diagnosis *diagnosis)
{
    const struct ledger *ledger = &diagnosis->ledger;
    struct sheet sheet;
    char id[PROCESS_ID_SIZE];
    process_id_format(diagnosis->id, id);
    sheet_init(&sheet);
    sheet_text(&sheet, "id", id);
    sheet_integer(&sheet, "rss_bytes", ledger->rss_bytes);
    sheet_bool(&sheet, "whole", ledger->whole);
    sheet_text(&sheet, "missing", diagnosis->missing);
    ledger_age(&sheet, "age_seconds", diagnosis, ledger->mono_usec);
    ledger_age(&sheet, "pools_age_seconds", diagnosis, ledger->pools_usec);
    ledger_age(&sheet, "malloc_age_seconds", diagnosis, ledger->malloc_usec);
    sheet_value(&sheet, "layers", ledger_lines(ledger));
    ledger_bytes(&sheet, "huge_bytes", ledger->huge_bytes);
    ledger_bytes(&sheet, "swap_bytes", ledger->swap_bytes);
    if (diagnosis->has_layers) {
        const struct layers *layers = &diagnosis->layers;
        ledger_bytes(&sheet, "pss_bytes", layers->pss_bytes);
        ledger_bytes(&sheet, "uss_bytes", layers->uss_bytes);
        sheet_integer(&sheet, "mappings", layers->mappings);
        sheet_integer(&sheet, "arenas", layers->arenas);
        sheet_integer(&sheet, "stacks", layers->stacks);
        sheet_value(&sheet, "large", ledger_large(diagnosis));
    }
    return sheet_take(&sheet);
}

void api_ledger_answer(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    if (!command->diagnosis)
        reply_problem(reply, 500, "internal", "the answer has no ledger");
    else
        reply_json(reply, 200, ledger_render(command->diagnosis));
}
