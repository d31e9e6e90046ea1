/* SPDX-License-Identifier: MIT */
#include "engine/agent_allowance.h"

#include "base/clock.h"
#include "base/log.h"

/* Events of the timeline are never dropped, so those that processes can cause are counted. */
#define ALLOWANCE_EVENTS_PER_SECOND 20
#define ALLOWANCE_EVENTS_BURST      2000 /* every agent says hello when the daemon starts */
/* Regions of all processes together: so many that a page of the timeline still shows an hour. */
#define ALLOWANCE_REGIONS_PER_SECOND 2
#define ALLOWANCE_REGIONS_BURST      200
/* What strangers can cause as often as they like is told the log six times a minute. */
#define ALLOWANCE_WARNING_USEC   (10 * USEC_PER_SEC)
#define ALLOWANCE_WARNINGS_BURST 10
/* Of all lines that have begun and not ended. An honest agent's line comes whole; without a bound
 * strangers could make us hold 64 MiB. */
#define ALLOWANCE_HELD_MAX_BYTES ((size_t)4 << 20)

void agent_allowance_init(struct agent_allowance *allowance, uint64_t now_usec)
{
    *allowance = (struct agent_allowance){0};
    quota_init(&allowance->events.quota, ALLOWANCE_EVENTS_PER_SECOND, ALLOWANCE_EVENTS_BURST,
               now_usec);
    quota_init(&allowance->regions.quota, ALLOWANCE_REGIONS_PER_SECOND, ALLOWANCE_REGIONS_BURST,
               now_usec);
    quota_init_slow(&allowance->warnings.quota, ALLOWANCE_WARNING_USEC, ALLOWANCE_WARNINGS_BURST,
                    now_usec);
}

static bool take(struct agent_share *share, uint64_t now_usec)
{
    bool taken = quota_take(&share->quota, now_usec);
    share->left_out += !taken;
    return taken;
}

static void tell(struct agent_share *share, const char *what)
{
    log_warning("%llu %s", (unsigned long long)share->left_out, what);
    share->left_out = 0;
}

bool agent_allowance_event(struct agent_allowance *allowance, enum event_kind kind,
                           uint64_t now_usec)
{
    bool region = kind == EVENT_KIND_REGION;
    struct agent_share *share = region ? &allowance->regions : &allowance->events;
    if (!take(share, now_usec))
        return false;
    if (share->left_out > 0 && quota_take(&allowance->warnings.quota, now_usec))
        tell(share, region ? "regions of programs came too fast to be noted one by one"
                           : "agents came and went too fast to be noted one by one");
    return true;
}

bool agent_allowance_warning(struct agent_allowance *allowance, uint64_t now_usec)
{
    if (!take(&allowance->warnings, now_usec))
        return false;
    if (allowance->warnings.left_out > 0)
        tell(&allowance->warnings, "warnings about agents were left out");
    return true;
}

bool agent_allowance_hold(struct agent_allowance *allowance, size_t *held_bytes, size_t now_bytes)
{
    allowance->held_bytes -= *held_bytes;
    allowance->held_bytes += now_bytes;
    *held_bytes = now_bytes;
    return allowance->held_bytes <= ALLOWANCE_HELD_MAX_BYTES;
}
