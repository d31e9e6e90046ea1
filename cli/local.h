/* SPDX-License-Identifier: MIT */
/*
 * Processes without a daemon: /proc read by this command itself, with the caller's rights, in the
 * daemon's JSON shape. One thread.
 */
#ifndef MEMTEND_CLI_LOCAL_H
#define MEMTEND_CLI_LOCAL_H

#include "model/process.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct local_query {
    const char *text; /* substring, NULL = all */
    enum metric sort; /* a process metric that the kernel knows */
    size_t limit;
    bool deep; /* PSS and USS of the rows that are left, under the size budget */
};

/* What could not be known, so that it can be said. */
struct local_gaps {
    size_t denied;    /* rows whose PSS and USS we may not read */
    size_t too_large; /* rows past the size budget */
    bool cut;         /* more processes than are looked at */
};

/* Array of processes, caller's. 0 or -errno when /proc itself cannot be read. */
int local_processes(const struct local_query *query, json_t **ret_items,
                    struct local_gaps *ret_gaps);

/*
 * One process: what PID/stat, status, cgroup and cmdline say; to be finished. false: gone, or of
 * the kernel.
 */
bool local_process(int proc, pid_t pid, struct process *ret_process);
/* Frees its texts. Zeroed is fine. */
void local_process_finish(struct process *process);
/* As the daemon shows it; caller's. */
json_t *local_process_json(const struct process *process);

#endif
