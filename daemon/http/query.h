/* SPDX-License-Identifier: MIT */
/*
 * The ?name=value part of a request, strictly: unknown names, names given twice and values that do
 * not fit fill the reply with 422 and make the function return false. Values are borrowed.
 */
#ifndef MEMTEND_HTTP_QUERY_H
#define MEMTEND_HTTP_QUERY_H

#include "http/request.h"

/* Only these names, each at most once, no NUL in values, none longer than limit. */
bool query_check(const struct request *request, const char *const *names, struct reply *reply);
/* NULL when absent. */
const char *query_text(const struct request *request, const char *name);

/* limit=1..1000, default 100. */
bool query_limit(const struct request *request, struct reply *reply, size_t *ret_limit);
/* cursor=[A-Za-z0-9_-]+, shorter than size; "" when absent. */
bool query_cursor(const struct request *request, struct reply *reply, size_t size,
                  char *ret_cursor);
/* RFC 3339, unix seconds, "now", or "-1h" (s, m, h, d) before now. Default when absent. */
bool query_time(const struct request *request, const char *name, uint64_t now_wall_usec,
                uint64_t default_wall_usec, struct reply *reply, uint64_t *ret_wall_usec);
/* from= and to=: a time that has begun. Absent: up to now, and so long before `to`. */
bool query_range(const struct request *request, uint64_t default_usec, struct reply *reply,
                 uint64_t *ret_from_wall_usec, uint64_t *ret_to_wall_usec);
/* wait=10s, 500ms or 10; at most 30 s; 0 when absent. */
bool query_wait(const struct request *request, struct reply *reply, uint64_t *ret_usec);

/* "-1h" and the like, pure: what is before now, or -EINVAL. */
int query_parse_time(const char *text, uint64_t now_wall_usec, uint64_t *ret_wall_usec);
/* "10s", "500ms", "10". -EINVAL or -ERANGE. */
int query_parse_duration(const char *text, uint64_t *ret_usec);
/* [A-Za-z0-9_-]+ shorter than size. */
bool query_is_cursor(const char *text, size_t size);

#endif
