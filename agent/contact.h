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
/* For the right moment, which comes: trying again is no failure. */
bool contact_waits(void);
/* It has failed so often that it will not be tried again. */
bool contact_is_given_up(void);

/* The interpreter that we were in contact with is no more. */
bool contact_is_gone(void);
/* Agent's thread, then, and no job: there may be another one. */
void contact_reset(void);

/*
 * GIL held, job's thread: the built-in module, imported if need be; a new reference or NULL, an
 * error may be set. Not by PyImport_ImportModule: that runs bytecode and waits for import locks,
 * which lets the GIL go, and until our exit hook is in place the interpreter may then go down under
 * us (heap corruption in 3 of 1000 runs of an empty script). And where malloc has nothing left,
 * CPython 3.11 never comes out of bytecode that handles its own errors. What is called here is C
 * all the way. 2.7: NULL unless the program has imported it, or first contact has.
 */
void *contact_module(const char *name);

#endif
