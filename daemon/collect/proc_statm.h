/* SPDX-License-Identifier: MIT */
/*
 * PID/statm over a kept descriptor: the cheapest way to ask a process for its RSS again and again.
 * The descriptor belongs to the process that had the pid when it was opened, over every exec of
 * it, and never to a later process with the same pid: once its own one has been reaped, a read says
 * OUTCOME_GONE for ever. World-readable, cannot block on the process. Any thread.
 */
#ifndef MEMTEND_COLLECT_PROC_STATM_H
#define MEMTEND_COLLECT_PROC_STATM_H

#include "collect/outcome.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Kernel memory of a kept descriptor that has been read: a struct file, an inode, and the buffer of
 * a page that stays with it (4.0 + 1.5 kB measured on Linux 6.18). */
#define PROC_STATM_KERNEL_BYTES 5632

struct proc_statm {
    int64_t rss_bytes;   /* 0 for a zombie */
    uint64_t text_pages; /* size of the code: another one means another program (exec) */
};

/*
 * Who it is of is only known once PID/stat, read by path afterwards, shows the start time that was
 * expected. The caller closes it.
 */
enum outcome proc_statm_open(int proc, pid_t pid, int *ret_fd);
enum outcome proc_statm_read(int fd, struct proc_statm *ret_statm);
/* The bytes of the file; pure. OUTCOME_OK or OUTCOME_MALFORMED. */
enum outcome proc_statm_parse(const char *text, size_t length, struct proc_statm *ret_statm);

#endif
