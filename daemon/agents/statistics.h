/* SPDX-License-Identifier: MIT */
/*
 * What an agent said, in the words of model/: statistics into a sample, hello into agent_info.
 * What the agent did not say is absent. Pure.
 */
#ifndef MEMTEND_AGENTS_STATISTICS_H
#define MEMTEND_AGENTS_STATISTICS_H

#include "model/process.h"
#include "wire/control.h"

/* Every heap and py field but those of pools is set, or cleared when this answer lacks it. */
void statistics_into_sample(const struct control_stats *stats, uint64_t mono_usec,
                            struct sample *sample);
/* The same for pymalloc's pools, which are asked for more rarely; nothing without them. */
void statistics_pools_into_sample(const struct control_stats *stats, uint64_t mono_usec,
                                  struct sample *sample);
void statistics_forget(struct sample *sample);
/* How long to wait before asking again: at least least_usec, longer when the answer was dear. What
 * it cost is time in which malloc or the GIL was held in the program. */
uint64_t statistics_interval_usec(const struct control_stats *stats, uint64_t least_usec);
/* Everything but the state. */
void statistics_into_info(const struct control_hello *hello, struct agent_info *ret_info);

#endif
