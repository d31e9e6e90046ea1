/* SPDX-License-Identifier: MIT */
#include "engine/table.h"

#include "engine/pages.h"
#include "model/group.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Of each process. A full command line may have eight times as much, but few are that long. */
#define TABLE_TEXT_BYTES (size_t)512

int table_init(struct table *table, size_t capacity)
{
    size_t buckets = 16;
    while (buckets < capacity * 2)
        buckets *= 2;
    struct table new = {
        .capacity = capacity,
        .glances = pages_map(capacity, sizeof(struct glance)),
        .processes = pages_map(capacity, sizeof(struct process)),
        .tracked = pages_map(capacity, sizeof(struct tracked)),
        .by_pid = pages_map(buckets, sizeof(uint32_t)),
        .hash_mask = buckets - 1,
    };
    if (!new.glances || !new.processes || !new.tracked || !new.by_pid ||
        text_pool_init(&new.texts, capacity * TABLE_TEXT_BYTES, capacity) < 0) {
        table_finish(&new, NULL, NULL);
        return -ENOMEM;
    }
    *table = new;
    return 0;
}

void table_finish(struct table *table, void (*release)(void *context, struct tracked *tracked),
                  void *context)
{
    for (size_t i = 0; i < table->count; i++) {
        if (release)
            release(context, &table->tracked[i]);
        table_unkeep(table, &table->glances[i]);
    }
    pages_unmap(table->glances, table->capacity, sizeof(struct glance));
    pages_unmap(table->processes, table->capacity, sizeof(struct process));
    pages_unmap(table->tracked, table->capacity, sizeof(struct tracked));
    pages_unmap(table->by_pid, table->hash_mask + 1, sizeof(uint32_t));
    text_pool_finish(&table->texts);
    *table = (struct table){0};
}

/* Consecutive pids are common: spread them (Knuth's multiplicative hash). */
static size_t table_bucket(const struct table *table, pid_t pid)
{
    return ((uint32_t)pid * UINT32_C(2654435761)) >> 7 & table->hash_mask;
}

/* Bucket that holds the pid, or the free one where it belongs. */
static size_t table_seek(const struct table *table, pid_t pid)
{
    size_t bucket = table_bucket(table, pid);
    while (table->by_pid[bucket] != 0 && table->glances[table->by_pid[bucket] - 1].pid != pid)
        bucket = (bucket + 1) & table->hash_mask;
    return bucket;
}

ssize_t table_index(const struct table *table, pid_t pid)
{
    return (ssize_t)table->by_pid[table_seek(table, pid)] - 1;
}

struct process *table_find_pid(const struct table *table, pid_t pid)
{
    ssize_t index = table_index(table, pid);
    return index < 0 ? NULL : &table->processes[index];
}

struct process *table_find(const struct table *table, struct process_id id)
{
    struct process *process = table_find_pid(table, id.pid);
    return process && process_id_equal(process->id, id) ? process : NULL;
}

struct tracked *table_tracked(const struct table *table, const struct process *process)
{
    return &table->tracked[process - table->processes];
}

struct glance *table_glance(const struct table *table, const struct process *process)
{
    return &table->glances[process - table->processes];
}

void table_keep(struct table *table, struct glance *glance, int statm)
{
    glance->statm = statm;
    table->kept++;
}

void table_unkeep(struct table *table, struct glance *glance)
{
    if (glance->statm < 0)
        return;
    close(glance->statm);
    glance->statm = -1;
    table->kept--;
}

struct process *table_add(struct table *table, struct process_id id)
{
    if (table->count == table->capacity)
        return NULL;
    size_t index = table->count++;
    table->processes[index] =
        (struct process){.id = id, .family = id, .family_size = 1, .cow_loss_bytes = -1};
    table->tracked[index] = (struct tracked){0};
    table->glances[index] = (struct glance){.pid = id.pid, .statm = -1, .group_due = true};
    table->families_stale = true;
    table->by_pid[table_seek(table, id.pid)] = (uint32_t)index + 1;
    return &table->processes[index];
}

/* Open addressing without tombstones: entries behind the hole move back to where a search for
 * them still passes. */
static void table_unhash(struct table *table, pid_t pid)
{
    size_t hole = table_seek(table, pid);
    size_t next = (hole + 1) & table->hash_mask;
    while (table->by_pid[next] != 0) {
        size_t home = table_bucket(table, table->glances[table->by_pid[next] - 1].pid);
        if (((next - home) & table->hash_mask) >= ((next - hole) & table->hash_mask)) {
            table->by_pid[hole] = table->by_pid[next];
            hole = next;
        }
        next = (next + 1) & table->hash_mask;
    }
    table->by_pid[hole] = 0;
}

bool table_set_text(struct table *table, const char **text, const char *value)
{
    const char *before = *text, *after = *value ? text_pool_take(&table->texts, value) : NULL;
    *text = after;
    text_pool_drop(&table->texts, before);
    /* Each text is there once: another place is another text. */
    return after != before;
}

static void table_drop_texts(struct table *table, size_t index)
{
    const struct process *process = &table->processes[index];
    const struct tracked *tracked = &table->tracked[index];
    const char *texts[] = {process->name, process->unit, process->cmdline, tracked->full_cmdline,
                           tracked->group.label.name};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        text_pool_drop(&table->texts, texts[i]);
}

void table_remove(struct table *table, struct process *process)
{
    size_t index = (size_t)(process - table->processes);
    size_t last = table->count - 1;
    table_drop_texts(table, index);
    table_unkeep(table, &table->glances[index]);
    table_unhash(table, process->id.pid);
    if (index != last) {
        size_t moved = table_seek(table, table->glances[last].pid);
        table->glances[index] = table->glances[last];
        table->processes[index] = table->processes[last];
        table->tracked[index] = table->tracked[last];
        table->by_pid[moved] = (uint32_t)index + 1;
    }
    table->count--;
    table->families_stale = true;
}

static ssize_t table_index_of(const void *context, pid_t pid)
{
    return table_index(context, pid);
}

void table_families(struct table *table)
{
    if (!table->families_stale)
        return;
    table->families_stale = false;
    group_families(table->processes, table->count, table_index_of, table);
}
