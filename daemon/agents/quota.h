/* SPDX-License-Identifier: MIT */
/*
 * How many lines an agent may send: so many a second in the long run, and a burst. Pure.
 */
#ifndef MEMTEND_AGENTS_QUOTA_H
#define MEMTEND_AGENTS_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct quota {
    uint64_t cost_usec; /* time in which one line is earned */
    uint64_t most_usec; /* what can be saved up */
    uint64_t saved_usec;
    uint64_t last_usec;
};

/* per_second >= 1, burst >= 1. */
void quota_init(struct quota *quota, uint32_t per_second, uint32_t burst, uint64_t now_usec);
/* For less than one a second: one in cost_usec >= 1. */
void quota_init_slow(struct quota *quota, uint64_t cost_usec, uint32_t burst, uint64_t now_usec);
/* Take one; false when none is left. */
bool quota_take(struct quota *quota, uint64_t now_usec);

#endif
