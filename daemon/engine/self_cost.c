/* SPDX-License-Identifier: MIT */
#include "engine/self_cost.h"

#include "base/clock.h"

void self_cost_stage(struct self_cost *cost, struct status *status, enum stage stage)
{
    uint64_t now = clock_thread_usec();
    status->stages[stage].usec_total += now - cost->mark_usec;
    cost->mark_usec = now;
}

/* A thread that has been replaced, or is not there any more, begins anew. */
void self_cost_thread(struct self_cost *cost, struct status *status, enum stage stage,
                      uint64_t usec)
{
    uint64_t *before = &cost->threads_usec[stage];
    if (usec > *before)
        status->stages[stage].usec_total += usec - *before;
    *before = usec;
}

void self_cost_tick(struct self_cost *cost, struct status *status)
{
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        struct stage_cost *own = &status->stages[stage];
        own->last_usec = own->usec_total - cost->before_usec[stage];
        cost->before_usec[stage] = own->usec_total;
    }
}
