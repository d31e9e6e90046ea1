/* SPDX-License-Identifier: MIT */
/*
 * What the probe is asked, when, and where its answers go: identities of new processes, PSS and
 * USS of those that moved, and the readings of receipts, which come first. Loop thread.
 */
#include "engine/head.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/cmdline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A process that just forked may still exec: its identity is read again after this. */
#define EYES_SETTLE_USEC (2 * USEC_PER_SEC)
/* Programs may rewrite their command line (setproctitle) at any time. */
#define EYES_IDENTITY_USEC (60 * USEC_PER_SEC)
#define EYES_RETRY_USEC    (1 * USEC_PER_SEC)
/* Routine rollups: not more often than this when RSS moved, and at least this often when not. */
#define EYES_MOVED_USEC    (5 * USEC_PER_SEC)
#define EYES_IDLE_USEC     (60 * USEC_PER_SEC)
#define EYES_MOVED_BYTES   (INT64_C(4) << 20)
#define EYES_MOVED_PERCENT 1
/* Full command lines are kept for rules; longer ones are cut. */
#define EYES_CMDLINE_MAX 4096

struct eyes_reading { /* for a receipt */
    uint32_t sequence;
    struct process_id id;
    measure_answer answer;
    void *context;
};

struct eyes {
    size_t cursor; /* where the routine readings go on */
    size_t reading_count;
    struct eyes_reading readings[PROBE_CLIENT_LIMIT];
};

/* --- answers --- */

static void eyes_identity(struct head *head, struct process *process,
                          const struct probe_answer *answer, uint64_t now)
{
    struct tracked *tracked = table_tracked(&head->table, process);
    char full[EYES_CMDLINE_MAX], redacted[PROCESS_CMDLINE_SIZE];
    cmdline_full(answer->payload, answer->payload_length, full, sizeof(full));
    cmdline_redact(answer->payload, answer->payload_length, redacted, sizeof(redacted));
    bool another = process->exec_mark != 0 && process->exec_mark != answer->exec_mark;
    head->table.families_stale |= process->exec_mark != answer->exec_mark;
    process->exec_mark = answer->exec_mark;
    process->exe_device = answer->exe_device;
    process->exe_inode = answer->exe_inode;
    tracked->identity_usec = now;
    if (another) {
        process->exec_count++;
        scans_on_exec(head, process);
    }
    if (!another && tracked->full_cmdline && strcmp(tracked->full_cmdline, full) == 0)
        return;
    free(tracked->full_cmdline);
    tracked->full_cmdline = strdup(full); /* without memory it is unknown to rules */
    text_copy(process->cmdline, sizeof(process->cmdline), redacted);
    tracked->identity_changed = true;
}

static void eyes_table(struct head *head, const struct probe_answer *answer)
{
    struct process_id id = {.pid = answer->pid, .start_ticks = answer->start_ticks};
    struct process *process = table_find(&head->table, id);
    if (!process)
        return;
    uint64_t now = clock_mono_usec();
    struct tracked *tracked = table_tracked(&head->table, process);
    tracked->deep_denied = answer->result == -EACCES;
    if (answer->present & PROBE_WHAT_CMDLINE)
        eyes_identity(head, process, answer, now);
    if (!(answer->present & PROBE_WHAT_ROLLUP))
        return;
    sample_set(&process->sample, METRIC_PSS, answer->rollup.pss, now);
    sample_set(&process->sample, METRIC_USS, answer->rollup.uss, now);
    sample_set(&process->sample, METRIC_SWAP_PSS, answer->rollup.swap_pss, now);
    tracked->deep_rss_bytes = answer->rollup.rss;
}

static void eyes_receipt(struct eyes *eyes, const struct probe_answer *answer)
{
    for (size_t i = 0; i < eyes->reading_count; i++) {
        if (eyes->readings[i].sequence != answer->sequence)
            continue;
        struct eyes_reading reading = eyes->readings[i];
        eyes->readings[i] = eyes->readings[--eyes->reading_count];
        struct measure_rollup rollup = {.rss_bytes = answer->rollup.rss,
                                        .pss_bytes = answer->rollup.pss,
                                        .uss_bytes = answer->rollup.uss,
                                        .swap_bytes = answer->rollup.swap,
                                        .swap_pss_bytes = answer->rollup.swap_pss};
        reading.answer(reading.context, reading.id, answer->result, &rollup);
        return;
    }
}

static void eyes_on_answer(void *context, const struct probe_answer *answer)
{
    struct head *head = context;
    if (scans_on_answer(head, answer))
        return;
    eyes_table(head, answer);
    eyes_receipt(head->eyes, answer);
}

static void eyes_on_event(void *context, const char *text)
{
    struct head *head = context;
    journal_note(head->journal, EVENT_KIND_PROBE, NULL, NULL, NULL, "%s", text);
}

static int eyes_rollup(void *context, struct process_id id, measure_answer answer,
                       void *answer_context)
{
    struct head *head = context;
    struct eyes *eyes = head->eyes;
    if (!eyes)
        return -ENODEV;
    if (eyes->reading_count == PROBE_CLIENT_LIMIT)
        return -ENOBUFS;
    const struct process *process = table_find(&head->table, id);
    int64_t rss = 0;
    if (process)
        sample_get(&process->sample, METRIC_RSS, &rss);
    uint32_t sequence;
    int r = probe_client_request(head->probe, id, rss, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RECEIPT,
                                 &sequence);
    if (r < 0)
        return r;
    eyes->readings[eyes->reading_count++] = (struct eyes_reading){
        .sequence = sequence, .id = id, .answer = answer, .context = answer_context};
    return 0;
}

struct measure_source eyes_measure_source(struct head *head)
{
    return (struct measure_source){.context = head, .rollup = eyes_rollup};
}

/* --- questions --- */

static bool eyes_identity_due(const struct process *process, const struct tracked *tracked,
                              uint64_t now)
{
    if (tracked->identity_asked_usec > 0 && now - tracked->identity_asked_usec < EYES_RETRY_USEC)
        return false;
    if (tracked->deep_denied)
        return now - tracked->identity_asked_usec >= EYES_IDENTITY_USEC;
    uint64_t settled = process->first_seen_usec + EYES_SETTLE_USEC;
    if (tracked->identity_usec == 0 || (tracked->identity_usec < settled && now >= settled))
        return true;
    return now - tracked->identity_usec >= EYES_IDENTITY_USEC;
}

static bool eyes_moved(const struct process *process, const struct tracked *tracked)
{
    int64_t rss;
    if (!sample_get(&process->sample, METRIC_RSS, &rss))
        return false;
    int64_t moved = llabs(rss - tracked->deep_rss_bytes);
    return moved > EYES_MOVED_BYTES || moved > rss * EYES_MOVED_PERCENT / 100;
}

static bool eyes_routine_due(const struct process *process, const struct tracked *tracked,
                             uint64_t now)
{
    if (process->kernel_thread)
        return false;
    uint64_t since = now - tracked->deep_asked_usec;
    if (tracked->deep_asked_usec == 0 || since >= EYES_IDLE_USEC)
        return true;
    return since >= EYES_MOVED_USEC && !tracked->deep_denied && eyes_moved(process, tracked);
}

static int eyes_ask(struct head *head, struct process *process, uint32_t what,
                    enum probe_priority priority, uint64_t now)
{
    struct tracked *tracked = table_tracked(&head->table, process);
    int64_t rss = 0;
    sample_get(&process->sample, METRIC_RSS, &rss);
    int r = probe_client_request(head->probe, process->id, rss, what, priority, NULL);
    if (r < 0)
        return r;
    if (what & PROBE_WHAT_CMDLINE)
        tracked->identity_asked_usec = now;
    if (what & PROBE_WHAT_ROLLUP)
        tracked->deep_asked_usec = now;
    return 0;
}

/* Identities and what rules look at, for everybody; as far as there is room. */
static void eyes_wanted(struct head *head, uint64_t now)
{
    for (size_t i = 0; i < head->table.count; i++) {
        struct process *process = &head->table.processes[i];
        struct tracked *tracked = &head->table.tracked[i];
        uint32_t what = 0;
        if (process->kernel_thread)
            continue;
        if (eyes_identity_due(process, tracked, now))
            what |= PROBE_WHAT_CMDLINE;
        if (tracked->deep_wanted && !tracked->deep_denied &&
            now - tracked->deep_asked_usec >= head->config.tick_usec)
            what |= PROBE_WHAT_ROLLUP;
        if (what && eyes_ask(head, process, what, PROBE_PRIORITY_RULE, now) < 0)
            return;
    }
}

/* One round through the table at most, from where the last one ended. */
static void eyes_routine(struct head *head, uint64_t now)
{
    struct eyes *eyes = head->eyes;
    size_t room = probe_client_room(head->probe, PROBE_PRIORITY_ROUTINE);
    for (size_t seen = 0; seen < head->table.count && room > 0; seen++) {
        eyes->cursor = (eyes->cursor + 1) % head->table.count;
        struct process *process = &head->table.processes[eyes->cursor];
        if (!eyes_routine_due(process, &head->table.tracked[eyes->cursor], now))
            continue;
        if (eyes_ask(head, process, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_ROUTINE, now) < 0)
            return;
        room--;
    }
}

void eyes_on_tick(struct head *head, uint64_t now_usec)
{
    if (!head->probe)
        return;
    eyes_wanted(head, now_usec);
    eyes_routine(head, now_usec);
    scans_on_tick(head, now_usec);
}

/* --- life --- */

int eyes_start(struct head *head, const char *socket_path)
{
    struct probe_client_config config = {
        .socket_path = socket_path,
        .budget_permyriad = (uint32_t)head->config.deep_budget_permyriad,
        .other_users = head->config.outside_scan == CONFIG_OUTSIDE_SCAN_ALL,
        .context = head,
        .on_answer = eyes_on_answer,
        .on_event = eyes_on_event};
    head->eyes = calloc(1, sizeof(*head->eyes));
    if (!head->eyes)
        return -ENOMEM;
    return probe_client_new(head->event, &config, &head->probe);
}

void eyes_stop(struct head *head)
{
    probe_client_free(head->probe);
    head->probe = NULL;
    free(head->eyes);
    head->eyes = NULL;
}
