/* SPDX-License-Identifier: MIT */
#include "engine/scans.h"

#include "base/clock.h"
#include "engine/head.h"
#include "heap/cpython.h"
#include "heap/pool.h"

#include <errno.h>
#include <unistd.h>

/*
 * Memory looked at in a tick, of all processes together. With pools of 4 KiB that takes 16 ms,
 * which the budget of the probe spreads over three ticks; a scan of 1 GiB ends in less than a
 * minute.
 */
#define SCANS_TICK_BYTES (UINT64_C(64) << 20)
/* One part: 4 ms and, with its pauses, 12 ms in which the probe answers nobody else. */
#define SCANS_PART_BYTES (UINT32_C(16) << 20)
/* Parts in a tick: those of programs that turn out to be no CPython have hardly any bytes. */
#define SCANS_TICK_PARTS 32
/* A process that just began may still exec, and has little to count. */
#define SCANS_SETTLE_USEC (3 * USEC_PER_SEC)

static const enum metric scans_metrics[] = {METRIC_PY_USED, METRIC_PY_PINNED, METRIC_PY_FREE,
                                            METRIC_PY_POOLS, METRIC_PY_COVERAGE};

/* --- whose turn it is --- */

static bool scans_may_look(const struct head *head, const struct process *process,
                           const struct tracked *tracked)
{
    /* The user is known from the first slow reading on. */
    if (tracked->slow_usec == 0)
        return false;
    switch (head->config.outside_scan) {
    case CONFIG_OUTSIDE_SCAN_OFF:
        return false;
    case CONFIG_OUTSIDE_SCAN_ALL:
        return true;
    case CONFIG_OUTSIDE_SCAN_SAME_UID:
        break;
    }
    return process->uid == head->scans.user;
}

/* The agent counts them itself. */
static bool scans_has_agent(const struct process *process, const struct tracked *tracked)
{
    return process_agent(process)->state != AGENT_STATE_NONE &&
           sample_time(&process->sample, METRIC_PY_USED) > tracked->scan.done_usec;
}

/* Asked of everybody in each tick: most are told by their turn alone. */
static bool scans_is_due(const struct head *head, size_t index, uint64_t now)
{
    const struct glance *glance = &head->table.glances[index];
    const struct tracked *tracked = &head->table.tracked[index];
    if (glance->kernel_thread ||
        !scan_turn_is_due(&tracked->scan, glance->rss_bytes, tracked->pools_wanted, now))
        return false;
    const struct process *process = &head->table.processes[index];
    return scans_may_look(head, process, tracked) && !scans_has_agent(process, tracked) &&
           now >= process->first_seen_usec + SCANS_SETTLE_USEC;
}

/* The next one after the last; every process is looked at once in a tick. */
static const struct process *scans_choose(struct head *head, uint64_t now)
{
    struct scans *scans = &head->scans;
    for (; scans->looked < head->table.count; scans->looked++) {
        scans->cursor = (scans->cursor + 1) % head->table.count;
        if (scans_is_due(head, scans->cursor, now))
            return &head->table.processes[scans->cursor];
    }
    return NULL;
}

/* What its agent says needs not be found out; without, the probe tells at the first part. */
static void scans_begin(struct scans *scans, const struct process *process)
{
    struct cpython version = {0};
    scans->active = true;
    scans->id = process->id;
    scans->exec_mark = 0;
    scans->guessed = false;
    scans->sum = (struct probe_pools){0};
    scans->part = (struct probe_scan_part){0};
    if (cpython_of_runtime(process_agent(process)->runtime, &version))
        scans->part.pool_bytes = pool_bytes_of_version(version.major, version.minor);
}

static void scans_go_on(struct head *head, uint64_t now)
{
    struct scans *scans = &head->scans;
    while (!scans->waiting && scans->parts > 0 && scans->bytes > 0) {
        if (!scans->active) {
            const struct process *process = scans_choose(head, now);
            if (!process)
                return;
            scans_begin(scans, process);
        }
        scans->part.scan_bytes =
            scans->bytes < SCANS_PART_BYTES ? (uint32_t)scans->bytes : SCANS_PART_BYTES;
        if (probe_client_scan(head->probe, scans->id, &scans->part, &scans->sequence) < 0)
            return;
        scans->waiting = true;
        scans->parts--;
    }
}

void scans_on_tick(struct head *head, uint64_t now_usec)
{
    struct scans *scans = &head->scans;
    if (head->config.outside_scan == CONFIG_OUTSIDE_SCAN_OFF)
        return;
    scans->looked = 0;
    scans->user = geteuid();
    scans->parts = SCANS_TICK_PARTS;
    scans->bytes = SCANS_TICK_BYTES;
    scans_go_on(head, now_usec);
}

/* --- what comes back --- */

static void scans_forget(struct process *process)
{
    for (size_t i = 0; i < sizeof(scans_metrics) / sizeof(scans_metrics[0]); i++)
        sample_clear(&process->sample, scans_metrics[i]);
}

static void scans_put(const struct probe_pools *sum, struct process *process, uint64_t now)
{
    struct sample *sample = &process->sample;
    uint64_t places = sum->read_places + sum->swapped_places;
    uint64_t read = sum->read_places - sum->missed_places;
    sample_set(sample, METRIC_PY_USED, (int64_t)sum->used_bytes, now);
    sample_set(sample, METRIC_PY_PINNED, (int64_t)sum->pinned_bytes, now);
    sample_set(sample, METRIC_PY_FREE, (int64_t)sum->free_bytes, now);
    sample_set(sample, METRIC_PY_POOLS, (int64_t)(sum->used_pools + sum->free_pools), now);
    if (places > 0)
        sample_set(sample, METRIC_PY_COVERAGE, (int64_t)(read * 10000 / places), now);
    else
        sample_clear(sample, METRIC_PY_COVERAGE);
}

/* Said once: it will be so for every process of this kind. With its rights the probe may still be
 * refused, by a security module; that says nothing about others. */
static void scans_say(struct head *head, int result, uint32_t rights)
{
    struct scans *scans = &head->scans;
    bool memory = result == -EPERM && !(rights & PROBE_RIGHT_PTRACE);
    bool *said = memory ? &scans->said_memory : &scans->said_pagemap;
    if (*said || (!memory && result != -EACCES))
        return;
    *said = true;
    char target[PROCESS_ID_SIZE];
    process_id_format(scans->id, target);
    journal_note(head->journal, EVENT_KIND_PROBE, target, NULL, NULL,
                 "Python's pools are not counted from outside: the probe lacks %s",
                 memory ? "CAP_SYS_PTRACE to read the memory of this process"
                        : "CAP_DAC_READ_SEARCH to read PID/pagemap of this process");
}

/* Nothing of an unfinished scan is shown. */
static void scans_fail(struct head *head, struct process *process, int result, uint64_t now)
{
    struct scan_turn *turn = &table_tracked(&head->table, process)->scan;
    int64_t rss = 0;
    head->scans.active = false;
    sample_get(&process->sample, METRIC_RSS, &rss);
    scan_turn_failed(turn, result, rss, now);
    if (result == -ENOEXEC)
        scans_forget(process);
}

static void scans_end(struct head *head, struct process *process, uint64_t now)
{
    struct scans *scans = &head->scans;
    bool none = scans->sum.used_pools + scans->sum.free_pools == 0;
    if (none && scans->guessed && scans->part.pool_bytes == POOL_BYTES_NEW) {
        scans->part = (struct probe_scan_part){.pool_bytes = POOL_BYTES_OLD};
        scans->sum = (struct probe_pools){0};
        return;
    }
    if (none && scans->guessed) {
        scans_fail(head, process, -ENOEXEC, now);
        return;
    }
    struct scan_turn *turn = &table_tracked(&head->table, process)->scan;
    int64_t rss = 0;
    sample_get(&process->sample, METRIC_RSS, &rss);
    scans->active = false;
    scan_turn_done(turn, rss, now);
    scans_put(&scans->sum, process, now);
}

/* 0 and the part that was asked for, or why there is none. */
static int scans_part(const struct scans *scans, const struct probe_answer *answer,
                      struct probe_pools *ret_part)
{
    struct probe_pools part = {0};
    int r = answer->result;
    if (r == 0)
        r = probe_pools_decode(answer->payload, answer->payload_length, &part);
    if (r != 0)
        return r;
    /* It called exec between two parts: half of each program. */
    if (scans->exec_mark != 0 && scans->exec_mark != answer->exec_mark)
        return -EAGAIN;
    /* A probe that does not get on would never end. */
    bool moves = part.cursor == 0 || part.cursor > scans->part.cursor;
    if (!moves || (scans->part.pool_bytes != 0 && scans->part.pool_bytes != part.pool_bytes))
        return -EBADMSG;
    *ret_part = part;
    return 0;
}

static void scans_take(struct head *head, struct process *process,
                       const struct probe_answer *answer, uint64_t now)
{
    struct scans *scans = &head->scans;
    struct probe_pools part = {0};
    int result = scans_part(scans, answer, &part);
    if (result != 0) {
        scans_say(head, result, answer->rights);
        scans_fail(head, process, result, now);
        return;
    }
    if (scans->part.pool_bytes == 0)
        scans->guessed = part.major == 0;
    uint64_t looked = part.read_places * part.pool_bytes;
    scans->bytes -= looked < scans->bytes ? looked : scans->bytes;
    scans->exec_mark = answer->exec_mark;
    scans->part.pool_bytes = part.pool_bytes;
    scans->part.cursor = part.cursor;
    probe_pools_add(&scans->sum, &part);
    if (part.cursor == 0)
        scans_end(head, process, now);
}

bool scans_on_answer(struct head *head, const struct probe_answer *answer)
{
    struct scans *scans = &head->scans;
    if (!scans->waiting || answer->sequence != scans->sequence)
        return false;
    uint64_t now = clock_mono_usec();
    scans->waiting = false;
    struct process *process = table_find(&head->table, scans->id);
    if (process && scans->active)
        scans_take(head, process, answer, now);
    else
        scans->active = false;
    scans_go_on(head, now);
    return true;
}

void scans_ask(struct head *head, const struct process *process)
{
    size_t index = (size_t)(process - head->table.processes);
    struct scan_turn *turn = &head->table.tracked[index].scan;
    if (turn->done_usec > 0)
        turn->next_usec = 0;
    /* The search goes on behind the cursor. */
    head->scans.cursor = (index + head->table.count - 1) % head->table.count;
}

void scans_on_exec(struct head *head, struct process *process)
{
    struct scans *scans = &head->scans;
    if (scans->active && process_id_equal(scans->id, process->id))
        scans->active = false; /* the part that is awaited finds nobody waiting for it */
    table_tracked(&head->table, process)->scan = (struct scan_turn){0};
    scans_forget(process);
}
