/* SPDX-License-Identifier: MIT */
/*
 * CPython's garbage collector: its numbers, gc.collect() and gc.freeze(). All with the GIL and the
 * job's ticket in hand, on the job's thread or on the main one.
 */
#ifndef MEMTEND_AGENT_COLLECTOR_H
#define MEMTEND_AGENT_COLLECTOR_H

#include "job.h"

#include <stdbool.h>

/* Find what the rest needs; false: not there (yet), ask again. */
bool collector_open(void);
/* Agent's thread: the interpreter is gone, and with it all that was found. */
void collector_forget(void);
/* Finalisers must run on the thread that runs the program's event loop. */
bool collector_finalisers_are_bound(void);
/* Fills result->stats: gc_* and py_blocks, as far as request->max_pause_usec goes by what each
 * number cost the last time. */
void collector_stat(const struct job_request *request, struct job_result *result);
void collector_collect(const struct job_request *request, struct job_result *result);
/* The module gc (borrowed), once collector_open() has answered true. */
void *collector_module(void);
/* sys.getallocatedblocks(). */
bool collector_blocks(uint64_t *ret_blocks);
/* No collection begins by itself until it is undone, before the GIL is given back. */
bool collector_pause(void);
void collector_unpause(bool was_enabled);
/* gc.freeze(); objects = how many are frozen now. */
void collector_freeze(const struct job_request *request, struct job_result *result);
/* The same, by whoever forks, when the environment asks for it (MEMTEND_FREEZE=1). */
void collector_before_first_fork(void);

#endif
