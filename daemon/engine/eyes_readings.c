/* SPDX-License-Identifier: MIT */
/*
 * Readings that somebody waits for: rollups for receipts, layers for people; and what is read page
 * by page, in parts, for both of them and for the table. Loop thread.
 */
#include "engine/eyes_state.h"

#include "base/clock.h"

#include <errno.h>

/* --- begin --- */

static enum probe_priority readings_priority(const struct eyes_reading *reading)
{
    if (reading->answer)
        return PROBE_PRIORITY_QUESTION;
    return reading->measure ? PROBE_PRIORITY_RECEIPT : PROBE_PRIORITY_ROUTINE;
}

static int readings_ask(struct head *head, struct eyes_reading *reading)
{
    const struct process *process = table_find(&head->table, reading->id);
    uint32_t what = reading->kind == EYES_READING_LAYERS ? PROBE_WHAT_LAYERS : PROBE_WHAT_ROLLUP;
    if (reading->kind == EYES_READING_PAGES)
        return probe_client_pages(head->probe, reading->id, reading->sum.cursor,
                                  readings_priority(reading), &reading->sequence);
    uint64_t stall = process ? eyes_stall_usec(head, process, what) : 0;
    return probe_client_request(head->probe, reading->id, stall, what, readings_priority(reading),
                                &reading->sequence);
}

static int readings_begin(struct head *head, const struct eyes_reading *reading)
{
    struct eyes *eyes = head->eyes;
    if (!eyes || !head->probe)
        return -ENODEV;
    if (eyes->reading_count == PROBE_CLIENT_LIMIT)
        return -ENOBUFS;
    struct eyes_reading *place = &eyes->readings[eyes->reading_count];
    *place = *reading;
    int r = readings_ask(head, place);
    if (r == 0)
        eyes->reading_count++;
    return r;
}

int eyes_layers(struct head *head, struct process_id id, eyes_layers_answer answer, void *context)
{
    if (head->probe && !table_find(&head->table, id))
        return -ESRCH;
    return readings_begin(
        head, &(struct eyes_reading){
                  .kind = EYES_READING_LAYERS, .id = id, .answer = answer, .context = context});
}

static int readings_rollup(void *context, struct process_id id, measure_answer answer,
                           void *answer_context)
{
    return readings_begin(context, &(struct eyes_reading){.kind = EYES_READING_ROLLUP,
                                                          .id = id,
                                                          .measure = answer,
                                                          .context = answer_context});
}

struct measure_source eyes_measure_source(struct head *head)
{
    return (struct measure_source){.context = head, .rollup = readings_rollup};
}

int eyes_readings_pages(struct head *head, struct process_id id)
{
    int r = readings_begin(head, &(struct eyes_reading){.kind = EYES_READING_PAGES, .id = id});
    if (r == 0)
        head->eyes->pages_under_way = true;
    return r;
}

/* --- end --- */

/* What would hold the process up for too long is read page by page. */
static bool readings_go_paused(struct head *head, const struct eyes_reading *reading,
                               const struct probe_answer *answer)
{
    if (answer->result != -EFBIG)
        return false;
    struct eyes_reading paused = *reading;
    paused.kind = EYES_READING_PAGES;
    return readings_begin(head, &paused) == 0;
}

/* The layers are on the shelf by now, unless the process ended or the probe told nonsense. */
static void readings_tell_layers(struct head *head, const struct eyes_reading *reading, int result)
{
    const struct layers *layers =
        result == 0 ? layer_shelf_get(&head->eyes->shelf, reading->id) : NULL;
    if (result == 0 && !layers)
        result = -ESRCH;
    reading->answer(reading->context, reading->id, result, layers);
}

static void readings_tell_rollup(const struct eyes_reading *reading,
                                 const struct probe_answer *answer)
{
    struct measure_rollup rollup = {.rss_bytes = answer->rollup.rss,
                                    .pss_bytes = answer->rollup.pss,
                                    .uss_bytes = answer->rollup.uss,
                                    .swap_bytes = answer->rollup.swap,
                                    .swap_pss_bytes = answer->rollup.swap_pss};
    reading->measure(reading->context, reading->id, answer->result, &rollup);
}

static void readings_end(struct head *head, const struct eyes_reading *reading,
                         const struct probe_answer *answer)
{
    if (readings_go_paused(head, reading, answer))
        return;
    if (reading->answer)
        readings_tell_layers(head, reading, answer->result);
    else
        readings_tell_rollup(reading, answer);
}

/* 0 and the sum so far, or why there is none. */
static int readings_add_part(struct eyes_reading *reading, const struct probe_answer *answer)
{
    struct probe_layers part = {0};
    uint64_t cursor = reading->sum.cursor;
    int r = answer->result;
    if (r == 0)
        r = probe_layers_decode(answer->payload, answer->payload_length, &part);
    if (r < 0)
        return r;
    /* It called exec between two parts: half of each program. */
    if (reading->exec_mark != 0 && reading->exec_mark != answer->exec_mark)
        return -EAGAIN;
    /* A probe that does not get on would never end. */
    if (part.cursor != 0 && part.cursor <= cursor)
        return -EBADMSG;
    reading->exec_mark = answer->exec_mark;
    reading->cpu_usec += answer->cpu_usec;
    return probe_layers_add(&reading->sum, &part);
}

/* Said once: it will be so for every process of another user. */
static void readings_say_pagemap(struct head *head, const struct eyes_reading *reading)
{
    char target[PROCESS_ID_SIZE];
    if (head->eyes->said_pagemap)
        return;
    head->eyes->said_pagemap = true;
    process_id_format(reading->id, target);
    journal_note(head->journal, EVENT_KIND_PROBE, target, NULL, NULL,
                 "USS and layers of processes that are too large for PSS: the probe lacks "
                 "CAP_DAC_READ_SEARCH "
                 "to read PID/pagemap of this process");
}

/* Whoever it was for, the table has it. */
static void readings_table(struct head *head, const struct eyes_reading *reading, int result)
{
    struct process *process = table_find(&head->table, reading->id);
    if (!process)
        return;
    uint64_t now = clock_mono_usec();
    struct tracked *tracked = table_tracked(&head->table, process);
    tracked->pages_usec = now;
    tracked->pages_cpu_usec =
        reading->cpu_usec < UINT32_MAX ? (uint32_t)reading->cpu_usec : UINT32_MAX;
    if (result == 0) {
        eyes_take_layers(head, process, reading->exec_mark, &reading->sum, now);
        const struct probe_pages pages = {.rss_bytes = reading->sum.rss_sum,
                                          .anonymous_bytes = reading->sum.anonymous,
                                          .huge_bytes = reading->sum.huge};
        probe_price_learn_pages(&tracked->price, &pages, reading->cpu_usec);
        return;
    }
    if (result == -EACCES)
        readings_say_pagemap(head, reading);
    sample_clear(&process->sample, METRIC_USS);
    process->uss_absence = eyes_absence(result);
}

static void readings_end_pages(struct head *head, const struct eyes_reading *reading, int result)
{
    struct measure_rollup rollup = {
        .rss_bytes = reading->sum.rss_sum, .pss_bytes = -1, .uss_bytes = reading->sum.uss};
    readings_table(head, reading, result);
    if (reading->measure)
        reading->measure(reading->context, reading->id, result, &rollup);
    else if (reading->answer)
        readings_tell_layers(head, reading, result);
    else
        head->eyes->pages_under_way = false;
}

/* The next part is asked for in the place of this one. */
static void readings_on_part(struct head *head, struct eyes_reading *reading,
                             const struct probe_answer *answer)
{
    struct eyes *eyes = head->eyes;
    int r = readings_add_part(reading, answer);
    if (r == 0 && reading->sum.cursor != 0) {
        r = readings_ask(head, reading);
        if (r == 0)
            return;
    }
    struct eyes_reading ended = *reading;
    *reading = eyes->readings[--eyes->reading_count];
    readings_end_pages(head, &ended, r);
}

bool eyes_readings_on_answer(struct head *head, const struct probe_answer *answer)
{
    struct eyes *eyes = head->eyes;
    size_t i = 0;
    while (i < eyes->reading_count && eyes->readings[i].sequence != answer->sequence)
        i++;
    if (i == eyes->reading_count)
        return false;
    if (eyes->readings[i].kind == EYES_READING_PAGES) {
        readings_on_part(head, &eyes->readings[i], answer);
        return true;
    }
    struct eyes_reading ended = eyes->readings[i];
    eyes->readings[i] = eyes->readings[--eyes->reading_count];
    readings_end(head, &ended, answer);
    return true;
}
