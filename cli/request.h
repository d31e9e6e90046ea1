/* SPDX-License-Identifier: MIT */
/*
 * One question to the daemon: method, path with its query, body. Built piece by piece; what comes
 * from the command line is percent-encoded. One owner.
 */
#ifndef MEMTEND_CLI_REQUEST_H
#define MEMTEND_CLI_REQUEST_H

#include "base/buffer.h"

#include <jansson.h>
#include <stdint.h>

#define REQUEST_PATH_LIMIT 16384 /* the daemon's limit for a request head is 16 KiB */

struct request {
    const char *method;
    struct buffer path;       /* NUL-terminated by request_path_text() */
    size_t queries;           /* so far */
    json_t *body;             /* NULL = none; owned */
    uint64_t timeout_seconds; /* for the whole exchange */
    int failed;               /* first error while building, reported by client_send() */
};

/* Path is a constant like "/api/v1/status". */
void request_init(struct request *request, const char *method, const char *path);
void request_finish(struct request *request);                     /* safe on a zeroed one */
void request_segment(struct request *request, const char *text);  /* "/" and the text encoded */
void request_word(struct request *request, const char *constant); /* as it is */
void request_query(struct request *request, const char *key, const char *value);
void request_query_number(struct request *request, const char *key, uint64_t value);
/* Takes over the body; NULL (no memory, invalid UTF-8) fails the request. */
void request_body(struct request *request, json_t *body);
/* NULL when building failed. */
const char *request_path_text(struct request *request);

#endif
