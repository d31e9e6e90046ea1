/* SPDX-License-Identifier: MIT */
#include "engine/probe_budget.h"

#include "base/clock.h"

/* 0.5 % of a core: 5 us of reading in each ms. */
#define BUDGET_NSEC_PER_USEC 5
/* Full, it holds ten seconds' worth: a first look at 1,000 small processes. */
#define BUDGET_FULL_NSEC (INT64_C(50) * 1000 * 1000)
/* Ten minutes' worth. Without a floor one storm of receipts would end routine reads for hours. */
#define BUDGET_FLOOR_NSEC (INT64_C(-3000) * 1000 * 1000)

/* Measured: 9 to 16 ms for a GiB of 4 KiB pages; huge pages take far less. */
#define BUDGET_STALL_USEC_PER_GIB UINT64_C(16000)
#define BUDGET_STALL_USEC         UINT64_C(10000)
#define BUDGET_RECEIPT_FACTOR     10

#define BUDGET_UNREADABLE_USEC (600 * USEC_PER_SEC)

void probe_budget_init(struct probe_budget *budget, uint64_t now_usec)
{
    *budget = (struct probe_budget){.left_nsec = BUDGET_FULL_NSEC, .filled_usec = now_usec};
}

static void budget_fill(struct probe_budget *budget, uint64_t now_usec)
{
    if (now_usec <= budget->filled_usec)
        return;
    uint64_t room_usec = (uint64_t)(BUDGET_FULL_NSEC - budget->left_nsec) / BUDGET_NSEC_PER_USEC;
    uint64_t passed_usec = now_usec - budget->filled_usec;
    if (passed_usec > room_usec)
        passed_usec = room_usec;
    budget->left_nsec += (int64_t)passed_usec * BUDGET_NSEC_PER_USEC;
    budget->filled_usec = now_usec;
}

void probe_budget_spend(struct probe_budget *budget, uint64_t now_usec, uint64_t duration_usec)
{
    budget_fill(budget, now_usec);
    uint64_t most_usec = (uint64_t)(budget->left_nsec - BUDGET_FLOOR_NSEC) / 1000;
    if (duration_usec > most_usec)
        duration_usec = most_usec;
    budget->left_nsec -= (int64_t)duration_usec * 1000;
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
    return now_usec + (uint64_t)-budget->left_nsec / BUDGET_NSEC_PER_USEC + 1;
}

uint64_t probe_budget_stall_usec(int64_t rss_bytes)
{
    if (rss_bytes <= 0)
        return 0;
    return (uint64_t)rss_bytes / 1024 * BUDGET_STALL_USEC_PER_GIB / UINT64_C(1048576);
}

bool probe_budget_too_dear(int64_t rss_bytes, bool for_receipt)
{
    uint64_t bearable_usec = BUDGET_STALL_USEC * (for_receipt ? BUDGET_RECEIPT_FACTOR : 1);
    return probe_budget_stall_usec(rss_bytes) > bearable_usec;
}

void probe_budget_mark(struct probe_budget *budget, struct process_id id, uint64_t now_usec)
{
    struct probe_unreadable *slot = budget->unreadable;
    if (budget->unreadable_count < PROBE_BUDGET_UNREADABLE_LIMIT) {
        slot = &budget->unreadable[budget->unreadable_count++];
    } else {
        for (size_t i = 1; i < PROBE_BUDGET_UNREADABLE_LIMIT; i++)
            if (budget->unreadable[i].until_usec < slot->until_usec)
                slot = &budget->unreadable[i];
    }
    *slot = (struct probe_unreadable){id, now_usec + BUDGET_UNREADABLE_USEC};
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
