/* SPDX-License-Identifier: MIT */
#include "engine/probe_patience.h"

/* On a busy machine what is known to take some time of a core may take so many times longer. */
#define PATIENCE_BUSY_FACTOR 20
/* At most so many times the least, for what is read at once without a sign of life ... */
#define PATIENCE_LONGEST_FACTOR 4
/* ... and for what gets on: 100,000 mappings take 0.3 s of a core. Those behind it wait. */
#define PATIENCE_MOVING_FACTOR 8

uint64_t probe_patience_usec(const struct probe_patience *patience, uint64_t stall_usec)
{
    uint64_t most = patience->least_usec * PATIENCE_LONGEST_FACTOR;
    if (stall_usec >= (most - patience->least_usec) / PATIENCE_BUSY_FACTOR)
        return most;
    return patience->least_usec + stall_usec * PATIENCE_BUSY_FACTOR;
}

void probe_patience_turn(struct probe_patience *patience, uint64_t stall_usec, bool first,
                         uint64_t now_usec)
{
    uint64_t usec = probe_patience_usec(patience, stall_usec);
    patience->begun_usec = now_usec;
    patience->deadline_usec = now_usec + usec * (first ? PROBE_PATIENCE_START_FACTOR : 1);
}

void probe_patience_moved(struct probe_patience *patience, uint64_t stall_usec, uint64_t now_usec)
{
    uint64_t most = patience->begun_usec + patience->least_usec * PATIENCE_MOVING_FACTOR;
    uint64_t next = now_usec + probe_patience_usec(patience, stall_usec);
    patience->deadline_usec = next < most ? next : most;
}
