/* SPDX-License-Identifier: MIT */
/*
 * Two limits on how often: a token bucket and a window of failures. Pure: time is handed in
 * (monotonic). Plain data, one thread.
 */
#ifndef MEMTEND_HTTP_RATE_H
#define MEMTEND_HTTP_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* As many as limit at once, refilled evenly over period_usec. A zeroed one starts full. */
struct rate {
    uint64_t used_usec; /* up to when the allowance is spent */
};

bool rate_take(struct rate *rate, uint32_t limit, uint64_t period_usec, uint64_t now_usec);

/* Counts failures of the running window. */
struct failures {
    uint64_t window_usec; /* when it began */
    uint32_t count;
};

/* One more; true when there were limit of them in this window before. */
bool failures_exceed(struct failures *failures, uint32_t limit, uint64_t period_usec,
                     uint64_t now_usec);

#endif
