/* SPDX-License-Identifier: MIT */
/*
 * What the program wants called when memory is short: functions of C, and one callable of the
 * Python package, which calls those that Python code has registered. They run as a job, Python's
 * first and with the GIL, then C's without it; never two at a time. It is the program's code that
 * runs: how long it takes, and what it waits for, is the program's affair.
 */
#ifndef MEMTEND_AGENT_HOOKS_H
#define MEMTEND_AGENT_HOOKS_H

#include "job.h"
#include "memtend/agent.h"

#include <stdbool.h>
#include <stddef.h>

/* Any thread. 0, -EINVAL, -EEXIST, -ENOSPC. */
int hooks_add(memtend_hook hook, void *context);
/* Any thread; waits for the hook to return, unless it is the caller. 0, -ENOENT. */
int hooks_remove(memtend_hook hook, void *context);
/* GIL held; takes a new reference, NULL: none any more. 0, -EOPNOTSUPP. */
int hooks_set_python(void *callable);

/* Registered; Python's callable counts as one. Any thread. */
size_t hooks_count(void);
bool hooks_have_python(void);
void hooks_numbers(uint64_t *ret_called, uint64_t *ret_failed);

/* JOB_HOOKS with the GIL: Python's callable, if any. */
void hooks_call_python(const struct job_request *request, struct job_result *result);
/* JOB_PLAIN_HOOKS, and behind JOB_HOOKS: C's. GIL not held. Adds to the numbers of result. */
void hooks_call_plain(const struct job_request *request, struct job_result *result);

/* In the child of a fork: it keeps all of them. Async-signal-safe. */
void hooks_forget(void);

#endif
