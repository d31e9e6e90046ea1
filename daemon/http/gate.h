/* SPDX-License-Identifier: MIT */
/*
 * Every check between the request line and a handler, in the order the API promises: framing,
 * header size, Host 421, path 404, method 405, credential 401, rights 403, Origin 403, rate 429,
 * content type 415, size 413. Pure: facts and time in, verdict out; only the counters of rates
 * change. Owned by the http thread.
 *
 * The Unix socket has no Host, Origin and token checks: the kernel says who asks (peer.h).
 */
#ifndef MEMTEND_HTTP_GATE_H
#define MEMTEND_HTTP_GATE_H

#include "http/peer.h"
#include "http/rate.h"
#include "http/reply.h"
#include "http/route.h"
#include "http/session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_HOSTS     4
#define GATE_HOST_SIZE 64

struct gate {
    char hosts[GATE_HOSTS][GATE_HOST_SIZE]; /* "127.0.0.1:6368", … */
    size_t host_count;
    char *token; /* owned */
    struct session_store sessions;
    struct failures token_failures;
    struct rate tcp_changes;
    struct rate peer_changes; /* of Unix askers who may not do all */
};

enum credential {
    CREDENTIAL_NONE,
    CREDENTIAL_TOKEN,
    CREDENTIAL_SESSION,
    CREDENTIAL_PEER, /* by the Unix socket */
};

/* What the request says; texts are borrowed, NULL = header absent. */
struct gate_facts {
    const struct peer *peer; /* NULL on TCP */
    const struct route_match *match;
    const char *host;
    const char *authorization;
    const char *session; /* value of our cookie */
    const char *origin;
    const char *sec_fetch_site;
    const char *content_type;
    const char *content_length;
    const char *transfer_encoding;
    unsigned host_count, content_length_count, transfer_encoding_count;
    size_t header_bytes;
};

/* 0 or -ENOMEM. */
int gate_init(struct gate *gate, const char *token, const char *bind_address, uint16_t port);
void gate_finish(struct gate *gate);

/*
 * true: go on, *ret_asker says for whom. false: the reply is filled.
 */
bool gate_check(struct gate *gate, const struct gate_facts *facts, uint64_t now_usec,
                struct asker *ret_asker, struct reply *reply);

#endif
