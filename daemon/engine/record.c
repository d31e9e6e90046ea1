/* SPDX-License-Identifier: MIT */
/*
 * The table's way to the store: each tick, the rows that changed since the store was told. Never
 * waits: when the writer is behind, the changes go into a later tick. Loop thread.
 */
#include "engine/head.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

void record_ended(struct head *head, int64_t row)
{
    if (head->ended.count < head->table.capacity)
        head->ended.rows[head->ended.count++] = row;
}

static void record_identity(const struct head *head, struct tick *tick,
                            const struct process *process, struct tracked *tracked)
{
    const struct group_record *group = group_table_at(&head->groups.table, process->group);
    struct tick_process *entry = &tick->processes[tick->process_count++];
    entry->row = tracked->row;
    entry->id = process->id;
    entry->exec_count = process->exec_count;
    entry->uid = process->uid;
    text_copy(entry->comm, sizeof(entry->comm), process->comm);
    text_copy(entry->name, sizeof(entry->name), process_name(process));
    text_copy(entry->unit, sizeof(entry->unit), process_unit(process));
    text_copy(entry->group, sizeof(entry->group), group ? group->name : "");
    text_copy(entry->cmdline, sizeof(entry->cmdline), process_cmdline(process));
    tracked->stored_group = process->group;
    tracked->identity_changed = false;
}

/* Age follows from the start time; storing it would make every row new at every tick. */
#define RECORD_FIELDS (((UINT32_C(1) << METRIC_STORED_COUNT) - 1) & ~(UINT32_C(1) << METRIC_AGE))

static void record_values(struct tick *tick, struct process *process, struct tracked *tracked)
{
    struct tick_row *entry = &tick->rows[tick->row_count++];
    entry->row = tracked->row;
    entry->present = process->sample.present & RECORD_FIELDS;
    memcpy(entry->value, process->sample.value, sizeof(entry->value));
    process->sample.changed = 0;
    tracked->stored = true;
}

/* Of most processes nothing is new: that is known without a look at what else there is of them. */
static void record_one(const struct head *head, struct tick *tick, size_t index)
{
    struct process *process = &head->table.processes[index];
    struct tracked *tracked = &head->table.tracked[index];
    bool keyframe = (head->tick + (uint64_t)head->table.glances[index].pid) % TICK_KEYFRAME == 0;
    bool identity = tracked->identity_changed || tracked->stored_group != process->group;
    if (!keyframe && !(process->sample.changed & RECORD_FIELDS) && !identity)
        return;
    if (identity)
        record_identity(head, tick, process, tracked);
    if (keyframe || !tracked->stored || process->sample.changed & RECORD_FIELDS)
        record_values(tick, process, tracked);
}

void record_tick(struct head *head, uint64_t now_usec)
{
    struct tick *tick = head->writer ? store_writer_tick_get(head->writer) : NULL;
    if (!tick) {
        head->status.ticks_dropped++;
        return;
    }
    tick->number = head->tick;
    tick->mono_usec = now_usec;
    tick->wall_usec = clock_wall_usec();
    tick->host = head->host;
    for (size_t i = 0; i < head->table.count; i++)
        if (!head->table.glances[i].kernel_thread)
            record_one(head, tick, i);
    tick->ended_count = head->ended.count;
    memcpy(tick->ended, head->ended.rows, head->ended.count * sizeof(*tick->ended));
    head->ended.count = 0;
    store_writer_tick_put(head->writer, tick);
}
