/* SPDX-License-Identifier: MIT */
#include "http/rate.h"

bool rate_take(struct rate *rate, uint32_t limit, uint64_t period_usec, uint64_t now_usec)
{
    uint64_t cost_usec = period_usec / limit;
    uint64_t used_usec = rate->used_usec > now_usec ? rate->used_usec : now_usec;
    if (used_usec + cost_usec > now_usec + period_usec)
        return false;
    rate->used_usec = used_usec + cost_usec;
    return true;
}

bool failures_exceed(struct failures *failures, uint32_t limit, uint64_t period_usec,
                     uint64_t now_usec)
{
    if (failures->count == 0 || now_usec - failures->window_usec >= period_usec)
        *failures = (struct failures){.window_usec = now_usec};
    if (failures->count >= limit)
        return true;
    failures->count++;
    return false;
}
