/* SPDX-License-Identifier: MIT */
#include "duration.h"

#include "base/text.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

struct duration_unit {
    char letter;
    uint64_t seconds;
};

/* Largest first: duration_format walks down. */
static const struct duration_unit duration_units[] = {
    {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

#define DURATION_UNITS (sizeof(duration_units) / sizeof(duration_units[0]))
#define DURATION_LIMIT (UINT64_C(365000) * 86400) /* a thousand years: no time at all */

void duration_format(double seconds, char ret_text[static DURATION_TEXT_SIZE])
{
    if (!(seconds >= 0 && seconds <= (double)DURATION_LIMIT)) {
        text_copy(ret_text, DURATION_TEXT_SIZE, "?");
        return;
    }
    uint64_t whole = (uint64_t)seconds;
    size_t i = 0;
    while (i + 1 < DURATION_UNITS && whole < duration_units[i].seconds)
        i++;
    uint64_t rest = whole % duration_units[i].seconds;
    int length = snprintf(ret_text, DURATION_TEXT_SIZE, "%" PRIu64 "%c",
                          whole / duration_units[i].seconds, duration_units[i].letter);
    if (i + 1 < DURATION_UNITS && rest >= duration_units[i + 1].seconds)
        snprintf(ret_text + length, DURATION_TEXT_SIZE - (size_t)length, " %" PRIu64 "%c",
                 rest / duration_units[i + 1].seconds, duration_units[i + 1].letter);
}

void duration_format_short(double seconds, char ret_text[static DURATION_TEXT_SIZE])
{
    double msec = seconds * 1000;
    if (seconds >= 1)
        snprintf(ret_text, DURATION_TEXT_SIZE, "%.1f s", seconds);
    else
        snprintf(ret_text, DURATION_TEXT_SIZE, "%.*f ms", msec < 10 ? 1 : 0, msec);
}
