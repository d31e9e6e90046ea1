/* SPDX-License-Identifier: MIT */
#include "http/gate.h"

#include "base/digest.h"
#include "base/text.h"
#include "http/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One request on its way through the checks. */
struct passage {
    struct gate *gate;
    const struct gate_facts *facts;
    uint64_t now_usec;
    enum credential credential;
    struct asker asker;
    struct reply *reply;
};

static bool gate_framing(struct passage *passage)
{
    const struct gate_facts *facts = passage->facts;
    if (facts->host_count <= 1 && facts->content_length_count <= 1 &&
        facts->transfer_encoding_count <= 1 && !(facts->content_length && facts->transfer_encoding))
        return true;
    reply_problem(passage->reply, 400, "malformed",
                  "Host, Content-Length and Transfer-Encoding must not contradict each other");
    passage->reply->close = true;
    return false;
}

static bool gate_header_size(struct passage *passage)
{
    if (passage->facts->header_bytes <= HTTP_HEADER_BYTES)
        return true;
    reply_problem(passage->reply, 431, "headers_too_large", "the headers may have %zu bytes",
                  HTTP_HEADER_BYTES);
    passage->reply->close = true;
    return false;
}

static bool gate_host(struct passage *passage)
{
    const struct gate *gate = passage->gate;
    const char *host = passage->facts->host;
    if (passage->facts->peer)
        return true;
    for (size_t i = 0; host && i < gate->host_count; i++)
        if (strcasecmp(gate->hosts[i], host) == 0)
            return true;
    reply_problem(passage->reply, 421, "wrong_host",
                  "this daemon does not answer to that host name; use %s", gate->hosts[0]);
    return false;
}

static bool gate_path(struct passage *passage)
{
    if (passage->facts->match->path_known)
        return true;
    reply_problem(passage->reply, 404, "not_found", "nothing is served there; see /openapi.json");
    return false;
}

static bool gate_method(struct passage *passage)
{
    const struct route_match *match = passage->facts->match;
    if (match->route)
        return true;
    reply_problem(passage->reply, 405, "method_not_allowed", "use %s", match->allow);
    text_copy(passage->reply->allow, sizeof(passage->reply->allow), match->allow);
    return false;
}

/* The token after "Bearer ", NULL when the header is of another kind. */
static const char *gate_bearer(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (!authorization || strncasecmp(authorization, scheme, strlen(scheme)) != 0)
        return NULL;
    return authorization + strlen(scheme) + strspn(authorization + strlen(scheme), " ");
}

static bool gate_refuse_token(struct passage *passage)
{
    /* The right token always passes: wrong ones must not lock its owner out. */
    if (failures_exceed(&passage->gate->token_failures, HTTP_TOKEN_FAILURES, HTTP_TOKEN_WINDOW_USEC,
                        passage->now_usec)) {
        reply_problem(passage->reply, 429, "too_many_failures",
                      "too many wrong tokens; try again in a minute");
        passage->reply->retry_after_seconds = HTTP_TOKEN_WINDOW_USEC / USEC_PER_SEC;
        return false;
    }
    reply_problem(passage->reply, 401, "wrong_token", "that token is not the daemon's");
    passage->reply->authenticate = true;
    return false;
}

static bool gate_tcp_credential(struct passage *passage)
{
    const struct gate_facts *facts = passage->facts;
    enum rights rights = facts->match->route->rights;
    const char *token = gate_bearer(facts->authorization);
    if (token && !digest_equal(passage->gate->token, token))
        return gate_refuse_token(passage);
    if (token) {
        passage->credential = CREDENTIAL_TOKEN;
        passage->asker = (struct asker){.all = true, .text = "token (http)"};
        return true;
    }
    if (facts->session && rights != RIGHTS_TOKEN &&
        session_is_known(&passage->gate->sessions, facts->session, passage->now_usec)) {
        passage->credential = CREDENTIAL_SESSION;
        passage->asker = (struct asker){.all = true, .text = "session (http)"};
        return true;
    }
    reply_problem(passage->reply, 401, "no_token",
                  "send the token of the state directory as Authorization: Bearer");
    passage->reply->authenticate = true;
    return false;
}

static bool gate_credential(struct passage *passage)
{
    const struct gate_facts *facts = passage->facts;
    /* Before the open routes: a peer of another namespace gets nothing at all. */
    if (facts->peer && facts->peer->refused) {
        reply_problem(passage->reply, 403, "foreign_namespace",
                      "the other end is in another pid or user namespace");
        return false;
    }
    if (facts->peer) {
        passage->credential = CREDENTIAL_PEER;
        passage->asker = facts->peer->asker;
        return true;
    }
    if (facts->match->route->rights == RIGHTS_OPEN)
        return true;
    return gate_tcp_credential(passage);
}

static bool gate_rights(struct passage *passage)
{
    enum rights rights = passage->facts->match->route->rights;
    if (passage->credential != CREDENTIAL_PEER)
        return true;
    if (rights == RIGHTS_TOKEN || rights == RIGHTS_LEAVE) {
        reply_problem(passage->reply, 403, "forbidden",
                      "sessions are for TCP; this socket has none");
        return false;
    }
    if (rights == RIGHTS_ALL && !passage->asker.all) {
        reply_problem(passage->reply, 403, "forbidden",
                      "only root, the daemon's user and the group memtend-admin may do that");
        return false;
    }
    return true;
}

/* Ours is "http://" and what this very request calls us. */
static bool gate_origin_is_ours(const struct gate_facts *facts)
{
    static const char scheme[] = "http://";
    return strncasecmp(facts->origin, scheme, strlen(scheme)) == 0 &&
           strcasecmp(facts->origin + strlen(scheme), facts->host) == 0;
}

static bool gate_origin(struct passage *passage)
{
    const struct gate_facts *facts = passage->facts;
    const struct route *route = facts->match->route;
    if (facts->peer || route->rights == RIGHTS_OPEN)
        return true;
    const char *site = facts->sec_fetch_site;
    bool foreign = facts->origin && !gate_origin_is_ours(facts);
    foreign |= site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
    bool missing =
        !facts->origin && route->method != METHOD_GET && passage->credential == CREDENTIAL_SESSION;
    if (!foreign && !missing)
        return true;
    reply_problem(passage->reply, 403, "foreign_origin",
                  foreign ? "requests from other sites are refused"
                          : "a change with a session needs the Origin header");
    return false;
}

static bool gate_rate(struct passage *passage)
{
    struct gate *gate = passage->gate;
    const struct gate_facts *facts = passage->facts;
    if (facts->match->route->method == METHOD_GET || (facts->peer && passage->asker.all))
        return true;
    struct rate *rate = facts->peer ? &gate->peer_changes : &gate->tcp_changes;
    if (rate_take(rate, HTTP_CHANGES_PER_SEC, USEC_PER_SEC, passage->now_usec))
        return true;
    reply_problem(passage->reply, 429, "too_many_changes", "at most %d changes a second",
                  HTTP_CHANGES_PER_SEC);
    passage->reply->retry_after_seconds = 1;
    return false;
}

/* Something follows the headers; what is not a number is for the library to refuse. */
static bool gate_has_body(const struct gate_facts *facts)
{
    return facts->transfer_encoding ||
           (facts->content_length &&
            strspn(facts->content_length, "0") != strlen(facts->content_length));
}

static bool gate_is_json(const char *content_type)
{
    static const char json[] = "application/json";
    if (!content_type || strncasecmp(content_type, json, strlen(json)) != 0)
        return false;
    const char *rest = content_type + strlen(json);
    rest += strspn(rest, " \t");
    return *rest == '\0' || *rest == ';';
}

static bool gate_content_type(struct passage *passage)
{
    const struct gate_facts *facts = passage->facts;
    enum body body = facts->match->route->body;
    bool needed = body == BODY_JSON || (body == BODY_OPTIONAL && gate_has_body(facts));
    if (!needed || gate_is_json(facts->content_type))
        return true;
    reply_problem(passage->reply, 415, "not_json", "send Content-Type: application/json");
    return false;
}

static bool gate_size(struct passage *passage)
{
    const struct gate_facts *facts = passage->facts;
    uint64_t limit = facts->match->route->body == BODY_NONE ? 0 : HTTP_BODY_BYTES;
    uint64_t length = 0;
    int r = facts->content_length ? text_parse_u64(facts->content_length, &length) : 0;
    if (r == -EINVAL) {
        reply_problem(passage->reply, 400, "malformed", "Content-Length is not a number");
        passage->reply->close = true;
        return false;
    }
    if (r == 0 && length <= limit && !(limit == 0 && facts->transfer_encoding))
        return true;
    reply_problem(passage->reply, 413, "too_large", "the body may have %d bytes", (int)limit);
    return false;
}

/* The order is part of the API. */
static bool (*const gate_checks[])(struct passage *) = {
    gate_framing, gate_header_size, gate_host, gate_path,         gate_method, gate_credential,
    gate_rights,  gate_origin,      gate_rate, gate_content_type, gate_size,
};

bool gate_check(struct gate *gate, const struct gate_facts *facts, uint64_t now_usec,
                struct asker *ret_asker, struct reply *reply)
{
    struct passage passage = {.gate = gate,
                              .facts = facts,
                              .now_usec = now_usec,
                              .asker.uid = (uid_t)-1, /* nobody, unless a check says who */
                              .reply = reply};
    for (size_t i = 0; i < sizeof(gate_checks) / sizeof(gate_checks[0]); i++)
        if (!gate_checks[i](&passage))
            return false;
    *ret_asker = passage.asker;
    return true;
}

static void gate_allow(struct gate *gate, const char *address, uint16_t port)
{
    const char *format = strchr(address, ':') ? "[%s]:%u" : "%s:%u";
    char host[GATE_HOST_SIZE];
    snprintf(host, sizeof(host), format, address, (unsigned)port);
    for (size_t i = 0; i < gate->host_count; i++)
        if (strcasecmp(gate->hosts[i], host) == 0)
            return;
    text_copy(gate->hosts[gate->host_count++], GATE_HOST_SIZE, host);
}

int gate_init(struct gate *gate, const char *token, const char *bind_address, uint16_t port)
{
    *gate = (struct gate){0};
    gate->token = strdup(token ? token : "");
    if (!gate->token)
        return -ENOMEM;
    gate_allow(gate, "127.0.0.1", port);
    gate_allow(gate, "localhost", port);
    gate_allow(gate, "::1", port);
    if (bind_address)
        gate_allow(gate, bind_address, port);
    return 0;
}

void gate_finish(struct gate *gate)
{
    free(gate->token);
    *gate = (struct gate){0};
}
