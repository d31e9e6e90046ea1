/* SPDX-License-Identifier: MIT */
/*
 * What processes may cause, all of them together: events of the timeline, lines of the log, bytes
 * of lines that have not ended. Part of the agent server. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_AGENT_ALLOWANCE_H
#define MEMTEND_ENGINE_AGENT_ALLOWANCE_H

#include "agents/quota.h"
#include "model/event.h"

#include <stddef.h>

struct agent_share {
    struct quota quota;
    uint64_t left_out; /* not yet told */
};

struct agent_allowance {
    struct agent_share events, regions, warnings;
    size_t held_bytes;
};

void agent_allowance_init(struct agent_allowance *allowance, uint64_t now_usec);
/* False: not to be noted. How many were not is told the log. */
bool agent_allowance_event(struct agent_allowance *allowance, enum event_kind kind,
                           uint64_t now_usec);
/* A line for the log about what a process did: false when there were too many, and then counted. */
bool agent_allowance_warning(struct agent_allowance *allowance, uint64_t now_usec);
/* Of *held_bytes there are now so many; false when those of all are too many. */
bool agent_allowance_hold(struct agent_allowance *allowance, size_t *held_bytes, size_t now_bytes);

#endif
