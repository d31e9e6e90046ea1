/* SPDX-License-Identifier: MIT */
/*
 * Who ended, and why, told as events. Several sources know a part each and in any order: the kernel
 * log names a victim of the OOM killer, often before it is gone from /proc; counters (vmstat,
 * memory.events) only say how many; the pass sees who is gone; a pidfd may know the exit status.
 *
 * An OOM kill is one event a victim. A kill that only a counter told of has no victim, unless those
 * that ended in that time, for a reason that is not known to be another, are exactly as many as the
 * counter says: then "probably". Ends are told of watched processes only. All lists are bounded;
 * what is more than a person can read is told as a number.
 *
 * Pure over the functions handed in; times are monotonic and never fall. Loop thread.
 */
#ifndef MEMTEND_ENGINE_DEATHS_H
#define MEMTEND_ENGINE_DEATHS_H

#include "collect/kmsg.h"
#include "model/pin.h"

/* A process that left the table. */
struct death {
    struct process_id id;
    struct process_id family; /* of the last tick */
    uint32_t group;           /* its place; 0 = none */
    int64_t row;              /* in the store; 0 = none */
    bool watched;             /* its end is an event */
    bool said_exit;           /* its agent said that the program was ending */
    bool status_known;
    int status;        /* as from waitpid() */
    int64_t rss_bytes; /* the last one; -1 = unknown */
    char comm[PROCESS_COMM_SIZE];
    char unit[PROCESS_UNIT_SIZE];
    char cgroup[CGROUP_PATH_SIZE]; /* "" = not known */
};

struct deaths_ops {
    void *context;
    /* The table as of the last look; fills all but the status. */
    bool (*find)(void *context, pid_t pid, struct death *ret_process);
    /* /proc has this very process now. */
    bool (*is_there)(void *context, struct process_id id);
    /* Adds the largest living ones that share a budget with it, as many as there is room for. */
    void (*add_members)(void *context, const struct death *victim, struct pin *pin);
    /* Keeps it; pin may be empty. */
    void (*say)(void *context, struct event *event, const struct pin *pin);
};

struct deaths_config {
    struct deaths_ops ops;
    bool same_pids; /* the kernel log counts pids as /proc does */
    /* How long a counter's rise waits for other sources: longer than they are read apart. */
    uint64_t settle_usec;
};

struct deaths;

int deaths_new(const struct deaths_config *config, uint64_t now_usec, struct deaths **ret_deaths);
void deaths_free(struct deaths *deaths); /* NULL is fine */

/* The kernel log said so. Before and behind the pass that finds out who is gone, best both. */
void deaths_on_kill(struct deaths *deaths, const struct kmsg_record *kill, uint64_t now_usec);
/* A counter of kills rose since the reading before. */
struct deaths_counter {
    const char *cgroup; /* whose processes; "" = all of the host's */
    bool below;         /* it counts those in the cgroups below, too */
    int64_t rise;
    uint64_t since_usec; /* of the reading before */
};
/* With `named` the kernel log is being read: then only what it does not tell of is left to be
 * explained, and cgroups add nothing. */
void deaths_on_counter(struct deaths *deaths, const struct deaths_counter *counter, bool named,
                       uint64_t now_usec);
/* The pass found it gone. */
void deaths_on_end(struct deaths *deaths, const struct death *death, uint64_t now_usec);
/* Once a tick, behind all of these: tells what is due. */
void deaths_on_tick(struct deaths *deaths, uint64_t now_usec);

#endif
