/* SPDX-License-Identifier: MIT */
/*
 * The only door to the interpreter. Nothing else in the agent takes the GIL, so everything that
 * may not happen there is checked here, before and again after the wait. Job's thread, except
 * where said.
 */
#ifndef MEMTEND_AGENT_GIL_H
#define MEMTEND_AGENT_GIL_H

#include <stdbool.h>
#include <stdint.h>

enum gil_outcome {
    GIL_TAKEN,       /* and the job's ticket is claimed */
    GIL_NOT_READY,   /* the interpreter is not up, or no longer */
    GIL_CLOSING,     /* it is going down */
    GIL_INTERRUPTED, /* the job was cancelled, or a fork is under way */
    GIL_NO_MEMORY,   /* malloc has nothing left: nothing was touched */
};

enum gil_outcome gil_take(uint64_t ticket, int *ret_state);
void gil_drop(int state);

/* Interpreter's threads, GIL held: nobody enters any more, whoever waits gives up. */
void gil_close(void);
bool gil_is_closed(void);
/*
 * Is it known that the GIL exists and is in order? Not before first contact up to 3.6, where taking
 * it too early crashes, nor in a child that the interpreter may not have noticed.
 */
void gil_trust(bool trusted);
bool gil_is_trusted(void);
/* A new interpreter after one that went down. */
void gil_reopen(void);
/* Whoever was inside is no more. */
void gil_abandon(void);

/* Around a fork; counted. */
void gil_pause(void);
void gil_resume(void);
bool gil_is_paused(void);
bool gil_is_inside(void);
/* Release the GIL, wait until nobody is inside (at most so long), take it back. */
void gil_wait_for_leave(uint64_t timeout_usec);
/* The same by a thread that does not hold it. */
void gil_await_leave(uint64_t timeout_usec);
/* GIL held by a job: let others have it for a moment. False: the job must end now. */
bool gil_breathe(uint64_t usec);
/* In the child of a fork. Async-signal-safe. */
void gil_forget(void);

#endif
