/* SPDX-License-Identifier: MIT */
/*
 * What a step would give back and cost, from numbers that are there before it is done. Pure. An
 * estimate is a range: where the statistics give only a bound, the range starts at 0.
 */
#ifndef MEMTEND_HEAP_ESTIMATE_H
#define MEMTEND_HEAP_ESTIMATE_H

#include "model/prediction.h"
#include "model/sample.h"

/* What the sample of a process does not hold but its agent told us, and what earlier steps there
 * have shown. Zeroed = nothing known. */
struct estimate_memory {
    bool has_keepcost;
    int64_t keepcost_bytes; /* free at the top of the main heap */
    bool has_free_resident;
    int64_t free_resident_bytes; /* what the allocator says it could give back */
    bool has_thresholds;
    int64_t thresholds[3]; /* gc.get_threshold() */

    bool has_slack, has_blocks;
    int64_t blocks;      /* live in pymalloc's pools: for an agent that leaves py.blocks out */
    int64_t slack_bytes; /* estimate_slack() just after the last trim: what a trim cannot get */

    int64_t visit_nsec; /* what an object cost the last full collection; 0 = none seen yet */
};

/*
 * Resident anonymous memory that malloc has not handed out: an upper bound of what a trim gets.
 * false when the sample lacks the numbers.
 */
bool estimate_slack(const struct sample *sample, int64_t *ret_bytes);
/* Objects that a full collection has to visit; false when unknown. */
bool estimate_objects(const struct sample *sample, int64_t *ret_objects);
/* A full collection visited so many objects, found `dead` of them and took pause_usec. */
void estimate_learn_collect(struct estimate_memory *memory, int64_t visited, int64_t dead,
                            int64_t pause_usec);
/* Anonymous memory that the process still shares with its family; family_size 1: 0. */
int64_t estimate_shared(const struct sample *sample, uint32_t family_size);

/* An allocator that counts its free pages is believed; for glibc the free chunks are the bound and
 * only the top of the heap is sure. */
struct prediction estimate_trim(const struct sample *sample, const struct estimate_memory *memory);
struct prediction estimate_collect(const struct sample *sample,
                                   const struct estimate_memory *memory, uint32_t family_size);

#endif
