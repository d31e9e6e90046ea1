/* SPDX-License-Identifier: MIT */
#include "engine/probe_budget.h"

#include "base/clock.h"

/* Full, it holds ten seconds' worth: at 0.5 % of a core a first look at 1,000 small processes. */
#define BUDGET_FULL_USEC (10 * USEC_PER_SEC)
/* Ten minutes' worth. Without a floor one storm of receipts would end routine reads for hours. */
#define BUDGET_FLOOR_USEC (600 * USEC_PER_SEC)

/* A process that maps and unmaps waits for so long at worst: as long as for a disk. */
#define BUDGET_STALL_USEC     UINT64_C(10000)
#define BUDGET_RECEIPT_FACTOR 10

#define BUDGET_UNREADABLE_USEC (600 * USEC_PER_SEC)

/* What flows in while usec pass: a permyriad of a core is 100 ps of reading in each us. */
static int64_t budget_inflow_nsec(const struct probe_budget *budget, uint64_t usec)
{
    return (int64_t)(usec * budget->permyriad / 10);
}

void probe_budget_init(struct probe_budget *budget, uint32_t permyriad, uint64_t now_usec)
{
    *budget = (struct probe_budget){.permyriad = permyriad ? permyriad : PROBE_BUDGET_PERMYRIAD,
                                    .filled_usec = now_usec};
    budget->left_nsec = budget_inflow_nsec(budget, BUDGET_FULL_USEC);
}

static void budget_fill(struct probe_budget *budget, uint64_t now_usec)
{
    if (now_usec <= budget->filled_usec)
        return;
    uint64_t passed_usec = now_usec - budget->filled_usec;
    uint64_t most_usec = BUDGET_FULL_USEC + BUDGET_FLOOR_USEC;
    int64_t full_nsec = budget_inflow_nsec(budget, BUDGET_FULL_USEC);
    budget->left_nsec +=
        budget_inflow_nsec(budget, passed_usec < most_usec ? passed_usec : most_usec);
    if (budget->left_nsec > full_nsec)
        budget->left_nsec = full_nsec;
    budget->filled_usec = now_usec;
}

void probe_budget_spend(struct probe_budget *budget, uint64_t now_usec, uint64_t cpu_usec)
{
    budget_fill(budget, now_usec);
    int64_t most_nsec = budget->left_nsec + budget_inflow_nsec(budget, BUDGET_FLOOR_USEC);
    if (cpu_usec > (uint64_t)most_nsec / 1000)
        cpu_usec = (uint64_t)most_nsec / 1000;
    budget->left_nsec -= (int64_t)cpu_usec * 1000;
}

bool probe_budget_allows(struct probe_budget *budget, uint64_t now_usec)
{
    budget_fill(budget, now_usec);
    return budget->left_nsec > 0;
}

uint64_t probe_budget_when(struct probe_budget *budget, uint64_t now_usec)
{
    if (probe_budget_allows(budget, now_usec))
        return now_usec;
    return now_usec + (uint64_t)-budget->left_nsec * 10 / budget->permyriad + 1;
}

bool probe_budget_too_dear(uint64_t stall_usec, bool for_receipt)
{
    return stall_usec > BUDGET_STALL_USEC * (for_receipt ? BUDGET_RECEIPT_FACTOR : 1);
}

/* The one of this process, a free one, or the one that is over first. */
static struct probe_unreadable *budget_slot(struct probe_budget *budget, struct process_id id)
{
    struct probe_unreadable *slot = budget->unreadable;
    for (size_t i = 0; i < budget->unreadable_count; i++) {
        if (process_id_equal(budget->unreadable[i].id, id))
            return &budget->unreadable[i];
        if (budget->unreadable[i].until_usec < slot->until_usec)
            slot = &budget->unreadable[i];
    }
    if (budget->unreadable_count < PROBE_BUDGET_UNREADABLE_LIMIT)
        slot = &budget->unreadable[budget->unreadable_count++];
    return slot;
}

bool probe_budget_mark(struct probe_budget *budget, struct process_id id, uint64_t now_usec)
{
    struct probe_unreadable *slot = budget_slot(budget, id);
    bool first = !process_id_equal(slot->id, id);
    *slot = (struct probe_unreadable){id, now_usec + BUDGET_UNREADABLE_USEC};
    return first;
}

bool probe_budget_is_unreadable(const struct probe_budget *budget, struct process_id id,
                                uint64_t now_usec)
{
    for (size_t i = 0; i < budget->unreadable_count; i++)
        if (process_id_equal(budget->unreadable[i].id, id) &&
            now_usec < budget->unreadable[i].until_usec)
            return true;
    return false;
}
