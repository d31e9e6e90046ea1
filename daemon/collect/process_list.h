/* SPDX-License-Identifier: MIT */
/*
 * The pids there are, ascending, read from the directory with few large calls over a kept
 * descriptor. Owned by its reader, one thread.
 */
#ifndef MEMTEND_COLLECT_PROCESS_LIST_H
#define MEMTEND_COLLECT_PROCESS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process_list {
    int directory;
    char *buffer; /* of PROCESS_LIST_BUFFER_BYTES */
    pid_t *pids;  /* [0, count), ascending */
    size_t count;
    size_t limit; /* pids there is room for */
    bool cut;     /* there were more than limit */
};

/* proc is /proc or a tree like it and stays the caller's; limit >= 1. 0 or -errno. */
int process_list_init(struct process_list *list, int proc, size_t limit);
void process_list_finish(struct process_list *list); /* safe on a zeroed one */

/* 0 or -errno; on failure the list is as it was. */
int process_list_read(struct process_list *list);

#endif
