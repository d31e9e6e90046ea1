/* SPDX-License-Identifier: MIT */
/*
 * Every object that the collector tracks, counted by type. GIL held, but let go between two pieces
 * where the interpreter can be asked in pieces. Job's thread.
 */
#ifndef MEMTEND_AGENT_HISTOGRAM_H
#define MEMTEND_AGENT_HISTOGRAM_H

#include "job.h"

size_t histogram_memory_bytes(void);
/* Needs memory, zeroed. Fills result->result, objects, truncated and hold_usec; returns how many
 * findings there are, the most frequent type first. */
size_t histogram_take(const struct control_census *census, void *memory, struct job_result *result,
                      struct control_finding *findings, size_t limit);

#endif
