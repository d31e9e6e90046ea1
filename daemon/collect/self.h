/* SPDX-License-Identifier: MIT */
/*
 * What memtend itself costs: memory of one of its own roles. Any thread.
 */
#ifndef MEMTEND_COLLECT_SELF_H
#define MEMTEND_COLLECT_SELF_H

#include "collect/outcome.h"

#include <stdint.h>
#include <sys/types.h>

struct self_memory {
    int64_t private_bytes; /* Private_Dirty + Swap: what would be free if the role ended */
    int64_t rss_bytes;
};

/* pid is one of our own roles, usually getpid(). */
enum outcome self_memory_read(int proc, pid_t pid, struct self_memory *ret_memory);

#endif
