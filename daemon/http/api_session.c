/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "http/body.h"
#include "http/query.h"

#include <stdio.h>

static const char *const no_names[] = {NULL};

/* The gate let only the token itself through. */
void api_session_post(struct request *request, struct reply *reply)
{
    char id[SESSION_ID_SIZE];
    if (!query_check(request, no_names, reply))
        return;
    json_t *body = body_object(request, no_names, reply);
    if (!body)
        return;
    json_decref(body);
    if (session_add(&request->site->gate.sessions, request->now_usec, id) < 0) {
        reply_problem(reply, 503, "unavailable", "no random numbers for a session");
        return;
    }
    reply->status = 204;
    snprintf(reply->cookie, sizeof(reply->cookie),
             SESSION_COOKIE "=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict", id,
             (int)(HTTP_SESSION_USEC / USEC_PER_SEC));
}

void api_session_delete(struct request *request, struct reply *reply)
{
    if (!query_check(request, no_names, reply))
        return;
    if (request->session)
        session_drop(&request->site->gate.sessions, request->session);
    reply->status = 204;
    snprintf(reply->cookie, sizeof(reply->cookie),
             SESSION_COOKIE "=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
}
