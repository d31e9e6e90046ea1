/* SPDX-License-Identifier: MIT */
/*
 * What deep reading may cost: a bucket of CPU time that fills at a share of a core, a limit to how
 * long one process may be held up, and the processes that were too slow to be asked again soon.
 * Pure over the time handed in. Plain data, one owner.
 */
#ifndef MEMTEND_ENGINE_PROBE_BUDGET_H
#define MEMTEND_ENGINE_PROBE_BUDGET_H

#include "model/process.h"

/* Default share of one core. */
#define PROBE_BUDGET_PERMYRIAD 50

/* More than this many slow ones at a time is a sick machine; the oldest is asked again then. */
#define PROBE_BUDGET_UNREADABLE_LIMIT 64

struct probe_unreadable {
    struct process_id id;
    uint64_t until_usec; /* monotonic */
};

struct probe_budget {
    uint32_t permyriad;   /* of one core, > 0 */
    int64_t left_nsec;    /* of CPU time; below 0: overdrawn, routine reads wait */
    uint64_t filled_usec; /* monotonic time up to which it has been filled */
    size_t unreadable_count;
    struct probe_unreadable unreadable[PROBE_BUDGET_UNREADABLE_LIMIT];
};

/* permyriad 0: the default. */
void probe_budget_init(struct probe_budget *budget, uint32_t permyriad, uint64_t now_usec);

/* CPU time was used, whoever it was for. */
void probe_budget_spend(struct probe_budget *budget, uint64_t now_usec, uint64_t cpu_usec);
/* Whether a read that must keep to the budget may begin now. */
bool probe_budget_allows(struct probe_budget *budget, uint64_t now_usec);
/* When it may begin; now_usec when at once. */
uint64_t probe_budget_when(struct probe_budget *budget, uint64_t now_usec);

/* Whether a process may not be held up for so long; for a receipt ten times as much is borne. */
bool probe_budget_too_dear(uint64_t stall_usec, bool for_receipt);

/* Leave the process alone for ten minutes. False: it was left alone before. */
bool probe_budget_mark(struct probe_budget *budget, struct process_id id, uint64_t now_usec);
bool probe_budget_is_unreadable(const struct probe_budget *budget, struct process_id id,
                                uint64_t now_usec);

#endif
