/* SPDX-License-Identifier: MIT */
/*
 * How long the head waits for the answer whose turn it is: some seconds, longer for what is known
 * to take long, longer still while the probe says that the reading gets on, but not for ever. Pure
 * over the time handed in. One owner.
 */
#ifndef MEMTEND_ENGINE_PROBE_PATIENCE_H
#define MEMTEND_ENGINE_PROBE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

/* A probe that has not answered yet is only being started: so many times longer. */
#define PROBE_PATIENCE_START_FACTOR 5

struct probe_patience {
    uint64_t least_usec;    /* without a sign of life, whatever is read */
    uint64_t begun_usec;    /* when its turn came, monotonic */
    uint64_t deadline_usec; /* after it the probe hangs */
};

/* For a reading that holds its process up for stall_usec, as far as is known. */
uint64_t probe_patience_usec(const struct probe_patience *patience, uint64_t stall_usec);
/* Its turn comes now; `first`: of a new probe. */
void probe_patience_turn(struct probe_patience *patience, uint64_t stall_usec, bool first,
                         uint64_t now_usec);
/* It gets on. */
void probe_patience_moved(struct probe_patience *patience, uint64_t stall_usec, uint64_t now_usec);

#endif
