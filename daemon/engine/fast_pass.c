/* SPDX-License-Identifier: MIT */
/*
 * Every process, every tick. Where its PID/statm is kept open that is one read, and nothing else is
 * touched while its RSS stays; all others cost a read of PID/stat by path. Who comes, goes and has
 * its slow fields due is decided here. Loop thread; needs no right, cannot block on a process.
 */
#include "engine/head.h"

#include "base/clock.h"
#include "base/text.h"
#include "collect/proc_stat.h"
#include "collect/proc_statm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A kernel thread has no memory; it is looked at now and then, in case its pid is someone else's.
 */
#define FAST_KERNEL_THREAD_TICKS 64
/* A process is read in full when its RSS moved by the smaller of these, or its turn has come. */
#define FAST_MOVED_BYTES   (INT64_C(256) << 10)
#define FAST_MOVED_PERCENT 1
/* Who used 1 % of a core since the last reading is asked each tick while that lasts. */
#define FAST_BUSY_PERMYRIAD 100
/* CPU is measured over this, or since the reading before when that is longer ago. */
#define FAST_CPU_MSEC 5000

/* All processes are listed at least so often, whatever the numbers of new ones say. */
#define FAST_LIST_TICKS 10
/* A look at a number that nobody has takes a seventh of an entry of the list (0.17 us, 1.2 us). */
#define FAST_NEW_NUMBERS 4

static uint64_t ticks_to_usec(uint64_t ticks)
{
    static uint64_t usec_per_tick;
    if (usec_per_tick == 0)
        usec_per_tick = USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
    return ticks * usec_per_tick;
}

/* The youngest reading that is old enough, else the oldest there is; not the one in `newest`. */
static uint32_t fast_cpu_base(const struct tracked *tracked, uint32_t newest)
{
    uint32_t slots = TABLE_CPU_SPAN + 1;
    uint32_t known = tracked->cpu_count < slots ? tracked->cpu_count : slots;
    uint32_t base = newest;
    for (uint32_t back = 1; back < known; back++) {
        base = (newest + slots - back) % slots;
        if (tracked->cpu_msec[newest] - tracked->cpu_msec[base] >= FAST_CPU_MSEC)
            break;
    }
    return base;
}

static void fast_cpu(struct process *process, struct tracked *tracked, struct glance *glance,
                     uint64_t ticks, uint64_t now)
{
    uint32_t slot = tracked->cpu_count % (TABLE_CPU_SPAN + 1);
    tracked->cpu_ticks[slot] = (uint32_t)ticks;
    tracked->cpu_msec[slot] = (uint32_t)(now / USEC_PER_MSEC);
    tracked->cpu_count++;
    if (tracked->cpu_count < 2)
        return;
    uint32_t base = fast_cpu_base(tracked, slot);
    uint32_t elapsed_msec = tracked->cpu_msec[slot] - tracked->cpu_msec[base];
    uint32_t used = tracked->cpu_ticks[slot] - tracked->cpu_ticks[base];
    if (elapsed_msec == 0 || used > INT32_MAX) /* counters only rise: not ours to explain */
        return;
    int64_t permyriad = (int64_t)(ticks_to_usec(used) * 10 / elapsed_msec);
    sample_set(&process->sample, METRIC_CPU, permyriad, now);
    if (permyriad >= FAST_BUSY_PERMYRIAD)
        glance->cpu_ticks_left = TABLE_CPU_SPAN;
}

static void fast_rss(struct head *head, size_t index, int64_t rss_bytes, uint64_t now)
{
    struct glance *glance = &head->table.glances[index];
    bool changed = rss_bytes != glance->rss_bytes;
    kept_files_heat(glance, changed, head->tick);
    /* The first one is set even when it is 0. */
    glance->group_due |= changed;
    if (changed || glance->fresh)
        sample_set(&head->table.processes[index].sample, METRIC_RSS, rss_bytes, now);
    glance->rss_bytes = rss_bytes;
}

/* Is it time to read the slow fields? RSS and what rules want of it are known. */
static bool fast_slow_due(const struct head *head, size_t index)
{
    const struct glance *glance = &head->table.glances[index];
    if (glance->fresh || (head->rules_want && head->table.tracked[index].slow_wanted))
        return true;
    int64_t moved = llabs(glance->rss_bytes - glance->slow_rss_bytes);
    if (moved > FAST_MOVED_BYTES || moved > glance->rss_bytes / 100 * FAST_MOVED_PERCENT)
        return true;
    return (uint32_t)head->tick - glance->slow_tick >= head->slow_turns ||
           ((uint32_t)head->tick + (uint32_t)glance->pid) % head->slow_turns == 0;
}

static void fast_mark_slow(struct head *head, size_t index, bool due)
{
    struct glance *glance = &head->table.glances[index];
    glance->slow_due = due;
    if (!due)
        return;
    glance->slow_tick = (uint32_t)head->tick;
    glance->slow_rss_bytes = glance->rss_bytes;
}

/* Perhaps an exec: look again who it is, as whom it runs, and where it belongs. */
static void fast_forget_program(struct head *head, size_t index)
{
    struct tracked *tracked = &head->table.tracked[index];
    tracked->identity_usec = 0;
    tracked->identity_changed = true;
    tracked->unit_known = false;
    tracked->growth = (struct growth){0};
    head->table.glances[index].slow_due = true;
    head->table.families_stale = true;
}

void fast_pass_update(struct head *head, size_t index, const struct proc_stat *stat, uint64_t now)
{
    struct process *process = &head->table.processes[index];
    struct glance *glance = &head->table.glances[index];
    struct sample *sample = &process->sample;
    if (process->ppid != stat->ppid)
        head->table.families_stale = true;
    process->ppid = stat->ppid;
    if (strcmp(process->comm, stat->comm) != 0) {
        text_copy(process->comm, sizeof(process->comm), stat->comm);
        fast_forget_program(head, index);
    }
    sample_set(sample, METRIC_THREADS, stat->threads, now);
    sample_set(sample, METRIC_MAJOR_FAULTS, (int64_t)stat->major_faults, now);
    if (glance->cpu_ticks_left > 0)
        glance->cpu_ticks_left--;
    fast_cpu(process, &head->table.tracked[index], glance, stat->user_ticks + stat->system_ticks,
             now);
}

static ssize_t fast_add(struct head *head, const struct proc_stat *stat, uint64_t now)
{
    struct process *process = table_add(&head->table, stat->id);
    if (!process)
        return -1;
    struct tracked *tracked = table_tracked(&head->table, process);
    struct glance *glance = table_glance(&head->table, process);
    process->first_seen_usec = now;
    process->kernel_thread = glance->kernel_thread = stat->kernel_thread;
    glance->fresh = true;
    if (!stat->kernel_thread)
        tracked->row = head->next_row++;
    tracked->identity_changed = true;
    return process - head->table.processes;
}

static void fast_remove(struct head *head, struct process *process)
{
    struct tracked *tracked = table_tracked(&head->table, process);
    death_watch_remove(head, process);
    const struct group_time time = pipeline_time(head);
    groups_on_remove(&head->groups, &head->table, process, &time);
    actions_on_exit(head->actions, process->id);
    rule_book_forget(tracked);
    if (tracked->stored)
        record_ended(head, tracked->row);
    cgroups_leave(head->cgroups, process);
    table_remove(&head->table, process);
}

/*
 * The kept descriptor of an entry. False: PID/stat has to be read by path as well, because what is
 * in it is wanted, or because the descriptor answers no more and the pid may be someone else's.
 * When it is merely its turn the slow pass reads it.
 */
static bool fast_kept(struct head *head, size_t index, uint64_t now)
{
    struct glance *glance = &head->table.glances[index];
    struct proc_statm statm;
    enum outcome outcome = proc_statm_read(glance->statm, &statm);
    head->status.reads[outcome]++;
    if (outcome != OUTCOME_OK) {
        table_unkeep(&head->table, glance);
        return false;
    }
    glance->seen_tick = (uint32_t)head->tick;
    fast_rss(head, index, statm.rss_bytes, now);
    /* 0: not read yet, a zombie, or in the midst of an exec. */
    uint32_t text_pages = (uint32_t)statm.text_pages;
    bool exec = glance->text_pages != 0 && text_pages != 0 && text_pages != glance->text_pages;
    if (exec)
        fast_forget_program(head, index);
    if (text_pages != 0)
        glance->text_pages = text_pages;
    fast_mark_slow(head, index, exec || fast_slow_due(head, index));
    bool wanted =
        glance->cpu_ticks_left > 0 || (head->rules_want && head->table.tracked[index].stat_wanted);
    glance->stat_due = glance->slow_due && !wanted;
    return !wanted;
}

/* PID/stat says whose the descriptor is that was opened before. */
static void fast_keep(struct head *head, size_t index, int *statm)
{
    struct glance *glance = &head->table.glances[index];
    if (*statm >= 0 && !glance->fresh && !glance->kernel_thread && glance->statm < 0)
        table_keep(&head->table, glance, STEAL_FD(*statm));
}

static void fast_take(struct head *head, ssize_t known, const struct proc_stat *stat, int *statm,
                      uint64_t now)
{
    struct table *table = &head->table;
    if (known >= 0 && !process_id_equal(table->processes[known].id, stat->id)) {
        fast_remove(head, &table->processes[known]); /* the pid is someone else's now */
        known = -1;
    }
    ssize_t found = known >= 0 ? known : fast_add(head, stat, now);
    if (found < 0)
        return;
    size_t index = (size_t)found;
    struct glance *glance = &table->glances[index];
    glance->seen_tick = (uint32_t)head->tick;
    if (stat->kernel_thread)
        return;
    if (glance->statm < 0) {
        fast_rss(head, index, stat->rss_bytes, now);
        fast_mark_slow(head, index, fast_slow_due(head, index));
    }
    fast_keep(head, index, statm);
    fast_pass_update(head, index, stat, now);
    glance->fresh = false;
}

/*
 * A process that was there at the last tick may get a descriptor: one that comes and goes within a
 * second is not worth it. It is opened before PID/stat is read: who has the start time that we
 * know then, had the pid already when it was opened.
 */
static void fast_by_path(struct head *head, pid_t pid, ssize_t known, uint64_t now)
{
    const struct glance *glance = &head->table.glances[known >= 0 ? known : 0];
    _cleanup_(closep) int statm = -1;
    struct proc_stat stat;
    if (known >= 0 && !glance->kernel_thread && glance->statm < 0 &&
        kept_files_admit(&head->kept, &head->table, glance))
        proc_statm_open(head->proc_fd, pid, &statm);
    enum outcome outcome = proc_stat_read(head->proc_fd, pid, &stat);
    head->status.reads[outcome]++;
    if (outcome == OUTCOME_OK)
        fast_take(head, known, &stat, &statm, now);
    else
        head->status.processes_unreadable += outcome != OUTCOME_GONE;
}

static void fast_one(struct head *head, pid_t pid, ssize_t known, uint64_t now)
{
    struct glance *glance = &head->table.glances[known >= 0 ? known : 0];
    if (known >= 0 && glance->seen_tick == (uint32_t)head->tick)
        return; /* a new process with the number of an old one: done already */
    if (known >= 0 && glance->kernel_thread &&
        (head->tick + (uint64_t)pid) % FAST_KERNEL_THREAD_TICKS != 0) {
        glance->seen_tick = (uint32_t)head->tick;
        return;
    }
    if (known >= 0 && glance->statm >= 0 && fast_kept(head, (size_t)known, now))
        return;
    fast_by_path(head, pid, known, now);
}

/* Who was not seen is gone. The last entry moves into a hole: it has been looked at before. */
static void fast_sweep(struct head *head)
{
    head->kernel_threads = 0;
    for (size_t i = head->table.count; i-- > 0;) {
        const struct glance *glance = &head->table.glances[i];
        if (glance->seen_tick != (uint32_t)head->tick)
            fast_remove(head, &head->table.processes[i]);
        else
            head->kernel_threads += glance->kernel_thread;
    }
}

/*
 * Who is there: the new ones where the kernel's numbers tell, a list of all now and then and
 * whenever there are so many new numbers that looking at each would cost more.
 */
int fast_pass_discover(struct head *head)
{
    size_t count, limit = head->table.count * FAST_NEW_NUMBERS;
    bool list = head->pids.cut || head->tick % FAST_LIST_TICKS == 0;
    head->listed =
        newcomers_read(&head->newcomers, limit < head->pids.limit ? limit : head->pids.limit,
                       head->pids.pids, &count) == NEWCOMERS_LIST ||
        list;
    if (head->listed)
        return process_list_read(&head->pids);
    head->pids.count = count;
    return 0;
}

/* From the last to the first: what a removal moves, and what is added, has been looked at. */
static void fast_known(struct head *head, uint64_t now)
{
    for (size_t i = head->table.count; i-- > 0;)
        fast_one(head, head->table.glances[i].pid, (ssize_t)i, now);
}

void fast_pass(struct head *head, uint64_t now_usec)
{
    uint64_t turns = head->config.slow_period_usec / head->config.tick_usec;
    head->slow_turns = turns > 0 ? (uint32_t)turns : 1;
    head->rules_want = rule_book_count(head->book) > 0;
    head->status.processes_unreadable = 0;
    kept_files_on_tick(&head->kept);
    if (!head->listed)
        fast_known(head, now_usec);
    for (size_t i = 0; i < head->pids.count; i++)
        fast_one(head, head->pids.pids[i], table_index(&head->table, head->pids.pids[i]), now_usec);
    fast_sweep(head);
}

/*
 * What a tick renews of everybody by mere passing: done only when someone will look. The clock of
 * ages counts suspended time, as start times do.
 */
void fast_pass_renew(struct head *head, uint64_t now_usec)
{
    if (head->renewed_tick == head->tick)
        return;
    head->renewed_tick = head->tick;
    uint64_t boot_usec = now_usec + head->boot_offset_usec;
    for (size_t i = 0; i < head->table.count; i++) {
        struct process *process = &head->table.processes[i];
        if (head->table.glances[i].kernel_thread)
            continue;
        uint64_t born_usec = ticks_to_usec(process->id.start_ticks);
        sample_touch(&process->sample, METRIC_RSS, now_usec);
        sample_set(&process->sample, METRIC_AGE,
                   boot_usec > born_usec ? (int64_t)(boot_usec - born_usec) : 0, now_usec);
    }
    cgroups_renew(head->cgroups, &head->table);
}
