/* SPDX-License-Identifier: MIT */
/*
 * Readings that somebody waits for: rollups for receipts, layers for people; and USS, which comes
 * in parts, for receipts and for the table. Loop thread.
 */
#include "engine/eyes_state.h"

#include "base/clock.h"

#include <errno.h>

/* --- begin --- */

static const struct process *readings_process(const struct head *head, struct process_id id)
{
    return head->probe ? table_find(&head->table, id) : NULL;
}

static enum probe_priority readings_priority(const struct eyes_reading *reading)
{
    if (reading->kind == EYES_READING_LAYERS)
        return PROBE_PRIORITY_QUESTION;
    return reading->measure ? PROBE_PRIORITY_RECEIPT : PROBE_PRIORITY_ROUTINE;
}

static int readings_ask(struct head *head, struct eyes_reading *reading)
{
    const struct process *process = table_find(&head->table, reading->id);
    uint32_t what = reading->kind == EYES_READING_LAYERS ? PROBE_WHAT_LAYERS : PROBE_WHAT_ROLLUP;
    if (reading->kind == EYES_READING_USS)
        return probe_client_uss(head->probe, reading->id, reading->sum.cursor,
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
    if (head->probe && !readings_process(head, id))
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

int eyes_readings_uss(struct head *head, struct process_id id)
{
    int r = readings_begin(head, &(struct eyes_reading){.kind = EYES_READING_USS, .id = id});
    if (r == 0)
        head->eyes->uss_under_way = true;
    return r;
}

/* --- end --- */

static void readings_end_layers(struct head *head, const struct eyes_reading *reading,
                                const struct probe_answer *answer)
{
    /* They are on the shelf by now, unless the process ended or the probe told nonsense. */
    const struct layers *layers =
        answer->result == 0 ? layer_shelf_get(&head->eyes->shelf, reading->id) : NULL;
    int result = layers || answer->result < 0 ? answer->result : -ESRCH;
    reading->answer(reading->context, reading->id, result, layers);
}

/* What would hold the process up for too long even for a receipt is read without. */
static bool readings_go_paused(struct head *head, const struct eyes_reading *reading,
                               const struct probe_answer *answer)
{
    if (answer->result != -EFBIG)
        return false;
    struct eyes_reading paused = *reading;
    paused.kind = EYES_READING_USS;
    return readings_begin(head, &paused) == 0;
}

static void readings_end_rollup(struct head *head, const struct eyes_reading *reading,
                                const struct probe_answer *answer)
{
    if (readings_go_paused(head, reading, answer))
        return;
    struct measure_rollup rollup = {.rss_bytes = answer->rollup.rss,
                                    .pss_bytes = answer->rollup.pss,
                                    .uss_bytes = answer->rollup.uss,
                                    .swap_bytes = answer->rollup.swap,
                                    .swap_pss_bytes = answer->rollup.swap_pss};
    reading->measure(reading->context, reading->id, answer->result, &rollup);
}

/* 0 and the sum so far, or why there is none. */
static int readings_add_part(struct eyes_reading *reading, const struct probe_answer *answer)
{
    struct probe_uss part;
    int r = answer->result;
    if (r == 0)
        r = probe_uss_decode(answer->payload, answer->payload_length, &part);
    if (r < 0)
        return r;
    /* It called exec between two parts: half of each program. */
    if (reading->exec_mark != 0 && reading->exec_mark != answer->exec_mark)
        return -EAGAIN;
    /* A probe that does not get on would never end. */
    if (part.cursor != 0 && part.cursor <= reading->sum.cursor)
        return -EBADMSG;
    reading->exec_mark = answer->exec_mark;
    reading->cpu_usec += answer->cpu_usec;
    reading->sum.cursor = part.cursor;
    probe_uss_add(&reading->sum, &part);
    return 0;
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
                 "USS of processes that are too large for PSS: the probe lacks CAP_DAC_READ_SEARCH "
                 "to read PID/pagemap of this process");
}

static void readings_table_uss(struct head *head, const struct eyes_reading *reading, int result)
{
    struct process *process = table_find(&head->table, reading->id);
    head->eyes->uss_under_way = false;
    if (!process)
        return;
    uint64_t now = clock_mono_usec();
    struct tracked *tracked = table_tracked(&head->table, process);
    tracked->uss_usec = now;
    tracked->uss_cpu_usec = reading->cpu_usec;
    if (result == 0) {
        sample_set(&process->sample, METRIC_USS, (int64_t)reading->sum.exclusive_bytes, now);
        return;
    }
    if (result == -EACCES)
        readings_say_pagemap(head, reading);
    sample_clear(&process->sample, METRIC_USS);
    process->uss_absence = eyes_absence(result);
}

static void readings_end_uss(struct head *head, const struct eyes_reading *reading, int result)
{
    struct measure_rollup rollup = {.pss_bytes = -1,
                                    .uss_bytes = (int64_t)reading->sum.exclusive_bytes};
    if (!reading->measure)
        readings_table_uss(head, reading, result);
    else
        reading->measure(reading->context, reading->id, result, &rollup);
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
    readings_end_uss(head, &ended, r);
}

bool eyes_readings_on_answer(struct head *head, const struct probe_answer *answer)
{
    struct eyes *eyes = head->eyes;
    size_t i = 0;
    while (i < eyes->reading_count && eyes->readings[i].sequence != answer->sequence)
        i++;
    if (i == eyes->reading_count)
        return false;
    if (eyes->readings[i].kind == EYES_READING_USS) {
        readings_on_part(head, &eyes->readings[i], answer);
        return true;
    }
    struct eyes_reading ended = eyes->readings[i];
    eyes->readings[i] = eyes->readings[--eyes->reading_count];
    if (ended.kind == EYES_READING_LAYERS)
        readings_end_layers(head, &ended, answer);
    else
        readings_end_rollup(head, &ended, answer);
    return true;
}
