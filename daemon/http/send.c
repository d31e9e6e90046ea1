/* SPDX-License-Identifier: MIT */
#include "http/send.h"

#include "base/cleanup.h"
#include "http/assets.h"

#include <stdio.h>

static const struct {
    const char *name, *value;
} send_always[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

static struct MHD_Response *send_body(struct reply *reply)
{
    if (reply->asset) /* constant for the life of the program: the library only reads it */
        return MHD_create_response_from_buffer(reply->asset->file->size,
                                               (void *)(uintptr_t)reply->asset->file->data,
                                               MHD_RESPMEM_PERSISTENT);
    if (reply->body.borrowed || reply->body.size == 0)
        return MHD_create_response_from_buffer(reply->body.size, reply->body.data,
                                               MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body.size, reply->body.data, MHD_RESPMEM_MUST_FREE);
    if (response)
        reply->body.data = NULL;
    return response;
}

static bool send_header(struct MHD_Response *response, const char *name, const char *value)
{
    return !value || !*value || MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool send_number(struct MHD_Response *response, const char *name, unsigned value)
{
    char text[16] = "";
    if (value > 0)
        snprintf(text, sizeof(text), "%u", value);
    return send_header(response, name, text);
}

static bool send_headers(struct MHD_Response *response, const struct reply *reply)
{
    bool good = true;
    for (size_t i = 0; i < sizeof(send_always) / sizeof(send_always[0]); i++)
        good &= send_header(response, send_always[i].name, send_always[i].value);
    good &= send_header(response, "Content-Type", reply->content_type);
    /* What has a tag may be kept and must be asked for again; the rest is gone with the tick. */
    good &= send_header(response, "Cache-Control", reply->etag[0] ? "no-cache" : "no-store");
    good &= send_header(response, "ETag", reply->etag);
    good &= send_header(response, "Location", reply->location);
    good &= send_header(response, "Set-Cookie", reply->cookie);
    good &= send_header(response, "Allow", reply->allow);
    good &= send_header(response, "WWW-Authenticate",
                        reply->authenticate ? "Bearer realm=\"memtend\"" : NULL);
    good &= send_header(response, "Connection", reply->close ? "close" : NULL);
    return good & send_number(response, "Retry-After", reply->retry_after_seconds);
}

/* The caller's; NULL without memory. */
static struct MHD_Response *send_response(struct reply *reply)
{
    struct MHD_Response *response = send_body(reply);
    if (response && !send_headers(response, reply)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    return response;
}

enum MHD_Result send_reply(struct MHD_Connection *connection, struct reply *reply)
{
    struct asset *asset = reply->asset;
    struct MHD_Response *response = asset ? asset->prepared : NULL;
    if (!response)
        response = send_response(reply);
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    /* All headers of an asset are constant too: it is worth keeping. */
    if (asset)
        asset->prepared = response;
    else
        MHD_destroy_response(response);
    return result;
}

void send_forget(struct asset *asset)
{
    if (asset->prepared)
        MHD_destroy_response(asset->prepared);
    asset->prepared = NULL;
}
