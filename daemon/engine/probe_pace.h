/* SPDX-License-Identifier: MIT */
/*
 * When the next probe is started after one has ended: soon, then ever later, and soon again after
 * one that lived. Pure over the time handed in. One owner.
 */
#ifndef MEMTEND_ENGINE_PROBE_PACE_H
#define MEMTEND_ENGINE_PROBE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct probe_pace {
    uint64_t opened_usec; /* 0: there is none */
    uint64_t next_usec;   /* when to start one; 0: there is one */
    unsigned failures;    /* ends in a row */
};

void probe_pace_init(struct probe_pace *pace, uint64_t now_usec); /* due at once */
void probe_pace_opened(struct probe_pace *pace, uint64_t now_usec);
/* Also when it could not be started. */
void probe_pace_ended(struct probe_pace *pace, uint64_t now_usec);
bool probe_pace_is_due(const struct probe_pace *pace, uint64_t now_usec);
/* The next one is so far off that nobody should be kept waiting for it. */
bool probe_pace_is_long(const struct probe_pace *pace, uint64_t now_usec);

#endif
