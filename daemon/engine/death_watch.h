/* SPDX-License-Identifier: MIT */
/*
 * Joins the sources of engine/deaths to the head: the kernel log, the counters of host and cgroups,
 * the exit status, and who left the table. Loop thread.
 */
#ifndef MEMTEND_ENGINE_DEATH_WATCH_H
#define MEMTEND_ENGINE_DEATH_WATCH_H

#include "collect/kmsg.h"
#include "engine/deaths.h"
#include "engine/exits.h"
#include "engine/kernel_journal.h"
#include "model/status.h"

struct head;

struct death_watch {
    struct deaths *deaths;
    struct kmsg kmsg;               /* fd -1: it cannot be read */
    struct kernel_journal *journal; /* instead of it; NULL: not needed */
    const char *journal_directory;  /* NULL: the system's */
    struct exits exits;
    size_t cursor; /* in the table: where the search for processes to watch goes on */
    bool host_known;
    int64_t host_kills;
    uint64_t host_usec; /* when they were read */
};

/* `dev` as "/dev". Without the log and the rest there is still what the pass sees. 0 or -errno. */
int death_watch_start(struct head *head, const char *dev);
void death_watch_stop(struct head *head);
/* Where victims' names come from. */
enum oom_log death_watch_log(const struct death_watch *watch);

/* Before the pass: the log is compared with the table as it was. */
void death_watch_before(struct head *head);
/* A process leaves the table. */
void death_watch_remove(struct head *head, const struct process *process);
/* Its end is worth an exit status: it has an agent. */
void death_watch_want(struct head *head, struct process_id id);
/* Behind the passes: tells of deaths. */
void death_watch_on_tick(struct head *head);

#endif
