/* SPDX-License-Identifier: MIT */
/*
 * What PID/smaps tells, without holding the process up: its ranges from PID/maps, their pages from
 * PID/pagemap, 64 KiB of that file at a time with a pause after each. Takes longer, and does not
 * know PSS, nor huge pages before Linux 6.7. In parts, each as long as is wanted. Needs what both
 * files need, see proc_maps.h and proc_pagemap.h. Works on the buffers in the struct: one thread.
 */
#ifndef MEMTEND_COLLECT_PROC_PAGES_H
#define MEMTEND_COLLECT_PROC_PAGES_H

#include "collect/outcome.h"
#include "collect/proc_maps.h"
#include "collect/proc_pagemap.h"
#include "collect/proc_smaps.h"

struct proc_pages {
    uint64_t cursor;     /* address to begin at, 0 = all; afterwards where to go on, 0 = done */
    uint64_t until_usec; /* monotonic: stop then, but never without any progress */

    /* After OUTCOME_DENIED: it is the pagemap that may not be read. */
    bool pagemap_denied;
    struct proc_maps maps;
    uint64_t words[PROC_PAGEMAP_PAGES];
};

/*
 * Visits all ranges, in each part again; the numbers of a range are those of its pages from the
 * cursor on that were looked at in this part, so that parts can be added up. OUTCOME_GONE: it has
 * no memory (any more). OUTCOME_ABSENT: a range with rights is larger than all memory, to look
 * through which takes minutes. Not looked at are what hugetlbfs and devices map, and what the
 * kernel does: smaps does not count those either.
 */
enum outcome proc_pages_walk(int proc, pid_t pid, struct proc_pages *pages, proc_smaps_visit visit,
                             void *context);

#endif
