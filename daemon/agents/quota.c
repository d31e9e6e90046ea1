/* SPDX-License-Identifier: MIT */
#include "agents/quota.h"

#include "base/clock.h"

void quota_init(struct quota *quota, uint32_t per_second, uint32_t burst, uint64_t now_usec)
{
    quota_init_slow(quota, USEC_PER_SEC / per_second, burst, now_usec);
}

void quota_init_slow(struct quota *quota, uint64_t cost_usec, uint32_t burst, uint64_t now_usec)
{
    *quota = (struct quota){
        .cost_usec = cost_usec,
        .most_usec = cost_usec * burst,
        .saved_usec = cost_usec * burst,
        .last_usec = now_usec,
    };
}

bool quota_take(struct quota *quota, uint64_t now_usec)
{
    if (now_usec > quota->last_usec) {
        quota->saved_usec += now_usec - quota->last_usec;
        quota->last_usec = now_usec;
    }
    if (quota->saved_usec > quota->most_usec)
        quota->saved_usec = quota->most_usec;
    if (quota->saved_usec < quota->cost_usec)
        return false;
    quota->saved_usec -= quota->cost_usec;
    return true;
}
