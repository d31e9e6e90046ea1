/* SPDX-License-Identifier: MIT */
/*
 * What the interpreter calls in us: before and after os.fork(), when it shuts down, and when it is
 * gone.
 */
#ifndef MEMTEND_AGENT_CONTACT_H
#define MEMTEND_AGENT_CONTACT_H

#include "job.h"

#include <stdbool.h>

/* The interpreter will tell us of forks and of its end. */
bool contact_is_made(void);
/* The same now: register with atexit and os.register_at_fork. GIL held; job's thread (JOB_CONTACT)
 * or main thread. */
void contact_make(const struct job_request *request, struct job_result *result);
bool contact_make_now(void);
/* It has failed so often that it will not be tried again. */
bool contact_is_given_up(void);

/* The interpreter that we were in contact with is no more. */
bool contact_is_gone(void);
/* Agent's thread, then, and no job: there may be another one. */
void contact_reset(void);

#endif
