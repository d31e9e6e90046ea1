/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "http/assets.h"
#include "http/query.h"
#include "http/render.h"
#include "http/sheet.h"

static const char *const no_arguments[] = {NULL};

/* Alive: the loop still ticks. Before the first tick the start of the server counts. */
void api_livez(struct request *request, struct reply *reply)
{
    const struct snapshot *snapshot = request->snapshot;
    uint64_t last_usec = snapshot ? snapshot->mono_usec : request->site->started_usec;
    uint64_t tick_usec = snapshot ? snapshot->status.tick_usec : USEC_PER_SEC;
    uint64_t age_usec = request->now_usec > last_usec ? request->now_usec - last_usec : 0;
    if (age_usec > HTTP_STALE_TICKS * tick_usec)
        reply_problem(reply, 503, "stale", "the last tick was %d s ago",
                      (int)(age_usec / USEC_PER_SEC));
    else
        reply_asset(reply, request->site->alive);
}

/* Open, or not open and the reason is told. */
static bool store_is_ready(const struct status *status)
{
    return status->store == STORE_STATE_OK || status->store_detail[0] != '\0';
}

static int ready_line(struct buffer *body, bool ok, const char *text, const char *detail)
{
    return buffer_append_text(body, ok ? "[+] " : "[-] ") < 0 ||
                   buffer_append_text(body, text) < 0 || buffer_append_text(body, detail) < 0 ||
                   buffer_append_text(body, "\n") < 0
               ? -1
               : 0;
}

void api_readyz(struct request *request, struct reply *reply)
{
    const struct snapshot *snapshot = request->snapshot;
    const struct status *status = snapshot ? &snapshot->status : NULL;
    bool store = status && store_is_ready(status);
    bool whole = status && status->store == STORE_STATE_OK;
    struct buffer *body = &reply->body;
    reply->status = status && store ? 200 : 503;
    reply->content_type = "text/plain; charset=utf-8";
    /* The server is made after config and rules were loaded: a wrong one ends the daemon. */
    int r = ready_line(body, true, "config and rules loaded", "");
    r |= ready_line(body, status, status ? "a fast pass is done" : "no fast pass is done yet", "");
    if (whole)
        r |= ready_line(body, true, "store open", "");
    else if (status)
        r |= ready_line(body, store, store ? "store not durable: " : "store not open",
                        status->store_detail);
    if (r != 0)
        reply_no_memory(reply);
}

void api_status(struct request *request, struct reply *reply)
{
    if (!query_check(request, no_arguments, reply) || !request_has_snapshot(request, reply) ||
        request_is_unchanged(request, reply))
        return;
    reply_json(reply, 200,
               render_status(request->snapshot, request->site->version, request->site->user,
                             request->asker.all));
}

/* Open to every asker: /proc/meminfo is. */
void api_host(struct request *request, struct reply *reply)
{
    if (!query_check(request, no_arguments, reply) || !request_has_snapshot(request, reply) ||
        request_is_unchanged(request, reply))
        return;
    reply_json(reply, 200, render_host(request->snapshot));
}
