/* SPDX-License-Identifier: MIT */
#include "agents/regions.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

/* A batch a minute is told whole; a request a second would bury everything else. */
#define REGIONS_COST_USEC (6 * USEC_PER_SEC)
#define REGIONS_BURST     20

void regions_init(struct regions *regions, uint64_t now_usec)
{
    *regions = (struct regions){0};
    quota_init_slow(&regions->quota, REGIONS_COST_USEC, REGIONS_BURST, now_usec);
}

#define REGIONS_LENGTH_SIZE 32

static void regions_format_length(uint64_t usec, char ret_text[static REGIONS_LENGTH_SIZE])
{
    static const struct {
        uint64_t below_usec;
        double unit_usec;
        const char *format;
    } rows[] = {
        {USEC_PER_MSEC, 1, "%.0f us"},           {10 * USEC_PER_MSEC, 1e3, "%.2f ms"},
        {USEC_PER_SEC, 1e3, "%.0f ms"},          {120 * USEC_PER_SEC, 1e6, "%.2f s"},
        {7200 * USEC_PER_SEC, 60e6, "%.1f min"}, {UINT64_MAX, 3600e6, "%.1f h"},
    };
    size_t i = 0;
    while (usec >= rows[i].below_usec && i + 1 < sizeof(rows) / sizeof(rows[0]))
        i++;
    snprintf(ret_text, REGIONS_LENGTH_SIZE, rows[i].format, (double)usec / rows[i].unit_usec);
}

bool regions_on_mark(struct regions *regions, const struct control_mark *mark, uint64_t now_usec,
                     char ret_text[static EVENT_TEXT_SIZE])
{
    char length[REGIONS_LENGTH_SIZE] = "", more[64] = "";
    /* An agent may claim any number; a sum of them that wraps would be a small one. */
    if (mark->left_out <= UINT64_MAX - regions->left_out)
        regions->left_out += mark->left_out;
    if (!quota_take(&regions->quota, now_usec)) {
        regions->left_out += regions->left_out < UINT64_MAX;
        return false;
    }
    if (mark->phase != CONTROL_PHASE_POINT)
        regions_format_length(mark->usec, length);
    if (regions->left_out > 0)
        snprintf(more, sizeof(more), " (%" PRIu64 " marks before it were left out)",
                 regions->left_out);
    regions->left_out = 0;
    static const char *const verbs[] = {
        [CONTROL_PHASE_BEGIN] = ": under way for ",
        [CONTROL_PHASE_END] = " took ",
        [CONTROL_PHASE_POINT] = "",
    };
    snprintf(ret_text, EVENT_TEXT_SIZE, "%s%s%s%s", mark->name, verbs[mark->phase], length, more);
    return true;
}
