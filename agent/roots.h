/* SPDX-License-Identifier: MIT */
/*
 * The large containers that a walk comes across: which, how long, who refers to them, and whether
 * they grow from one census to the next. Between two censuses only hashes of paths and lengths are
 * kept, never an object. Job's thread, GIL held.
 */
#ifndef MEMTEND_AGENT_ROOTS_H
#define MEMTEND_AGENT_ROOTS_H

#include "walk.h"
#include "wire/control.h"

#define ROOTS_CANDIDATES 64

struct roots_candidate {
    uint32_t node;
    uint64_t length, weight;
    uint64_t rises, growth;
    uint32_t holder_count;
    struct walk_reference holders[CONTROL_HOLDERS_MAX]; /* the first one is the node's */
};

struct roots {
    struct walk *walk; /* borrowed */
    size_t count, lightest;
    struct roots_candidate candidates[ROOTS_CANDIDATES];
};

/* The handler for walk_begin(). */
struct walk_handler roots_handler(struct roots *roots, struct walk *walk);
/* When the walk has ended: the heaviest, those that grow before the others. Returns how many. */
size_t roots_finish(struct roots *roots, struct control_finding *findings, size_t limit);

#endif
