/* SPDX-License-Identifier: MIT */
/*
 * The program's malloc: which one it is, its numbers in one shape, and giving its free pages back.
 * Constructor or agent's thread, except where said.
 *
 * Numbers and trims are taken under the allocator's own locks, one arena or one size class at a
 * time, so a thread of the program may wait for as long as malloc_usec says. None is held while
 * the agent does anything else, and nothing here is done unless the daemon asks. Where the
 * allocator does not look after its locks around fork(), a fork waits until the agent is out.
 */
#ifndef MEMTEND_AGENT_ALLOCATOR_H
#define MEMTEND_AGENT_ALLOCATOR_H

#include "wire/control.h"

/* True: decided, for good. False: one is there that its library has not initialised yet (the
 * loader runs that constructor behind ours); ask again. Cheap once decided. */
bool allocator_identify(void);
/* "glibc 2.36", "jemalloc 5.3.0", "" = not known. */
const char *allocator_name(void);
/* CONTROL_CAN_MALLOC, CONTROL_CAN_TRIM as far as they hold here. */
uint32_t allocator_capabilities(void);
/* Adds malloc_*, what is not known stays absent. */
void allocator_stats(struct control_stats *stats);
/* UNSUPPORTED: the allocator keeps no free pages, or is not known. OK says nothing about bytes:
 * what came of it shows only in /proc. */
enum control_result allocator_trim(uint64_t *ret_usec);
/* A trim reaches what all threads share and the heap of the calling thread only: for a Python
 * program it should run on the main thread as well. Any thread. */
bool allocator_trim_is_per_thread(void);

#endif
