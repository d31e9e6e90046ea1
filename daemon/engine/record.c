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

static void record_identity(struct tick *tick, const struct process *process,
                            struct tracked *tracked)
{
    struct tick_process *entry = &tick->processes[tick->process_count++];
    entry->row = tracked->row;
    entry->id = process->id;
    entry->exec_count = process->exec_count;
    entry->uid = process->uid;
    text_copy(entry->comm, sizeof(entry->comm), process->comm);
    text_copy(entry->name, sizeof(entry->name), process->name);
    text_copy(entry->unit, sizeof(entry->unit), process->unit);
    text_copy(entry->cmdline, sizeof(entry->cmdline), process->cmdline);
    tracked->identity_changed = false;
}

/* Age follows from the start time; storing it would make every row new at every tick. */
static uint32_t record_present(const struct sample *sample)
{
    return sample->present & ~(UINT32_C(1) << METRIC_AGE);
}

static bool record_changed(const struct head *head, const struct process *process,
                           const struct tracked *tracked)
{
    uint32_t present = record_present(&process->sample);
    if (tracked->stored_tick == 0 || present != tracked->stored_present)
        return true;
    if ((head->tick + (uint64_t)tracked->row) % TICK_KEYFRAME == 0)
        return true;
    for (unsigned i = 0; i < METRIC_PROCESS_COUNT; i++)
        if (present >> i & 1 && process->sample.value[i] != tracked->stored[i])
            return true;
    return false;
}

static void record_values(const struct head *head, struct tick *tick, const struct process *process,
                          struct tracked *tracked)
{
    struct tick_row *entry = &tick->rows[tick->row_count++];
    entry->row = tracked->row;
    entry->present = record_present(&process->sample);
    memcpy(entry->value, process->sample.value, sizeof(entry->value));
    tracked->stored_present = entry->present;
    memcpy(tracked->stored, entry->value, sizeof(tracked->stored));
    tracked->stored_tick = head->tick;
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
    for (size_t i = 0; i < head->table.count; i++) {
        struct process *process = &head->table.processes[i];
        struct tracked *tracked = &head->table.tracked[i];
        if (process->kernel_thread)
            continue;
        if (tracked->identity_changed)
            record_identity(tick, process, tracked);
        if (record_changed(head, process, tracked))
            record_values(head, tick, process, tracked);
    }
    tick->ended_count = head->ended.count;
    memcpy(tick->ended, head->ended.rows, head->ended.count * sizeof(*tick->ended));
    head->ended.count = 0;
    store_writer_tick_put(head->writer, tick);
}
