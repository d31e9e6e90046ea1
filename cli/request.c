/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REQUEST_TIMEOUT_SECONDS 10 /* the daemon answers history queries within 5 s */

static void request_add(struct request *request, const char *text)
{
    int r = buffer_append_text(&request->path, text);
    if (r < 0 && request->failed == 0)
        request->failed = r;
}

static void request_add_encoded(struct request *request, const char *text)
{
    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        char piece[4] = {*at, '\0'};
        if (byte >= 0x80 || !(isalnum(byte) || strchr("-._~", byte)))
            snprintf(piece, sizeof(piece), "%%%02X", byte);
        request_add(request, piece);
    }
}

void request_init(struct request *request, const char *method, const char *path)
{
    *request = (struct request){.method = method, .timeout_seconds = REQUEST_TIMEOUT_SECONDS};
    buffer_init(&request->path, REQUEST_PATH_LIMIT);
    request_add(request, path);
}

void request_finish(struct request *request)
{
    buffer_finish(&request->path);
    json_decref(request->body);
}

void request_segment(struct request *request, const char *text)
{
    request_add(request, "/");
    request_add_encoded(request, text);
}

void request_word(struct request *request, const char *constant)
{
    request_add(request, constant);
}

void request_query(struct request *request, const char *key, const char *value)
{
    request_add(request, request->queries++ == 0 ? "?" : "&");
    request_add(request, key);
    request_add(request, "=");
    request_add_encoded(request, value);
}

void request_query_number(struct request *request, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    request_query(request, key, text);
}

void request_body(struct request *request, json_t *body)
{
    request->body = body;
    if (!body && request->failed == 0)
        request->failed = -EINVAL;
}

const char *request_path_text(struct request *request)
{
    if (request->failed == 0)
        request->failed = buffer_append(&request->path, "", 1);
    return request->failed == 0 ? request->path.data : NULL;
}
