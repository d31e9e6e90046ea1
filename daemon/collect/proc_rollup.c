/* SPDX-License-Identifier: MIT */
#include "collect/proc_rollup.h"

#include "collect/keyed.h"
#include "collect/proc_file.h"

/* 24 lines of at most 30 bytes and a header. */
#define ROLLUP_SIZE 2048

enum rollup_key {
    ROLLUP_RSS,
    ROLLUP_PSS,
    ROLLUP_SHARED_CLEAN,
    ROLLUP_SHARED_DIRTY,
    ROLLUP_PRIVATE_CLEAN,
    ROLLUP_PRIVATE_DIRTY,
    ROLLUP_ANONYMOUS,
    ROLLUP_SWAP,
    ROLLUP_SWAP_PSS,
    ROLLUP_LOCKED,
    ROLLUP_KEY_COUNT,
};

static const char *const rollup_keys[ROLLUP_KEY_COUNT] = {
    [ROLLUP_RSS] = "Rss",
    [ROLLUP_PSS] = "Pss",
    [ROLLUP_SHARED_CLEAN] = "Shared_Clean",
    [ROLLUP_SHARED_DIRTY] = "Shared_Dirty",
    [ROLLUP_PRIVATE_CLEAN] = "Private_Clean",
    [ROLLUP_PRIVATE_DIRTY] = "Private_Dirty",
    [ROLLUP_ANONYMOUS] = "Anonymous",
    [ROLLUP_SWAP] = "Swap",
    [ROLLUP_SWAP_PSS] = "SwapPss",
    [ROLLUP_LOCKED] = "Locked",
};

enum outcome proc_rollup_parse(const char *text, size_t length, struct proc_rollup *ret_rollup)
{
    int64_t values[ROLLUP_KEY_COUNT];
    uint32_t present = keyed_parse(text, length, rollup_keys, ROLLUP_KEY_COUNT, values);
    if (present != (UINT32_C(1) << ROLLUP_KEY_COUNT) - 1)
        return OUTCOME_MALFORMED;
    *ret_rollup = (struct proc_rollup){
        .rss_bytes = values[ROLLUP_RSS],
        .pss_bytes = values[ROLLUP_PSS],
        .uss_bytes = values[ROLLUP_PRIVATE_CLEAN] + values[ROLLUP_PRIVATE_DIRTY],
        .shared_bytes = values[ROLLUP_SHARED_CLEAN] + values[ROLLUP_SHARED_DIRTY],
        .private_dirty_bytes = values[ROLLUP_PRIVATE_DIRTY],
        .anonymous_bytes = values[ROLLUP_ANONYMOUS],
        .swap_bytes = values[ROLLUP_SWAP],
        .swap_pss_bytes = values[ROLLUP_SWAP_PSS],
        .locked_bytes = values[ROLLUP_LOCKED],
    };
    return OUTCOME_OK;
}

enum outcome proc_rollup_read(int proc, pid_t pid, struct proc_rollup *ret_rollup)
{
    char text[ROLLUP_SIZE];
    size_t length;
    enum outcome outcome = proc_file_read(proc, pid, "smaps_rollup", text, sizeof(text), &length);
    if (outcome != OUTCOME_OK)
        return outcome;
    return proc_rollup_parse(text, length, ret_rollup);
}

void proc_rollup_sample(const struct proc_rollup *rollup, uint64_t mono_usec, struct sample *sample)
{
    sample_set(sample, METRIC_PSS, rollup->pss_bytes, mono_usec);
    sample_set(sample, METRIC_USS, rollup->uss_bytes, mono_usec);
    sample_set(sample, METRIC_SWAP_PSS, rollup->swap_pss_bytes, mono_usec);
}
