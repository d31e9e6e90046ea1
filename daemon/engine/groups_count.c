/* SPDX-License-Identifier: MIT */
#include "engine/groups_state.h"

#include "base/clock.h"

#include <string.h>
#include <unistd.h>

/* A process that was younger when first seen began under our eyes. */
#define GROUPS_WITNESS_USEC (3 * USEC_PER_SEC)
/*
 * All figures are counted anew this often, and whenever a reader wants them; RSS in each tick. A
 * count looks at every process: 0.1 ms for 1,000.
 */
#define GROUPS_COUNT_USEC (5 * USEC_PER_SEC)

static bool groups_is_young(const struct process *process, const struct group_time *time)
{
    static uint64_t usec_per_tick;
    if (usec_per_tick == 0)
        usec_per_tick = USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
    return process->id.start_ticks * usec_per_tick + GROUPS_WITNESS_USEC > time->boot_usec;
}

void groups_first_sight(const struct table *table, struct subject subject,
                        const struct group_time *time)
{
    struct group_seat *seat = &subject.tracked->group;
    ssize_t parent = table_index(table, subject.process->ppid);
    int64_t rss = table_glance(table, subject.process)->rss_bytes;
    /* It may have grown already; from its parent it cannot have more than that has. */
    if (parent >= 0 && table->glances[parent].rss_bytes < rss)
        rss = table->glances[parent].rss_bytes;
    seat->seen = true;
    seat->witnessed = groups_is_young(subject.process, time);
    seat->base_read = seat->witnessed;
    seat->base_rss_bytes = rss;
}

/* When there is a new reading of USS: of those that share memory with a parent by fork. */
static void groups_cow(struct process *process, struct group_seat *seat)
{
    struct group_cow cow;
    uint64_t read_usec = sample_time(&process->sample, METRIC_USS);
    if (process->role != PROCESS_ROLE_WORKER || process_id_equal(process->family, process->id) ||
        !sample_get(&process->sample, METRIC_USS, &cow.uss_bytes) ||
        !sample_get(&process->sample, METRIC_RSS, &cow.rss_bytes)) {
        process->cow_loss_bytes = -1;
        return;
    }
    if (read_usec == seat->uss_usec)
        return;
    seat->uss_usec = read_usec;
    if (!seat->base_read) {
        seat->base_read = true;
        seat->base_rss_bytes = cow.rss_bytes;
        seat->base_uss_bytes = cow.uss_bytes;
    }
    cow.base_rss_bytes = seat->base_rss_bytes;
    cow.base_uss_bytes = seat->base_uss_bytes;
    process->cow_loss_bytes = group_cow_loss(&cow);
}

/* By what the fast pass has in its hands anyway. */
static void groups_count_rss(struct groups *groups, const struct table *table)
{
    struct group_record *all = groups->table.groups;
    for (size_t i = 0; i < groups->table.count; i++) {
        all[i].members = 0;
        all[i].rss_bytes = 0;
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct glance *glance = &table->glances[i];
        if (glance->group == 0)
            continue;
        all[glance->group - 1].members++;
        all[glance->group - 1].rss_bytes += glance->rss_bytes;
    }
}

static void groups_count_all(struct groups *groups, struct table *table)
{
    struct group_record *all = groups->table.groups;
    groups->counted_usec = groups->time.mono_usec;
    for (size_t i = 0; i < groups->table.count; i++)
        group_begin(&all[i]);
    for (size_t i = 0; i < table->count; i++) {
        uint32_t place = table->glances[i].group;
        if (place == 0)
            continue;
        groups_cow(&table->processes[i], &table->tracked[i].group);
        group_add(&all[place - 1], &table->processes[i]);
    }
    for (size_t i = 0; i < groups->table.count; i++) {
        group_end(&all[i]);
        all[i].came_last_hour =
            group_table_came_last_hour(&groups->table, (uint32_t)i + 1, groups->time.mono_usec);
    }
}

void groups_count(struct groups *groups, struct table *table)
{
    if (groups->time.mono_usec - groups->counted_usec >= GROUPS_COUNT_USEC)
        groups_count_all(groups, table);
    else
        groups_count_rss(groups, table);
}

void groups_renew(struct groups *groups, struct table *table)
{
    if (groups->counted_usec != groups->time.mono_usec)
        groups_count_all(groups, table);
}

void groups_copy(const struct groups *groups, struct snapshot *snapshot)
{
    snapshot->group_count = groups->table.count;
    memcpy(snapshot->groups, groups->table.groups,
           snapshot->group_count * sizeof(*snapshot->groups));
    for (size_t i = 0; i < snapshot->group_count; i++)
        snapshot_group_limit(snapshot, &snapshot->groups[i]);
}
