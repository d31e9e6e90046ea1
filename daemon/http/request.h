/* SPDX-License-Identifier: MIT */
/*
 * One request as handlers see it, free of the HTTP library, and what all requests of one server
 * share. Texts are borrowed for the life of the request. The http thread owns both.
 *
 * A handler either fills the reply, or puts a command into request->command: that goes to the loop
 * or the reader, and the route's answer function is called with it when it comes back.
 */
#ifndef MEMTEND_HTTP_REQUEST_H
#define MEMTEND_HTTP_REQUEST_H

#include "http/gate.h"
#include "http/limits.h"
#include "http/reply.h"
#include "http/route.h"
#include "http/server.h"

struct asset;

#define SITE_TEXT_SIZE 64

struct site {
    struct http_ops ops;
    struct gate gate; /* hosts, token, sessions, rates */
    char version[SITE_TEXT_SIZE];
    char user[SITE_TEXT_SIZE];
    char epoch[17]; /* of this server: tick numbers start again with the daemon */
    bool rules_writable;
    uint64_t started_usec; /* monotonic */
    uint64_t answer_usec;
    struct asset *assets; /* asset_count of them, owned; assets.c */
    size_t asset_count;
    struct asset *alive; /* one of them: what /livez says */
};

struct argument {
    const char *name;
    const char *value; /* "" when it has none */
    size_t length;     /* of the value; more than strlen: it holds a NUL */
};

struct request {
    struct site *site;
    const struct route *route;
    char parameter[HTTP_PARAMETER]; /* the {} of the pattern */
    const char *path;
    struct asker asker;
    const char *session;       /* cookie, NULL without */
    const char *if_none_match; /* NULL without */
    size_t argument_count;
    bool arguments_full; /* there were more */
    struct argument arguments[HTTP_ARGUMENTS];
    struct buffer body;              /* owned */
    const struct snapshot *snapshot; /* during a handler only; NULL before the first tick */
    uint64_t now_usec;               /* monotonic */
    struct command *command;         /* set by a handler; owned */
};

void request_init(struct request *request, struct site *site);
void request_finish(struct request *request);

/* A command of this asker with its deadline set; NULL with the reply filled. */
struct command *request_command(struct request *request, enum command_kind kind,
                                struct reply *reply);
/* false, with the reply filled: no tick yet. */
bool request_has_snapshot(const struct request *request, struct reply *reply);
/*
 * The process that the path names, which this asker may see; its target is filled. NULL with the
 * reply filled.
 */
const struct process *request_process(const struct request *request, struct reply *reply,
                                      struct target *ret_target);
/* Whether this asker may see the process. */
bool request_may_see(const struct request *request, const struct process *process);
/*
 * Live state: sets the ETag of this tick; true when the client has it already (304 is filled).
 */
bool request_is_unchanged(const struct request *request, struct reply *reply);
/* Whether a list of entity tags (If-None-Match) has this one. */
bool etag_matches(const char *list, const char *etag);
/* The problem for a result that is none of OK, CREATED and RUNNING. */
void reply_refusal(struct reply *reply, const struct command *command);

#endif
