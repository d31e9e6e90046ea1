/* SPDX-License-Identifier: MIT */
/*
 * The loop's table of processes: what is published (struct process, dense, copied whole) and,
 * beside it at the same index, what only the loop knows (struct tracked). Mapped once for
 * max_processes. Entries move when another one is removed: keep a struct process_id, not a
 * pointer, across ticks. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_TABLE_H
#define MEMTEND_ENGINE_TABLE_H

#include "engine/scan_turn.h"
#include "model/process.h"

/* CPU in percent is measured over this many ticks (5 s at the default period). */
#define TABLE_CPU_SPAN 5

struct rule_track; /* of engine/rule_book: the state of every rule for this process */

struct tracked {
    int64_t row;        /* in the store; 0 = not yet given out */
    char *full_cmdline; /* cleaned, unredacted; for rules only, never leaves the process. Owned */
    struct rule_track *rules; /* owned by rule_book, NULL = none */

    uint64_t seen_tick;                     /* last tick at which the fast pass saw it */
    uint64_t cpu_ticks[TABLE_CPU_SPAN + 1]; /* ring of utime + stime, USER_HZ */
    uint64_t cpu_usec[TABLE_CPU_SPAN + 1];  /* when each was read */
    uint32_t cpu_count;

    uint64_t slow_usec;     /* monotonic time of the last slow read */
    int64_t slow_rss_bytes; /* RSS then */
    int64_t deep_rss_bytes;
    uint64_t deep_asked_usec;     /* a routine read is under way or was refused then */
    uint64_t stat_asked_usec;     /* agent statistics */
    struct scan_turn scan;        /* for pools, from outside */
    uint64_t identity_usec;       /* when cmdline and exe were read; 0 = read them soon */
    uint64_t identity_asked_usec; /* last asked; 0 = never */
    bool deep_denied;             /* the probe may not read this one */
    bool unit_known;              /* read from the cgroup for this program */
    bool had_agent;               /* its state is gone when the exit is noticed */
    bool identity_changed;        /* tell the store */
    /* a rule names a field of this source */
    bool slow_wanted, deep_wanted, agent_wanted, pools_wanted;
    uint32_t stored_present; /* what the store got last */
    int64_t stored[METRIC_PROCESS_COUNT];
    uint64_t stored_tick; /* 0 = never */
};

struct table {
    size_t capacity, count;
    struct process *processes; /* [0, count) */
    struct tracked *tracked;   /* same index */
    uint32_t *by_pid;          /* open-addressing hash of index + 1 */
    size_t hash_mask;
};

int table_init(struct table *table, size_t capacity);
/* release is called for each entry first; NULL allowed. */
void table_finish(struct table *table, void (*release)(void *context, struct tracked *tracked),
                  void *context);

/* NULL when not there. */
struct process *table_find_pid(const struct table *table, pid_t pid);
struct process *table_find(const struct table *table, struct process_id id);
struct tracked *table_tracked(const struct table *table, const struct process *process);
/* A zeroed entry with this id; NULL when the table is full. The pid must not be in it. */
struct process *table_add(struct table *table, struct process_id id);
/* Frees full_cmdline; tracked->rules must have been released before. */
void table_remove(struct table *table, struct process *process);
/* Families of all entries (model/group). */
void table_families(struct table *table);

#endif
