/* SPDX-License-Identifier: MIT */
#include "engine/growth.h"

void growth_put(struct growth *growth, int64_t rss_bytes, uint64_t now_usec)
{
    if (growth->newer.mono_usec != 0 && now_usec < growth->newer.mono_usec + GROWTH_SPAN_USEC)
        return;
    growth->older = growth->newer;
    growth->newer = (struct growth_note){.mono_usec = now_usec, .rss_bytes = rss_bytes};
}

struct growth_note growth_before(const struct growth *growth)
{
    return growth->older.mono_usec != 0 ? growth->older : growth->newer;
}
