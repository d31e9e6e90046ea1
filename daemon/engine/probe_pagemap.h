/* SPDX-License-Identifier: MIT */
/*
 * USS of a process without holding it up: the pages that PID/pagemap calls mapped by it alone,
 * 64 KiB of the file at a time with pauses between. In parts, so that the probe can answer others
 * in between. Works on static buffers: one thread, in the probe.
 */
#ifndef MEMTEND_ENGINE_PROBE_PAGEMAP_H
#define MEMTEND_ENGINE_PROBE_PAGEMAP_H

#include "wire/probe_uss.h"

#include <sys/types.h>

struct probe_pagemap_scan {
    int proc; /* /proc */
    pid_t pid;
    uint64_t cursor;      /* address to begin at */
    uint64_t until_usec;  /* monotonic: stop then */
    struct probe_uss uss; /* what came of it */
};

/*
 * 0, also when there is more to do (uss.cursor); else nothing is known: -EPERM the right to look
 * into it is missing (CAP_SYS_PTRACE); -EACCES the right to read its PID/pagemap
 * (CAP_DAC_READ_SEARCH); -ENODATA it has no memory any more; -EFBIG it has a range with rights that
 * is larger than all memory, to look through which takes minutes; -EIO.
 */
int probe_pagemap_read(struct probe_pagemap_scan *scan);

#endif
