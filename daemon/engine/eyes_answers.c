/* SPDX-License-Identifier: MIT */
/*
 * What the probe answers, into the process table: identities, PSS and USS, what the reading cost,
 * and why something is absent. Loop thread.
 */
#include "engine/eyes_state.h"

#include "base/clock.h"
#include "base/text.h"
#include "engine/eyes_turn.h"
#include "engine/probe_walk.h"
#include "model/cmdline.h"

#include <errno.h>
#include <string.h>

/* Full command lines are kept for rules; longer ones are cut. */
#define EYES_CMDLINE_MAX TEXT_POOL_LONGEST

static void answers_identity(struct head *head, struct process *process,
                             const struct probe_answer *answer, uint64_t now)
{
    struct tracked *tracked = table_tracked(&head->table, process);
    char full[EYES_CMDLINE_MAX], redacted[EYES_CMDLINE_MAX], shown[PROCESS_CMDLINE_SIZE];
    cmdline_full(answer->payload, answer->payload_length, full, sizeof(full));
    bool another = process->exec_mark != 0 && process->exec_mark != answer->exec_mark;
    head->table.families_stale |= process->exec_mark != answer->exec_mark;
    process->exec_mark = answer->exec_mark;
    process->exe_device = answer->exe_device;
    process->exe_inode = answer->exe_inode;
    tracked->identity_usec = now;
    tracked->identity_switches = tracked->switches;
    if (another) {
        process->exec_count++;
        tracked->price = (struct probe_price){0};
        tracked->layers_usec = tracked->pages_usec = 0;
        scans_on_exec(head, process);
    }
    if (!another && tracked->full_cmdline && strcmp(tracked->full_cmdline, full) == 0)
        return;
    cmdline_redact(answer->payload, answer->payload_length, redacted, sizeof(redacted));
    table_set_text(&head->table, &tracked->full_cmdline, full);
    text_copy(shown, sizeof(shown), redacted);
    table_set_text(&head->table, &process->cmdline, shown);
    groups_on_identity(&head->table, process, answer->payload, answer->payload_length, redacted);
    tracked->identity_changed = true;
}

enum absence eyes_absence(int result)
{
    switch (result) {
    case -EFBIG:
        return ABSENCE_TOO_DEAR;
    case -EACCES:
    case -EPERM:
        return ABSENCE_DENIED;
    case -ETIMEDOUT:
        return ABSENCE_UNREADABLE;
    case -ENODATA:
        return ABSENCE_NO_MEMORY;
    default:
        return ABSENCE_NOT_YET; /* it is tried again */
    }
}

static void answers_deep(struct process *process, enum metric metric, int64_t bytes, uint64_t now)
{
    if (bytes >= 0)
        sample_set(&process->sample, metric, bytes, now);
}

/* pss -1: not told. */
static void answers_calm(const struct process *process, struct tracked *tracked, int64_t rss,
                         int64_t pss)
{
    int64_t before;
    bool news = eyes_turn_moved(rss, tracked->deep_rss_bytes) ||
                !sample_get(&process->sample, METRIC_PSS, &before) || pss < 0 ||
                eyes_turn_moved(pss, before);
    if (news)
        tracked->deep_calm = 0;
    else if (tracked->deep_calm < EYES_TURN_CALM_MAX)
        tracked->deep_calm++;
    tracked->deep_rss_bytes = rss;
}

static void answers_rollup(struct process *process, struct tracked *tracked,
                           const struct probe_answer *answer, uint64_t now)
{
    answers_calm(process, tracked, answer->rollup.rss, answer->rollup.pss);
    answers_deep(process, METRIC_PSS, answer->rollup.pss, now);
    answers_deep(process, METRIC_USS, answer->rollup.uss, now);
    answers_deep(process, METRIC_SWAP_PSS, answer->rollup.swap_pss, now);
    probe_price_learn(&tracked->price, answer->rollup.rss, answer->cpu_usec);
}

void eyes_take_layers(struct head *head, struct process *process, uint64_t exec_mark,
                      const struct probe_layers *read, uint64_t now_usec)
{
    struct layers layers;
    struct tracked *tracked = table_tracked(&head->table, process);
    probe_walk_layers(read, now_usec, &layers);
    layer_shelf_put(&head->eyes->shelf, process->id, exec_mark, &layers);
    answers_calm(process, tracked, layers.rss_bytes, layers.pss_bytes);
    answers_deep(process, METRIC_PSS, layers.pss_bytes, now_usec);
    answers_deep(process, METRIC_USS, layers.uss_bytes, now_usec);
    answers_deep(process, METRIC_SWAP_PSS, layers.swap_pss_bytes, now_usec);
    tracked->layers_rss_bytes = layers.rss_bytes;
    tracked->layers_usec = now_usec;
}

static void answers_layers(struct head *head, struct process *process,
                           const struct probe_answer *answer, uint64_t now)
{
    struct probe_layers read;
    if (probe_layers_decode(answer->payload, answer->payload_length, &read) < 0)
        return;
    eyes_take_layers(head, process, answer->exec_mark, &read, now);
    probe_price_learn_layers(&table_tracked(&head->table, process)->price, read.rss_sum,
                             answer->cpu_usec, read.mappings);
}

/* What was known is old by now, and will get older: it says nothing any more. */
static void answers_absent(struct process *process, struct tracked *tracked, int result)
{
    enum absence absence = eyes_absence(result);
    process->pss_absence = absence;
    if (absence != ABSENCE_TOO_DEAR)
        process->uss_absence = absence;
    if (absence == ABSENCE_NOT_YET)
        return;
    sample_clear(&process->sample, METRIC_PSS);
    sample_clear(&process->sample, METRIC_SWAP_PSS);
    /* Without PSS it is read page by page. */
    if (absence != ABSENCE_TOO_DEAR)
        sample_clear(&process->sample, METRIC_USS);
    tracked->deep_denied = absence == ABSENCE_DENIED;
}

static void answers_table(struct head *head, const struct probe_answer *answer)
{
    struct process_id id = {.pid = answer->pid, .start_ticks = answer->start_ticks};
    struct process *process = table_find(&head->table, id);
    if (!process)
        return;
    uint64_t now = clock_mono_usec();
    struct tracked *tracked = table_tracked(&head->table, process);
    uint32_t deep = answer->what & (PROBE_WHAT_ROLLUP | PROBE_WHAT_LAYERS);
    if (answer->present & PROBE_WHAT_CMDLINE)
        answers_identity(head, process, answer, now);
    else if (answer->what & PROBE_WHAT_CMDLINE)
        tracked->deep_denied = answer->result == -EACCES;
    if (answer->present & PROBE_WHAT_ROLLUP)
        answers_rollup(process, tracked, answer, now);
    if (answer->present & PROBE_WHAT_LAYERS)
        answers_layers(head, process, answer, now);
    if (answer->present & deep)
        tracked->deep_denied = false;
    else if (deep)
        answers_absent(process, tracked, answer->result);
}

void eyes_on_answer(void *context, const struct probe_answer *answer)
{
    struct head *head = context;
    if (scans_on_answer(head, answer))
        return;
    if (!(answer->what & PROBE_WHAT_PAGES))
        answers_table(head, answer);
    eyes_readings_on_answer(head, answer);
}
