/* SPDX-License-Identifier: MIT */
/*
 * What the daemon asked for: one request at a time, one more waiting, the job the first may need,
 * and the answers. Agent's thread, except where said; the state outlives a stop of that thread.
 */
#ifndef MEMTEND_AGENT_REQUEST_H
#define MEMTEND_AGENT_REQUEST_H

#include "base/buffer.h"
#include "job.h"
#include "wire/control.h"

#include <stdbool.h>
#include <stdint.h>

/* Constructor. Answers go to the end of out. */
void request_init(struct buffer *out);
/* A stat, a run or a census. */
void request_on_message(const struct control_message *message, uint64_t now_usec);
void request_refuse(uint64_t id, enum control_result why);
/* Take up a job that ended, give up one whose time is over, begin what waits. */
enum job_state request_turn(uint64_t now_usec);
bool request_is_active(void);
/* The connection is lost, or this is the child of a fork. Async-signal-safe. */
void request_forget(void);

#endif
