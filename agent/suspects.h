/* SPDX-License-Identifier: MIT */
/*
 * Known causes of growth, read where they live: one row of a table each, looked at only when its
 * module is loaded already, and told only past a threshold, in one sentence that says what to do.
 * Job's thread, GIL held.
 */
#ifndef MEMTEND_AGENT_SUSPECTS_H
#define MEMTEND_AGENT_SUSPECTS_H

#include "walk.h"
#include "wire/control.h"

#define SUSPECTS_SIGHTS 256

/* An object of a class that a row looks for. */
struct suspects_sight {
    uint32_t node;
    uint8_t row;
};

struct suspects {
    struct walk *walk; /* borrowed */
    uint8_t row_of_watch[WALK_WATCHES + 1];
    size_t sight_count;
    struct suspects_sight sights[SUSPECTS_SIGHTS];
    uint64_t deadline_usec;
    struct control_finding *findings;
    size_t count, limit;
};

/* The handler for walk_begin(). */
struct walk_handler suspects_handler(struct suspects *suspects, struct walk *walk);
/* Between walk_begin() and walk_run(): tell the walk what to look for. */
void suspects_prepare(struct suspects *suspects);
/* When the walk has ended. gc is the module. Returns how many findings. */
size_t suspects_finish(struct suspects *suspects, void *gc, uint64_t deadline_usec,
                       struct control_finding *findings, size_t limit);

#endif
