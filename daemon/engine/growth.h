/* SPDX-License-Identifier: MIT */
/*
 * What RSS a process had some minutes ago, for 32 bytes each: two notes, the older of which is at
 * least GROWTH_SPAN_USEC old once the process is, and less than twice that when RSS is noted often.
 * Pure, plain data, one owner.
 */
#ifndef MEMTEND_ENGINE_GROWTH_H
#define MEMTEND_ENGINE_GROWTH_H

#include <stdint.h>

/* Long enough to tell growth from the coming and going of requests, short enough to be news. */
#define GROWTH_SPAN_USEC UINT64_C(300000000)

struct growth_note {
    uint64_t mono_usec; /* 0 = none */
    int64_t rss_bytes;
};

/* Zeroed = nothing yet, as after an exec. */
struct growth {
    struct growth_note older, newer;
};

void growth_put(struct growth *growth, int64_t rss_bytes, uint64_t now_usec);
/* The oldest that is known; mono_usec 0: none. */
struct growth_note growth_before(const struct growth *growth);

#endif
