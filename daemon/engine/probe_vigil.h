/* SPDX-License-Identifier: MIT */
/*
 * The time of one reading, in the probe: an alarm that ends the probe when the reading hangs, and
 * signs of life to the head while it is slow but gets on. Single-threaded.
 */
#ifndef MEMTEND_ENGINE_PROBE_VIGIL_H
#define MEMTEND_ENGINE_PROBE_VIGIL_H

#include "wire/probe.h"

/* Zeroed is ready. */
struct probe_vigil {
    int peer;
    struct probe_answer sign; /* what is sent while it goes on */
    uint64_t alarm_usec;      /* how long it may stand still */
    uint64_t every_usec;
    uint32_t ranges;     /* since the clock was looked at */
    uint64_t next_usec;  /* when a sign is due, monotonic */
    uint64_t until_usec; /* the last one */
};

/* `peer`: the socket of the head; `answer`: as far as it is known. Sets SIGALRM's timer. */
void probe_vigil_begin(struct probe_vigil *vigil, int peer, const struct probe_request *request,
                       const struct probe_answer *answer);
void probe_vigil_end(void);

/* A struct probe_moved's function, the vigil its context: another range has been read. */
void probe_vigil_moved(void *vigil);

#endif
