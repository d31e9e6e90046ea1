/* SPDX-License-Identifier: MIT */
/*
 * The loop's table of processes, in three arrays with the same index: what a tick looks at of
 * everybody (struct glance, small: it decides whether the rest is touched at all), what is
 * published (struct process, copied whole) and what only the loop knows (struct tracked). Mapped
 * once for max_processes. Entries move when another one is removed: keep a struct process_id, not
 * a pointer, across ticks. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_TABLE_H
#define MEMTEND_ENGINE_TABLE_H

#include "engine/group_seat.h"
#include "engine/growth.h"
#include "engine/probe_price.h"
#include "engine/scan_turn.h"
#include "engine/text_pool.h"
#include "model/process.h"

/* CPU in percent is measured over this many ticks (5 s at the default period). */
#define TABLE_CPU_SPAN 5

struct rule_track; /* of engine/rule_book: the state of every rule for this process */

/* One cache line. Numbers of ticks are their low 32 bits: compared for equality or by distance. */
struct glance {
    int64_t rss_bytes;
    int64_t slow_rss_bytes; /* when PID/stat and PID/status were last read */
    pid_t pid;
    int statm;              /* kept descriptor; -1 = none: the process is read by path */
    uint32_t seen_tick;     /* last tick at which the fast pass saw it */
    uint32_t slow_tick;     /* last tick at which its slow fields were read */
    uint32_t text_pages;    /* 0 = not known */
    uint8_t heat;           /* how much RSS moved lately, see kept_files.h */
    uint8_t cpu_ticks_left; /* it used CPU: so many ticks more it is asked for it each tick */
    bool kernel_thread;
    bool slow_due;  /* in this tick */
    bool stat_due;  /* and with it PID/stat, which has not been read in this tick */
    bool fresh;     /* added in this tick */
    bool group_due; /* engine/groups looks at it: RSS changed, or what its group follows from */
    uint32_t group; /* place of its group from 1, as in struct process */
};

/* There may be ten thousands of these: nothing in it is without use. */
struct tracked {
    int64_t row;              /* in the store; 0 = not yet given out */
    const char *full_cmdline; /* cleaned, unredacted; for rules only, never leaves the process */
    struct rule_track *rules; /* owned by rule_book, NULL = none */

    /* Ring of utime + stime in USER_HZ, and of when each was read in ms: their low 32 bits, which
     * is enough for differences. */
    uint32_t cpu_ticks[TABLE_CPU_SPAN + 1];
    uint32_t cpu_msec[TABLE_CPU_SPAN + 1];
    uint32_t cpu_count;
    uint32_t pages_cpu_usec; /* what the last reading page by page took; UINT32_MAX: or more */

    uint64_t slow_usec;       /* monotonic time of the last slow read; 0 = never */
    struct probe_price price; /* of deep readings */
    int64_t deep_rss_bytes;   /* RSS at the last one */
    uint64_t deep_asked_usec; /* a routine read is under way or was refused then */
    int64_t layers_rss_bytes; /* at the last reading of layers */
    uint64_t layers_usec;     /* of that; 0 = never */
    uint64_t pages_usec;      /* last reading page by page; 0 = never */
    struct growth growth;     /* of the program that it runs now */
    struct scan_turn scan;    /* for pools, from outside */
    struct group_seat group;
    uint64_t identity_usec;       /* when cmdline and exe were read; 0 = read them soon */
    uint64_t identity_asked_usec; /* last asked; 0 = never */
    /* How often its first thread left the CPU: when last looked, and when its identity was read. */
    uint32_t switches, identity_switches;
    bool deep_denied : 1;      /* the probe may not read this one */
    bool unit_known : 1;       /* read from the cgroup for this program */
    bool had_agent : 1;        /* its state is gone when the exit is noticed */
    bool said_exit : 1;        /* its agent has said that the program is ending */
    bool identity_changed : 1; /* tell the store */
    /* a rule names a field of this source */
    bool stat_wanted : 1, slow_wanted : 1, deep_wanted : 1, agent_wanted : 1, pools_wanted : 1,
        cgroup_wanted : 1;
    bool stored : 1;       /* the store has a row of it */
    uint8_t deep_calm;     /* see engine/eyes_turn.h */
    uint32_t stored_group; /* the place of the group that the store was told */
};

struct table {
    size_t capacity, count;
    struct glance *glances;    /* [0, count) */
    struct process *processes; /* same index */
    struct tracked *tracked;   /* same index */
    uint32_t *by_pid;          /* open-addressing hash of index + 1 */
    size_t hash_mask;
    size_t kept;            /* descriptors in glances */
    struct text_pool texts; /* those of processes and tracked */
    bool families_stale;    /* someone came, went, or became another program or another's child */
};

int table_init(struct table *table, size_t capacity);
/* release is called for each entry first; NULL allowed. */
void table_finish(struct table *table, void (*release)(void *context, struct tracked *tracked),
                  void *context);

/* NULL when not there. */
struct process *table_find_pid(const struct table *table, pid_t pid);
struct process *table_find(const struct table *table, struct process_id id);
struct tracked *table_tracked(const struct table *table, const struct process *process);
struct glance *table_glance(const struct table *table, const struct process *process);
/* Index of the pid, -1 when it is not there. */
ssize_t table_index(const struct table *table, pid_t pid);
/* Takes the descriptor over; closes it. The glance has none before; has one, or has none. */
void table_keep(struct table *table, struct glance *glance, int statm);
void table_unkeep(struct table *table, struct glance *glance);
/* A zeroed entry with this id; NULL when the table is full. The pid must not be in it. */
struct process *table_add(struct table *table, struct process_id id);
/*
 * A text of an entry becomes this one; "" is none, and so is one for which there is no room. True:
 * it says something else than before.
 */
bool table_set_text(struct table *table, const char **text, const char *value);
/* Drops its texts, closes statm; tracked->rules must have been released before. */
void table_remove(struct table *table, struct process *process);
/* Families of all entries (model/group), when something that they depend on has changed. */
void table_families(struct table *table);

#endif
