/* SPDX-License-Identifier: MIT */
/*
 * PID/status: what the slow pass adds. World-readable; it cannot block on the process. Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_STATUS_H
#define MEMTEND_COLLECT_PROC_STATUS_H

#include "collect/outcome.h"
#include "model/process.h"

enum proc_status_field {
    PROC_STATUS_PEAK, /* VmHWM */
    PROC_STATUS_RSS,  /* VmRSS: since 6.2 exact where PID/stat is not, see below */
    PROC_STATUS_ANON,
    PROC_STATUS_FILE,
    PROC_STATUS_SHMEM,
    PROC_STATUS_SWAP, /* VmSwap */
    PROC_STATUS_FIELD_COUNT,
};

struct proc_status {
    uid_t uid;         /* real */
    uint64_t switches; /* how often the first thread left the CPU; 0 = not told */
    uint32_t present;  /* bit = field; none for kernel threads and zombies */
    int64_t bytes[PROC_STATUS_FIELD_COUNT]; /* where present */
};

enum outcome proc_status_read(int proc, pid_t pid, struct proc_status *ret_status);
/* The bytes of the file; pure. OUTCOME_OK or OUTCOME_MALFORMED. */
enum outcome proc_status_parse(const char *text, size_t length, struct proc_status *ret_status);

/*
 * Put what is present into the sample and take out of it what is not. Not RSS: since Linux 6.2
 * PID/stat may be off by some pages for each processor, and a value that changes its source would
 * look like a change of the process. Receipts take the one from here; before 6.2 neither has what
 * the threads still keep to themselves, up to 64 pages of each kind.
 */
void proc_status_sample(const struct proc_status *status, uint64_t mono_usec,
                        struct sample *sample);

#endif
