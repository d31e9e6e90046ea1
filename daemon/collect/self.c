/* SPDX-License-Identifier: MIT */
#include "collect/self.h"

#include "collect/proc_rollup.h"

enum outcome self_memory_read(int proc, pid_t pid, struct self_memory *ret_memory)
{
    struct proc_rollup rollup;
    enum outcome outcome = proc_rollup_read(proc, pid, &rollup);
    if (outcome != OUTCOME_OK)
        return outcome;
    *ret_memory =
        (struct self_memory){.private_bytes = rollup.private_dirty_bytes + rollup.swap_bytes,
                             .rss_bytes = rollup.rss_bytes};
    return OUTCOME_OK;
}
