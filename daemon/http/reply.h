/* SPDX-License-Identifier: MIT */
/*
 * An answer before it goes to the HTTP library: status, headers of our own, body. Filled by
 * handlers, sent by send.c, finished by whoever initialised it. One thread.
 */
#ifndef MEMTEND_HTTP_REPLY_H
#define MEMTEND_HTTP_REPLY_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define REPLY_LOCATION_SIZE 96
#define REPLY_COOKIE_SIZE   160
#define REPLY_ETAG_SIZE     72
#define REPLY_ALLOW_SIZE    48

struct asset;

struct reply {
    unsigned status;          /* 0 = not answered yet */
    const char *content_type; /* constant text; NULL: no body */
    struct buffer body;       /* owned */
    struct asset *asset;      /* or a constant body, borrowed */
    char location[REPLY_LOCATION_SIZE];
    char cookie[REPLY_COOKIE_SIZE];
    char etag[REPLY_ETAG_SIZE]; /* with its quotes; "" none */
    char allow[REPLY_ALLOW_SIZE];
    unsigned retry_after_seconds; /* 0 = header absent */
    bool authenticate;            /* WWW-Authenticate */
    bool close;                   /* framing cannot be trusted: end the connection */
};

void reply_init(struct reply *reply);
void reply_finish(struct reply *reply);

/*
 * RFC 9457. slug names the type (urn:memtend:problem:SLUG); the detail may hold text that came
 * from outside: it is cleaned.
 */
void reply_problem(struct reply *reply, unsigned status, const char *slug, const char *format, ...)
    _printf_(4, 5);
/* The same with places: errors[0].text is the detail. */
void reply_problem_at(struct reply *reply, unsigned status, const char *slug,
                      const struct error *errors, size_t count);
/* 503 for our own lack of memory. */
void reply_no_memory(struct reply *reply);

#endif
