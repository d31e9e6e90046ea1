/* SPDX-License-Identifier: MIT */
#include "agents/claims.h"

#include "base/clock.h"

#include <string.h>

/* User addresses have 56 bits at most (5-level page tables). */
#define CLAIM_BYTES_MAX (UINT64_C(1) << 56)
/* A Python object takes 16 bytes at least, so this is 16 TiB of them. */
#define CLAIM_COUNT_MAX (UINT64_C(1) << 40)
/* Both sides read the same monotonic clock; this covers its rounding. */
#define CLAIM_SLACK_USEC (10 * USEC_PER_MSEC)

static bool fits_elapsed(uint64_t a_usec, uint64_t b_usec, uint64_t elapsed_usec)
{
    uint64_t most = elapsed_usec + CLAIM_SLACK_USEC;
    return a_usec <= most && b_usec <= most - a_usec;
}

const char *claims_judge_stats(const struct control_stats *stats, uint64_t elapsed_usec)
{
    const uint64_t bytes[] = {stats->malloc_total_bytes,  stats->malloc_in_use_bytes,
                              stats->malloc_free_bytes,   stats->malloc_keepcost_bytes,
                              stats->malloc_mapped_bytes, stats->malloc_free_resident_bytes,
                              stats->py_used_bytes,       stats->py_pinned_bytes,
                              stats->py_free_bytes,       stats->malloc_single_bytes};
    const uint64_t counts[] = {
        stats->malloc_arenas,   stats->gc_count[0],     stats->gc_count[1],     stats->gc_count[2],
        stats->gc_threshold[0], stats->gc_threshold[1], stats->gc_threshold[2], stats->gc_garbage,
        stats->gc_frozen,       stats->py_blocks,       stats->py_arenas,       stats->py_pools,
        stats->py_free_pools};
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
        if (bytes[i] > CLAIM_BYTES_MAX)
            return "more bytes than an address space holds";
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        if (counts[i] > CLAIM_COUNT_MAX)
            return "more objects than memory can hold";
    if (!fits_elapsed(stats->malloc_usec, stats->hold_usec, elapsed_usec) ||
        !fits_elapsed(stats->gil_wait_usec, stats->pools_usec, elapsed_usec))
        return "statistics that took longer than the time since they were asked for";
    return NULL;
}

const char *claims_judge_step(const struct control_step *step, const char *asked,
                              uint64_t elapsed_usec)
{
    if (step->index != 0 || strcmp(step->step, asked) != 0)
        return "a step that was not asked for";
    if (step->objects > CLAIM_COUNT_MAX)
        return "more objects than memory can hold";
    if (!fits_elapsed(step->run_usec, step->gil_wait_usec, elapsed_usec))
        return "a step that took longer than the time since it was asked for";
    return NULL;
}

const char *claims_judge_mark(const struct control_mark *mark, uint64_t now_usec)
{
    if (!mark->name[0])
        return "a mark without a name";
    return fits_elapsed(mark->usec, 0, now_usec) ? NULL : "a region that is older than the machine";
}

const char *claims_judge_finding(const struct control_finding *finding)
{
    if (finding->references > CLAIM_COUNT_MAX || finding->rises > CLAIM_COUNT_MAX)
        return "more objects than memory can hold";
    /* The length of a text is in bytes. */
    if (finding->count > CLAIM_BYTES_MAX || finding->growth > finding->count)
        return "a container longer than an address space";
    return NULL;
}

const char *claims_judge_censused(const struct control_censused *censused, uint64_t elapsed_usec)
{
    if (censused->objects > CLAIM_COUNT_MAX)
        return "more objects than memory can hold";
    if (!fits_elapsed(censused->run_usec, censused->gil_wait_usec, elapsed_usec) ||
        !fits_elapsed(censused->hold_usec, 0, elapsed_usec))
        return "a census that took longer than the time since it was asked for";
    return NULL;
}
