/* SPDX-License-Identifier: MIT */
/*
 * The way to first contact with the interpreter. Agent's thread.
 *
 *   from 3.7    as soon as the interpreter is up, anybody may take the GIL: a job registers
 *   from 3.12   the main thread does so, asked by a pending call: no second thread of ours may
 * exist when a program forks in its first statement, and only the main thread is in time to 3.6
 * there is no GIL until somebody wants one: a pending call makes it. On 3.6 a job does the rest,
 * on 2.7 that very call: whoever takes the GIL there must be able to trust that the end of the
 * interpreter will be told
 *
 * An interpreter that went down may be followed by another one in the same process.
 */
#ifndef MEMTEND_AGENT_APPROACH_H
#define MEMTEND_AGENT_APPROACH_H

#include <stdint.h>

/* The next step, if there is one. */
void approach_turn(uint64_t now_usec);
/* After how long to come again at the latest; UINT64_MAX: nothing is expected. */
uint64_t approach_sleep_usec(uint64_t now_usec);
/* In the child of a fork. Async-signal-safe. */
void approach_forget(void);

#endif
