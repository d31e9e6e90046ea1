/* SPDX-License-Identifier: MIT */
#include "http/query.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

static bool query_is_named(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static bool query_is_repeated(const struct request *request, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(request->arguments[i].name, request->arguments[index].name) == 0)
            return true;
    return false;
}

bool query_check(const struct request *request, const char *const *names, struct reply *reply)
{
    if (request->arguments_full) {
        reply_problem(reply, 422, "bad_query", "more than %d parameters", HTTP_ARGUMENTS);
        return false;
    }
    for (size_t i = 0; i < request->argument_count; i++) {
        const struct argument *argument = &request->arguments[i];
        const char *wrong = NULL;
        if (!query_is_named(argument->name, names))
            wrong = "is not known here";
        else if (query_is_repeated(request, i))
            wrong = "is given twice";
        else if (argument->length != strlen(argument->value) ||
                 argument->length > HTTP_SERIES_BYTES)
            wrong = "is too long or has a NUL";
        if (wrong) {
            reply_problem(reply, 422, "bad_query", "%.64s %s", argument->name, wrong);
            return false;
        }
    }
    return true;
}

const char *query_text(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->argument_count; i++)
        if (strcmp(request->arguments[i].name, name) == 0)
            return request->arguments[i].value;
    return NULL;
}

bool query_limit(const struct request *request, struct reply *reply, size_t *ret_limit)
{
    const char *text = query_text(request, "limit");
    uint64_t limit = HTTP_LIST_DEFAULT;
    if (text && (text_parse_u64(text, &limit) < 0 || limit < 1 || limit > COMMAND_LIST_LIMIT)) {
        reply_problem(reply, 422, "bad_query", "limit must be 1 to %d", COMMAND_LIST_LIMIT);
        return false;
    }
    *ret_limit = (size_t)limit;
    return true;
}

bool query_is_cursor(const char *text, size_t size)
{
    size_t length = strlen(text);
    return length > 0 && length < size &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
               length;
}

bool query_cursor(const struct request *request, struct reply *reply, size_t size, char *ret_cursor)
{
    const char *text = query_text(request, "cursor");
    if (text && !query_is_cursor(text, size)) {
        reply_problem(reply, 422, "bad_query", "cursor must be a next_cursor of this list");
        return false;
    }
    text_copy(ret_cursor, size, text ? text : "");
    return true;
}

struct query_unit {
    const char *suffix;
    uint64_t usec;
};

/* A whole number followed by exactly one of the units; ended by a NULL suffix. */
static int query_parse_amount(const char *text, const struct query_unit *units, uint64_t *ret_usec)
{
    uint64_t amount;
    size_t used;
    int r = text_scan_u64(text, strlen(text), &amount, &used);
    if (r < 0)
        return r;
    for (; units->suffix; units++) {
        if (strcmp(text + used, units->suffix) != 0)
            continue;
        if (amount > UINT64_MAX / units->usec)
            return -ERANGE;
        *ret_usec = amount * units->usec;
        return 0;
    }
    return -EINVAL;
}

int query_parse_duration(const char *text, uint64_t *ret_usec)
{
    static const struct query_unit units[] = {
        {"", USEC_PER_SEC}, {"s", USEC_PER_SEC}, {"ms", USEC_PER_MSEC}, {NULL, 0}};
    return query_parse_amount(text, units, ret_usec);
}

int query_parse_time(const char *text, uint64_t now_wall_usec, uint64_t *ret_wall_usec)
{
    static const struct query_unit units[] = {{"s", USEC_PER_SEC},
                                              {"m", 60 * USEC_PER_SEC},
                                              {"h", 3600 * USEC_PER_SEC},
                                              {"d", 86400 * USEC_PER_SEC},
                                              {NULL, 0}};
    uint64_t before_usec = 0;
    if (text[0] != '-' && strcmp(text, "now") != 0)
        return clock_parse_rfc3339(text, ret_wall_usec);
    if (text[0] == '-' && query_parse_amount(text + 1, units, &before_usec) < 0)
        return -EINVAL;
    if (before_usec > now_wall_usec)
        return -EINVAL;
    *ret_wall_usec = now_wall_usec - before_usec;
    return 0;
}

bool query_time(const struct request *request, const char *name, uint64_t now_wall_usec,
                uint64_t default_wall_usec, struct reply *reply, uint64_t *ret_wall_usec)
{
    const char *text = query_text(request, name);
    uint64_t wall_usec = default_wall_usec;
    if (text && query_parse_time(text, now_wall_usec, &wall_usec) < 0) {
        reply_problem(reply, 422, "bad_query",
                      "%s must be a time: 2026-11-22T10:41:18Z, unix seconds, now, or -1h", name);
        return false;
    }
    *ret_wall_usec = wall_usec;
    return true;
}

bool query_range(const struct request *request, uint64_t default_usec, struct reply *reply,
                 uint64_t *ret_from_wall_usec, uint64_t *ret_to_wall_usec)
{
    uint64_t now = clock_wall_usec(), from, to;
    if (!query_time(request, "to", now, now, reply, &to) ||
        !query_time(request, "from", now, to > default_usec ? to - default_usec : 0, reply, &from))
        return false;
    const char *wrong = NULL;
    if (from >= to)
        wrong = "from must be before to; without them it is the last hour";
    else if (from > now)
        wrong = "from is in the future: nothing is known of that yet";
    else if (to > INT64_MAX)
        wrong = "to must be a time: it is too far in the future";
    if (wrong) {
        reply_problem(reply, 422, "bad_query", "%s", wrong);
        return false;
    }
    *ret_from_wall_usec = from;
    *ret_to_wall_usec = to;
    return true;
}

bool query_wait(const struct request *request, struct reply *reply, uint64_t *ret_usec)
{
    const char *text = query_text(request, "wait");
    uint64_t usec = 0;
    if (text && (query_parse_duration(text, &usec) < 0 || usec > HTTP_WAIT_USEC)) {
        reply_problem(reply, 422, "bad_query", "wait must be 10s, 500ms or 10, at most 30s");
        return false;
    }
    *ret_usec = usec;
    return true;
}
