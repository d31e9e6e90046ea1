/* SPDX-License-Identifier: MIT */
/*
 * The search for pymalloc pools in another process, as the probe answers it: collect/memory_places
 * reads, heap/pool_search judges. In parts, so that the probe can answer others in between. Works
 * on a static buffer: one thread, in the probe.
 */
#ifndef MEMTEND_ENGINE_PROBE_POOLS_H
#define MEMTEND_ENGINE_PROBE_POOLS_H

#include "heap/pool.h"
#include "wire/probe.h"

struct probe_pools_scan {
    int proc; /* /proc */
    pid_t pid;
    uint64_t cursor;     /* address to begin at */
    uint32_t pool_bytes; /* 0 = by the version of CPython; one that is not known is taken for new */
    uint64_t scan_bytes; /* of memory, at most */
    uint64_t until_usec; /* monotonic: stop then */

    /* What came of it. */
    struct probe_pools pools;
    struct pool_tally tally;
    uint64_t paused_usec;
};

/*
 * 0, also when there is more to do (pools.cursor); else nothing is known:
 * -ENOEXEC not a CPython; -EPERM the right to look into it is missing (CAP_SYS_PTRACE); -EACCES the
 * right to read its PID/pagemap (CAP_DAC_READ_SEARCH); -ENODATA it has no memory any more; -EIO.
 */
int probe_pools_read(struct probe_pools_scan *scan);

#endif
