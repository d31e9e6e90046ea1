/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t clock_read(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_mono_usec(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_wall_usec(void)
{
    return clock_read(CLOCK_REALTIME);
}

uint64_t clock_cpu_usec(void)
{
    return clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_thread_usec(void)
{
    return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t clock_of_thread_usec(pthread_t thread)
{
    clockid_t id;
    return pthread_getcpuclockid(thread, &id) == 0 ? clock_read(id) : 0;
}

int clock_minute_of_day(uint64_t wall_usec)
{
    time_t seconds = (time_t)(wall_usec / USEC_PER_SEC);
    struct tm local;
    if (!localtime_r(&seconds, &local))
        return -1;
    return local.tm_hour * 60 + local.tm_min;
}

void clock_format_rfc3339(uint64_t wall_usec, char ret_text[static CLOCK_RFC3339_SIZE])
{
    time_t seconds = (time_t)(wall_usec / USEC_PER_SEC);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char date[24];
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret_text, CLOCK_RFC3339_SIZE, "%s.%03uZ", date,
             (unsigned)(wall_usec % USEC_PER_SEC / USEC_PER_MSEC));
}

/* Offset "Z", "+hh:mm" or "-hh:mm" in seconds. */
/* Exactly two digits; -1 when there are others. */
static int clock_two_digits(const char *text)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

static int clock_parse_offset(const char *text, int64_t *ret_seconds)
{
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *ret_seconds = 0;
        return 0;
    }
    if (strlen(text) != strlen("+hh:mm") || (text[0] != '+' && text[0] != '-') || text[3] != ':')
        return -EINVAL;
    int hours = clock_two_digits(text + 1), minutes = clock_two_digits(text + 4);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return -EINVAL;
    int64_t seconds = (int64_t)hours * 3600 + (int64_t)minutes * 60;
    *ret_seconds = text[0] == '-' ? -seconds : seconds;
    return 0;
}

int clock_parse_rfc3339(const char *text, uint64_t *ret_wall_usec)
{
    uint64_t unix_seconds;
    if (text_parse_u64(text, &unix_seconds) == 0 && unix_seconds < UINT64_MAX / USEC_PER_SEC) {
        *ret_wall_usec = unix_seconds * USEC_PER_SEC;
        return 0;
    }
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest)
        return -EINVAL;
    uint64_t fraction = 0;
    if (*rest == '.') {
        uint64_t scale = USEC_PER_SEC / 10;
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
            fraction += (uint64_t)(*rest - '0') * scale;
    }
    int64_t offset;
    if (clock_parse_offset(rest, &offset) < 0)
        return -EINVAL;
    int64_t seconds = (int64_t)timegm(&tm) - offset;
    if (seconds < 0)
        return -EINVAL;
    *ret_wall_usec = (uint64_t)seconds * USEC_PER_SEC + fraction;
    return 0;
}
