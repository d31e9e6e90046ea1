/* SPDX-License-Identifier: MIT */
/*
 * The flight recorder: the last minute of samples before an event, of the processes that it is
 * about, kept when retention takes the samples themselves. Asked for by the loop together with the
 * event, made by the writer (storage/pin_rows), read as a struct event_window. Plain data.
 */
#ifndef MEMTEND_MODEL_PIN_H
#define MEMTEND_MODEL_PIN_H

#include "base/clock.h"
#include "model/event.h"

#define PIN_WINDOW_USEC (60 * USEC_PER_SEC)
/* Of one event: the victim and the largest of those that share its budget. */
#define PIN_PROCESSES_LIMIT 16

struct pin_process {
    int64_t row; /* of its samples in the store */
    struct process_id id;
    bool victim;
    char comm[PROCESS_COMM_SIZE];
};

struct pin {
    size_t count;
    struct pin_process processes[PIN_PROCESSES_LIMIT];
};

/* The values hold from this time until the next one of the same process. */
struct pinned_sample {
    uint64_t wall_usec;
    uint32_t present;
    int64_t value[METRIC_STORED_COUNT];
};

struct pinned_process {
    struct process_id id;
    bool victim;
    char comm[PROCESS_COMM_SIZE];
    size_t count;
    struct pinned_sample *samples; /* oldest first; owned */
};

struct event_window {
    struct event event;
    uint64_t from_wall_usec, to_wall_usec;
    size_t count; /* 0: nothing is pinned, or not any more */
    struct pinned_process processes[PIN_PROCESSES_LIMIT]; /* the victim first */
};

void event_window_finish(struct event_window *window);
void event_window_free(struct event_window *window); /* NULL is fine */

#endif
