/* SPDX-License-Identifier: MIT */
#include "range.h"

#include "base/clock.h"
#include "base/quantity.h"
#include "say.h"
#include "verb.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* "2h" ago, or a time. *wall_usec stays when the option is not there. */
static int range_time(const struct invocation *invocation, enum option_id id, uint64_t now_usec,
                      uint64_t *wall_usec)
{
    const char *given = invocation->option[id];
    int64_t ago;
    int r = 0;
    if (!given)
        return 0;
    if (strchr(given, 'T'))
        r = clock_parse_rfc3339(given, wall_usec);
    else {
        r = quantity_parse(given, QUANTITY_USEC, &ago, NULL);
        if (r == 0 && (ago < 0 || (uint64_t)ago > now_usec))
            r = -EINVAL;
        if (r == 0)
            *wall_usec = now_usec - (uint64_t)ago;
    }
    if (r == 0)
        return 0;
    say("--%s takes a duration like 30s, 5m, 2h or 1d, or a time like 2026-11-22T10:41:18Z, not %s",
        option_info(id)->name, given);
    say_try("memtend %s --help", invocation->verb->name);
    return -EINVAL;
}

int range_read(const struct invocation *invocation, uint64_t ago_usec, struct range *ret_range)
{
    uint64_t now = clock_wall_usec();
    struct range range = {ago_usec < now ? now - ago_usec : 0, RANGE_NO_END};
    int r = range_time(invocation, OPTION_SINCE, now, &range.from_wall_usec);
    if (r == 0)
        r = range_time(invocation, OPTION_UNTIL, now, &range.to_wall_usec);
    if (r < 0)
        return r;
    bool ends = range.to_wall_usec != RANGE_NO_END;
    if (range.from_wall_usec >= (ends ? range.to_wall_usec : now)) {
        say("--since must be before %s", ends ? "--until" : "now");
        say_try("memtend %s --help", invocation->verb->name);
        return -EINVAL;
    }
    *ret_range = range;
    return 0;
}

void range_query(const struct range *range, struct request *request)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(range->from_wall_usec, text);
    request_query(request, "from", text);
    if (range->to_wall_usec == RANGE_NO_END)
        return;
    clock_format_rfc3339(range->to_wall_usec, text);
    request_query(request, "to", text);
}
