/* SPDX-License-Identifier: MIT */
/*
 * Regions and points that the program marks, kept until the daemon is told. A table of slots that
 * are taken and given back by compare-and-swap: no lock, so no thread waits for another and none
 * can be lost in a fork. What does not fit is left out and counted; nobody is woken for a mark.
 */
#ifndef MEMTEND_AGENT_MARK_H
#define MEMTEND_AGENT_MARK_H

#include "base/buffer.h"

#include <stdint.h>

/* Any thread. 0: all slots are taken, or there is no name. */
uint64_t mark_begin(const char *name);
/* Any thread; a region of before a fork, or one that has ended, is no error. */
void mark_end(uint64_t span);
/* Any thread. */
void mark_point(const char *name);

/* Agent's thread: put what there is to tell into out, as far as the rate allows. */
void mark_tell(struct buffer *out, uint64_t now_usec);
/* Agent's thread: nobody listens; forget what has ended. */
void mark_discard(void);
/* Told and left out since the start or the fork. Any thread. */
void mark_count(uint64_t *ret_told, uint64_t *ret_left_out);
/* In the child of a fork. Async-signal-safe. */
void mark_forget(void);

#endif
