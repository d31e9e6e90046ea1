/* SPDX-License-Identifier: MIT */
/*
 * The first bytes of each place in the private memory of a process, places being so many bytes
 * apart: what an allocator that cuts its memory into equal parts writes there tells what the memory
 * is. Only places whose page is in memory are read, in calls of bounded size with a pause after
 * each, so that the process is not held up. In parts, each as long as is wanted. Needs what the
 * three files behind it need. Works on the buffers in the struct: one thread.
 */
#ifndef MEMTEND_COLLECT_MEMORY_PLACES_H
#define MEMTEND_COLLECT_MEMORY_PLACES_H

#include "collect/proc_maps.h"
#include "collect/proc_pagemap.h"
#include "collect/process_memory.h"

/* Of each place. As long as the head of a pool of pymalloc, the only one that is looked for. */
#define MEMORY_PLACES_HEAD 48

/* `bytes` are MEMORY_PLACES_HEAD, good for the call; addresses rise. */
typedef void (*memory_places_visit)(void *context, uint64_t address, const unsigned char *bytes);

struct memory_places {
    int proc; /* /proc */
    pid_t pid;
    uint64_t cursor;      /* address to begin at, 0 = all; afterwards where to go on, 0 = done */
    uint32_t place_bytes; /* from one place to the next, a power of two; not below a page */
    uint64_t most_bytes;  /* of memory to be looked at */
    uint64_t until_usec;  /* monotonic: stop then, but never without any progress */

    /* What came of it, also of a part that failed. */
    uint64_t read_places;
    uint64_t missed_places;  /* of those: unmapped between the two looks at them */
    uint64_t swapped_places; /* not read: that would bring them back */
    uint64_t paused_usec;
    bool pagemap_denied; /* after OUTCOME_DENIED: it is the pagemap that may not be read */

    struct proc_maps maps;
    uint64_t words[PROC_PAGEMAP_PAGES];
    uint64_t addresses[PROCESS_MEMORY_PIECES];
    unsigned char heads[PROCESS_MEMORY_PIECES * MEMORY_PLACES_HEAD];
    bool read[PROCESS_MEMORY_PIECES];
};

/* OUTCOME_GONE: it has no memory (any more). */
enum outcome memory_places_walk(struct memory_places *places, memory_places_visit visit,
                                void *context);

#endif
