/* SPDX-License-Identifier: MIT */
/*
 * The one table of what is served: method, path, who may, body, handler. Constant.
 */
#ifndef MEMTEND_HTTP_ROUTE_H
#define MEMTEND_HTTP_ROUTE_H

#include "http/limits.h"
#include "http/reply.h"

#include <stdbool.h>
#include <stddef.h>

struct request;
struct command;

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_DELETE, METHOD_COUNT };

enum rights {
    RIGHTS_OPEN,  /* nothing needed */
    RIGHTS_SOME,  /* any known asker; the handler filters for those who may not see all */
    RIGHTS_ALL,   /* who may do all */
    RIGHTS_TOKEN, /* TCP with the token itself */
    RIGHTS_LEAVE, /* TCP with the token or a session */
};

enum body { BODY_NONE, BODY_OPTIONAL, BODY_JSON };

struct route {
    enum method method;
    const char *pattern; /* {} takes one segment */
    enum rights rights;
    enum body body;
    void (*handle)(struct request *request, struct reply *reply);
    /* When the command of the handler came back with OK, CREATED or RUNNING. */
    void (*answer)(struct request *request, const struct command *command, struct reply *reply);
};

/* What the method and path lead to. */
struct route_match {
    const struct route *route;      /* NULL: no such path, or not with this method */
    bool path_known;                /* something is served there */
    char allow[REPLY_ALLOW_SIZE];   /* "GET, HEAD, POST" of the path */
    char parameter[HTTP_PARAMETER]; /* what {} took */
};

void route_find(const char *method, const char *path, struct route_match *ret_match);

/* Its handler looks at no process of the snapshot. */
bool route_is_brief(const struct route *route);

/* All routes, ended by a NULL pattern (for the test against openapi.json). */
const struct route *route_table(void);

#endif
