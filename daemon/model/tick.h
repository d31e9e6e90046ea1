/* SPDX-License-Identifier: MIT */
/*
 * One tick on its way to the store: only what changed. The loop fills it from a fixed pool, the
 * writer empties it and gives it back; its arrays are mapped once for max_processes.
 *
 * A process row is identified by `row`, a number the loop gives out (one more than the largest in
 * the store at start), so that the loop never waits for the store. Values that are not in a later
 * tick row stay as they were until the process ends; a row is written whole (all fields present at
 * that tick) when anything in it changed, and at least every TICK_KEYFRAME ticks.
 */
#ifndef MEMTEND_MODEL_TICK_H
#define MEMTEND_MODEL_TICK_H

#include "model/process.h"

/* Later than this many tenths of a period after the one before: nothing is known between. */
#define TICK_GAP_TENTHS 25
#define TICK_KEYFRAME   60 /* a tick that was lost is made good within so many */

/* A process first seen, or whose identity (exec, name, unit, group) changed. */
struct tick_process {
    int64_t row;
    struct process_id id;
    uint32_t exec_count;
    uid_t uid;
    char comm[PROCESS_COMM_SIZE];
    char name[PROCESS_NAME_SIZE];
    char unit[PROCESS_UNIT_SIZE];
    char group[PROCESS_UNIT_SIZE];      /* "" = none, or not decided yet */
    char cmdline[PROCESS_CMDLINE_SIZE]; /* redacted */
};

struct tick_row {
    int64_t row;
    uint32_t present; /* bit = enum metric, of those that are stored */
    int64_t value[METRIC_STORED_COUNT];
};

struct tick {
    uint64_t number; /* since daemon start */
    int64_t id;      /* in the store, which gives it when it takes the values in; 0: not yet */
    uint64_t mono_usec, wall_usec;
    struct sample host;
    size_t capacity; /* of each array */
    size_t process_count, row_count, ended_count;
    struct tick_process *processes;
    struct tick_row *rows;
    int64_t *ended; /* rows of processes that are gone since the last tick */
};

#endif
