/* SPDX-License-Identifier: MIT */
#include "engine/probe_pace.h"

#include "base/clock.h"

/* Between the end of a probe and the start of the next: 0.1 s, doubled up to 25.6 s ... */
#define PACE_USEC  (100 * USEC_PER_MSEC)
#define PACE_STEPS 8
/* ... and back to 0.1 s after it ran for so long. */
#define PACE_STABLE_USEC (60 * USEC_PER_SEC)
#define PACE_LONG_USEC   (1 * USEC_PER_SEC)

void probe_pace_init(struct probe_pace *pace, uint64_t now_usec)
{
    *pace = (struct probe_pace){.next_usec = now_usec};
}

void probe_pace_opened(struct probe_pace *pace, uint64_t now_usec)
{
    pace->opened_usec = now_usec;
    pace->next_usec = 0;
}

void probe_pace_ended(struct probe_pace *pace, uint64_t now_usec)
{
    if (pace->opened_usec > 0 && now_usec - pace->opened_usec >= PACE_STABLE_USEC)
        pace->failures = 0;
    unsigned step = pace->failures < PACE_STEPS ? pace->failures : PACE_STEPS;
    pace->failures++;
    pace->next_usec = now_usec + (PACE_USEC << step);
    pace->opened_usec = 0;
}

bool probe_pace_is_due(const struct probe_pace *pace, uint64_t now_usec)
{
    return pace->next_usec > 0 && now_usec >= pace->next_usec;
}

bool probe_pace_is_long(const struct probe_pace *pace, uint64_t now_usec)
{
    return pace->next_usec > now_usec + PACE_LONG_USEC;
}
