/* SPDX-License-Identifier: MIT */
/*
 * CPython's garbage collector: its numbers, and gc.collect(). All with the GIL and the job's ticket
 * in hand, on the job's thread or on the main one.
 */
#ifndef MEMTEND_AGENT_COLLECTOR_H
#define MEMTEND_AGENT_COLLECTOR_H

#include "job.h"

#include <stdbool.h>

/* Find what the rest needs; false: not there (yet), ask again. */
bool collector_open(void);
/* Finalisers must run on the thread that runs the program's event loop. */
bool collector_finalisers_are_bound(void);
/* Fills result->stats: gc_* and py_*. */
void collector_stat(const struct job_request *request, struct job_result *result);
void collector_collect(const struct job_request *request, struct job_result *result);

#endif
