/* SPDX-License-Identifier: MIT */
/*
 * The passes of a tick that need no right and cannot block on a process: PID/stat of everybody,
 * PID/status of those that changed, the files of the host. Loop thread.
 */
#include "engine/head.h"

#include "base/clock.h"
#include "base/text.h"
#include "collect/meminfo.h"
#include "collect/pressure.h"
#include "collect/proc_cgroup.h"
#include "collect/proc_stat.h"
#include "collect/proc_status.h"
#include "collect/vmstat.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A kernel thread has no memory; it is looked at now and then, in case its pid is someone else's.
 */
#define PASSES_KERNEL_THREAD_TICKS 64
/* A process is read slowly when its RSS moved by the smaller of these, or its turn has come. */
#define PASSES_MOVED_BYTES   (INT64_C(256) << 10)
#define PASSES_MOVED_PERCENT 1

static uint64_t ticks_to_usec(uint64_t ticks)
{
    static uint64_t usec_per_tick;
    if (usec_per_tick == 0)
        usec_per_tick = USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
    return ticks * usec_per_tick;
}

/* CPU over the last TABLE_CPU_SPAN readings; absent until there are two. */
static void fast_cpu(struct process *process, struct tracked *tracked, uint64_t ticks, uint64_t now)
{
    uint32_t slots = TABLE_CPU_SPAN + 1;
    uint32_t slot = tracked->cpu_count % slots;
    tracked->cpu_ticks[slot] = ticks;
    tracked->cpu_usec[slot] = now;
    tracked->cpu_count++;
    if (tracked->cpu_count < 2)
        return;
    uint32_t oldest = tracked->cpu_count <= slots ? 0 : tracked->cpu_count % slots;
    uint64_t elapsed = now - tracked->cpu_usec[oldest];
    uint64_t used = ticks - tracked->cpu_ticks[oldest];
    if (elapsed > 0 && ticks >= tracked->cpu_ticks[oldest])
        sample_set(&process->sample, METRIC_CPU, (int64_t)(ticks_to_usec(used) * 10000 / elapsed),
                   now);
}

static void fast_update(struct head *head, struct process *process, const struct proc_stat *stat,
                        uint64_t now)
{
    struct tracked *tracked = table_tracked(&head->table, process);
    struct sample *sample = &process->sample;
    tracked->seen_tick = head->tick;
    tracked->had_agent |= process->agent.state != AGENT_STATE_NONE;
    process->ppid = stat->ppid;
    process->kernel_thread = stat->kernel_thread;
    if (stat->kernel_thread)
        return;
    if (strcmp(process->comm, stat->comm) != 0) {
        text_copy(process->comm, sizeof(process->comm), stat->comm);
        tracked->identity_usec = 0; /* probably an exec: look again */
        tracked->identity_changed = true;
        tracked->unit_known = false;
    }
    sample_set(sample, METRIC_RSS, stat->rss_bytes, now);
    sample_set(sample, METRIC_THREADS, stat->threads, now);
    sample_set(sample, METRIC_MAJOR_FAULTS, (int64_t)stat->major_faults, now);
    uint64_t born_usec = ticks_to_usec(stat->id.start_ticks);
    uint64_t boot_usec = now + head->boot_offset_usec;
    sample_set(sample, METRIC_AGE, boot_usec > born_usec ? (int64_t)(boot_usec - born_usec) : 0,
               now);
    fast_cpu(process, tracked, stat->user_ticks + stat->system_ticks, now);
}

static struct process *fast_add(struct head *head, const struct proc_stat *stat, uint64_t now)
{
    struct process *process = table_add(&head->table, stat->id);
    if (!process)
        return NULL;
    process->first_seen_usec = now;
    struct tracked *tracked = table_tracked(&head->table, process);
    if (!stat->kernel_thread)
        tracked->row = head->next_row++;
    tracked->identity_changed = true;
    return process;
}

static void fast_remove(struct head *head, struct process *process)
{
    struct tracked *tracked = table_tracked(&head->table, process);
    if (rule_book_fired(tracked) || tracked->had_agent) {
        char target[PROCESS_ID_SIZE], rss[TEXT_BYTES_SIZE] = "unknown";
        int64_t bytes;
        process_id_format(process->id, target);
        if (sample_get(&process->sample, METRIC_RSS, &bytes))
            text_format_bytes(bytes, rss);
        journal_note(head->journal, EVENT_KIND_EXIT, target, NULL, NULL,
                     "%s has ended; last RSS %s", process->comm, rss);
    }
    actions_on_exit(head->actions, process->id);
    rule_book_forget(tracked);
    if (tracked->stored_tick > 0)
        record_ended(head, tracked->row);
    table_remove(&head->table, process);
}

static void fast_one(struct head *head, pid_t pid, uint64_t now)
{
    struct process *process = table_find_pid(&head->table, pid);
    if (process && process->kernel_thread &&
        (head->tick + (uint64_t)pid) % PASSES_KERNEL_THREAD_TICKS != 0) {
        table_tracked(&head->table, process)->seen_tick = head->tick;
        return;
    }
    struct proc_stat stat;
    enum outcome outcome = proc_stat_read(head->proc_fd, pid, &stat);
    if (outcome != OUTCOME_OK) {
        head->status.processes_unreadable += outcome != OUTCOME_GONE;
        return;
    }
    if (process && !process_id_equal(process->id, stat.id)) {
        fast_remove(head, process); /* the pid is someone else's now */
        process = NULL;
    }
    if (!process)
        process = fast_add(head, &stat, now);
    if (process)
        fast_update(head, process, &stat, now);
}

void passes_fast(struct head *head, uint64_t now_usec)
{
    uint64_t begun = clock_mono_usec();
    head->status.processes_unreadable = 0;
    /* Without a list nobody is declared dead: the table stays as it was. */
    if (process_list_read(&head->pids) < 0)
        return;
    for (size_t i = 0; i < head->pids.count; i++)
        fast_one(head, head->pids.pids[i], now_usec);
    for (size_t i = head->table.count; i-- > 0;)
        if (head->table.tracked[i].seen_tick != head->tick)
            fast_remove(head, &head->table.processes[i]);
    head->status.fast_usec_total += clock_mono_usec() - begun;
}

static bool slow_due(const struct head *head, const struct process *process,
                     const struct tracked *tracked, uint64_t now)
{
    if (tracked->slow_usec == 0 || tracked->slow_wanted)
        return true;
    int64_t rss = 0;
    sample_get(&process->sample, METRIC_RSS, &rss);
    int64_t moved = llabs(rss - tracked->slow_rss_bytes);
    if (moved > PASSES_MOVED_BYTES || moved > rss * PASSES_MOVED_PERCENT / 100)
        return true;
    uint64_t turns = head->config.slow_period_usec / head->config.tick_usec;
    return now - tracked->slow_usec >= head->config.slow_period_usec ||
           (turns > 0 && (head->tick + (uint64_t)process->id.pid) % turns == 0);
}

/* Once, and again when the program seems to be another one. */
static void slow_unit(const struct head *head, struct process *process, struct tracked *tracked)
{
    struct proc_cgroup cgroup;
    char unit[PROCESS_UNIT_SIZE] = "";
    tracked->unit_known = true;
    if (proc_cgroup_read(head->proc_fd, process->id.pid, &cgroup) == OUTCOME_OK)
        cgroup_unit(cgroup.path, unit);
    if (strcmp(unit, process->unit) == 0)
        return;
    text_copy(process->unit, sizeof(process->unit), unit);
    tracked->identity_changed = true;
}

static void slow_one(struct head *head, struct process *process, struct tracked *tracked,
                     uint64_t now)
{
    struct proc_status status;
    if (proc_status_read(head->proc_fd, process->id.pid, &status) != OUTCOME_OK)
        return;
    if (!tracked->unit_known)
        slow_unit(head, process, tracked);
    /* The store keeps who may see its history. */
    tracked->identity_changed |= process->uid != status.uid;
    process->uid = status.uid;
    proc_status_sample(&status, now, &process->sample);
    tracked->slow_usec = now;
    sample_get(&process->sample, METRIC_RSS, &tracked->slow_rss_bytes);
}

void passes_slow(struct head *head, uint64_t now_usec)
{
    uint64_t begun = clock_mono_usec();
    for (size_t i = 0; i < head->table.count; i++) {
        struct process *process = &head->table.processes[i];
        struct tracked *tracked = &head->table.tracked[i];
        if (!process->kernel_thread && slow_due(head, process, tracked, now_usec))
            slow_one(head, process, tracked, now_usec);
    }
    head->status.slow_usec_total += clock_mono_usec() - begun;
}

static void host_oom_kills(struct head *head, int64_t before, bool known)
{
    int64_t kills;
    if (!known || !sample_get(&head->host, METRIC_OOM_KILLS, &kills) || kills <= before)
        return;
    journal_note(head->journal, EVENT_KIND_OOM_KILL, "host", NULL, NULL,
                 "the kernel killed %lld process%s for want of memory", (long long)(kills - before),
                 kills - before == 1 ? "" : "es");
}

void passes_host(struct head *head, uint64_t now_usec)
{
    int64_t kills = 0;
    bool known = sample_get(&head->host, METRIC_OOM_KILLS, &kills);
    meminfo_read(head->proc_fd, now_usec, &head->host);
    vmstat_read(head->proc_fd, now_usec, &head->host);
    enum outcome psi = pressure_read(head->proc_fd, now_usec, &head->host);
    head->status.psi = psi == OUTCOME_OK ? PSI_STATE_POLLED : PSI_STATE_ABSENT;
    host_oom_kills(head, kills, known);
}
