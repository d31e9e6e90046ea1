/* SPDX-License-Identifier: MIT */
/*
 * The way to first contact with the interpreter. Agent's thread, except where said.
 *
 * From 3.7 anybody may take the GIL as soon as the interpreter is up, so a job makes it: from 3.8
 * to 3.11 when the process is 30 ms old, so that programs shorter than that do not pay for it.
 * In 3.7, 3.12 and 3.13 the main thread is asked first, by a pending call: it costs no switch to
 * another thread, and no second one of ours exists when a program forks in its first statement. Up
 * to 3.6 there is no GIL until somebody wants one: the pending call makes it. On 3.6 a job does the
 * rest, for nothing may be imported in such a call; on 2.7 the call does all of it: who takes the
 * GIL there must be able to trust that the end of the interpreter will be told.
 *
 * An interpreter that went down may be followed by another one in the same process.
 */
#ifndef MEMTEND_AGENT_APPROACH_H
#define MEMTEND_AGENT_APPROACH_H

#include <stdint.h>

/*
 * Constructor, or whoever starts the agent. Up to 3.6 a call can be added before the interpreter is
 * there, and its very first bytecode makes it: a program may sleep from its second statement on.
 * How long the agent's thread shall leave the program alone at first.
 */
uint64_t approach_begin(void);
/* The next step, if there is one. */
void approach_turn(uint64_t now_usec);
/* After how long to come again at the latest; UINT64_MAX: nothing is expected. */
uint64_t approach_sleep_usec(uint64_t now_usec);
/* In the child of a fork. Async-signal-safe. */
void approach_forget(void);

#endif
