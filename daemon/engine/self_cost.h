/* SPDX-License-Identifier: MIT */
/*
 * What the head costs, by stage. The loop's thread says at the end of each stage which one it was;
 * all its time is some stage's. Other threads are read once a tick. Loop thread.
 */
#ifndef MEMTEND_ENGINE_SELF_COST_H
#define MEMTEND_ENGINE_SELF_COST_H

#include "model/status.h"

struct self_cost {
    uint64_t mark_usec;                 /* CPU of the loop's thread at the end of the last stage */
    uint64_t before_usec[STAGE_COUNT];  /* totals at the end of the last tick */
    uint64_t threads_usec[STAGE_COUNT]; /* CPU of other threads when they were read last */
};

/* What the thread did since the call before was this stage. */
void self_cost_stage(struct self_cost *cost, struct status *status, enum stage stage);
/* Another thread's CPU so far, which is part of this stage. */
void self_cost_thread(struct self_cost *cost, struct status *status, enum stage stage,
                      uint64_t usec);
/* The tick is over: sets last_usec of every stage. */
void self_cost_tick(struct self_cost *cost, struct status *status);

#endif
