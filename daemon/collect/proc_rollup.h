/* SPDX-License-Identifier: MIT */
/*
 * PID/smaps_rollup: the truth about shared memory, and dear. The read holds the mmap lock of the
 * process, about 16 ms per GiB of 4 KiB pages, in which it can neither map nor unmap: only the
 * probe reads it, under a budget. Needs the same uid or CAP_SYS_PTRACE. Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_ROLLUP_H
#define MEMTEND_COLLECT_PROC_ROLLUP_H

#include "collect/outcome.h"
#include "model/process.h"

struct proc_rollup {
    int64_t rss_bytes;
    int64_t pss_bytes;
    int64_t uss_bytes;    /* Private_Clean + Private_Dirty */
    int64_t shared_bytes; /* Shared_Clean + Shared_Dirty */
    int64_t private_dirty_bytes;
    int64_t anonymous_bytes;
    int64_t swap_bytes;
    int64_t swap_pss_bytes;
    int64_t locked_bytes;
};

enum outcome proc_rollup_read(int proc, pid_t pid, struct proc_rollup *ret_rollup);
/* The bytes of the file; pure. OUTCOME_OK or OUTCOME_MALFORMED: one missing key is enough. */
enum outcome proc_rollup_parse(const char *text, size_t length, struct proc_rollup *ret_rollup);

/* Put pss, uss and swap.pss into the sample. */
void proc_rollup_sample(const struct proc_rollup *rollup, uint64_t mono_usec,
                        struct sample *sample);

#endif
