/* SPDX-License-Identifier: MIT */
/*
 * Every sample of the file, one row for each process and tick, for whoever takes them elsewhere;
 * from another process than the daemon, whether that runs or not. Ticks that are in hot rows only
 * are among them; what comes after the walk began is not.
 *
 * In the order of hours of ticks, then of processes, then of ticks. Each process's hour is read in
 * a transaction of its own, which is over before its rows are handed out: however slow the caller
 * is, the daemon's log does not grow. Some 4 MiB, and what hot rows hold. One thread.
 */
#ifndef MEMTEND_STORAGE_SAMPLE_WALK_H
#define MEMTEND_STORAGE_SAMPLE_WALK_H

#include "base/cleanup.h"
#include "base/error.h"
#include "model/metric.h"
#include "model/process.h"
#include "model/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAMPLE_WALK_TARGETS 64
#define SAMPLE_BOOT_SIZE    40 /* a UUID */

struct sample_walk_query {
    uint64_t from_wall_usec, to_wall_usec; /* to is not in it; UINT64_MAX: no end */
    size_t target_count;                   /* 0: every process */
    struct target targets[SAMPLE_WALK_TARGETS];
};

/* As table process has it: each run of the daemon made one row of a process. */
struct sample_process {
    int64_t row;
    char boot[SAMPLE_BOOT_SIZE];
    struct process_id id;
    uint32_t exec_count;
    uid_t uid;
    char comm[PROCESS_COMM_SIZE];
    char name[PROCESS_NAME_SIZE];
    char unit[PROCESS_UNIT_SIZE];
    char group[PROCESS_UNIT_SIZE]; /* to which it belonged last */
    char cmdline[PROCESS_CMDLINE_SIZE];
};

struct sample_row {
    const struct sample_process *process; /* valid until the next row */
    int64_t tick;                         /* rises by one from tick to tick, also over restarts */
    uint64_t wall_usec;
    uint64_t present; /* bit = enum metric */
    int64_t value[METRIC_STORED_COUNT];
};

struct sample_walk;

/* `error` says what is wrong: -EOPNOTSUPP the host, -ESRCH a process that is not in it, and
 * as outside_open(). */
int sample_walk_new(const char *directory, const struct sample_walk_query *query,
                    struct sample_walk **ret_walk, struct error *error);
void sample_walk_free(struct sample_walk *walk); /* NULL: nothing */
DEFINE_CLEANUP(struct sample_walk *, sample_walk_free);

/* *ret_more false: there is none any more. -EUCLEAN: damaged, and the others of SQLite, with
 * `error`. */
int sample_walk_next(struct sample_walk *walk, struct sample_row *ret_row, bool *ret_more,
                     struct error *error);
/* How much is behind, 0 to 1, counted in ticks. */
double sample_walk_progress(const struct sample_walk *walk);

#endif
