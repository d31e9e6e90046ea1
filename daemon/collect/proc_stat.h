/* SPDX-License-Identifier: MIT */
/*
 * PID/stat: everything of the fast pass in one read. World-readable, cheap, and it cannot block on
 * the process. Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_STAT_H
#define MEMTEND_COLLECT_PROC_STAT_H

#include "collect/outcome.h"
#include "model/process.h"

struct proc_stat {
    struct process_id id;
    pid_t ppid;
    char state; /* R S D Z T t X I, see proc(5) */
    bool kernel_thread;
    uint64_t major_faults;
    uint64_t user_ticks, system_ticks; /* USER_HZ */
    uint32_t threads;
    int64_t rss_bytes;
    uint64_t exec_mark;           /* where the stack began (startstack); 0 = not ours to see */
    char comm[PROCESS_COMM_SIZE]; /* clean */
};

enum outcome proc_stat_read(int proc, pid_t pid, struct proc_stat *ret_stat);

/* The bytes of the file; pure. OUTCOME_OK or OUTCOME_MALFORMED. */
enum outcome proc_stat_parse(const char *text, size_t length, struct proc_stat *ret_stat);

#endif
