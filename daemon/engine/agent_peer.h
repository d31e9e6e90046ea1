/* SPDX-License-Identifier: MIT */
/*
 * One process that has, or a moment ago had, an agent connected: the connection, its session, its
 * timers, and what was learned. Inner part of the agent server, which owns all of them. Loop
 * thread only.
 *
 * Functions of the session call back into the server and from there into the actions, so a peer is
 * only ever removed at the outermost level: by the handlers of its timer and of its exit.
 */
#ifndef MEMTEND_ENGINE_AGENT_PEER_H
#define MEMTEND_ENGINE_AGENT_PEER_H

#include "agents/regions.h"
#include "engine/agent_allowance.h"
#include "engine/agent_server.h"
#include "engine/peer_identity.h"

enum peer_state {
    PEER_CONNECTED,
    PEER_AWAY,   /* it was lost without a bye; an exec would look like this */
    PEER_BANNED, /* it broke the protocol: not heard again for a while */
};

struct agent_peer {
    struct agent_server *server;
    struct agent_peer *next; /* in its bucket */
    struct peer_identity identity;
    sd_event_source *exit_source; /* on the pidfd */
    sd_event_source *timer;
    enum peer_state state;
    uint64_t until_usec; /* AWAY and BANNED end then */

    int fd; /* -1 unless connected */
    sd_event_source *io;
    struct session session;
    bool has_session;
    size_t held_bytes;      /* of an unfinished line, as the allowance has counted them */
    struct quota connects;  /* of this process */
    struct regions regions; /* of this process, whatever its connections */

    bool greeted;        /* a HELLO event was written; BYE follows */
    bool returning;      /* its next hello means that it has called exec */
    uint32_t exec_count; /* of the process when the connection was lost */
    bool not_ready;      /* its interpreter is not up */
    bool stats_claimed;  /* somebody waits for on_stats */
    char name[PROCESS_NAME_SIZE];
    struct agent_info info;

    struct control_stats stats;
    uint64_t stats_usec; /* 0 = none yet */
    uint64_t stat_asked_usec;
    struct control_stats pools; /* the last answer that told of pymalloc's pools */
    uint64_t pools_usec;        /* when it came; 0 = none yet */
    uint64_t pools_due_usec;
    int64_t pools_rss_bytes;       /* of the process at about that time; -1 = not known */
    uint64_t full_collection_usec; /* one of the oldest generation was seen to have run; 0 = none */
    bool stat_soon;                /* something has changed: do not wait for the interval */
    uint64_t wanted_until_usec;    /* by a rule */
    struct estimate_memory memory;
    struct backoff backoff;
};

/* Takes fd and the identity's pidfd, also on failure. */
int agent_peer_new(struct agent_server *server, const struct peer_identity *identity, int fd,
                   uint64_t now_usec, struct agent_peer **ret_peer);
void agent_peer_free(struct agent_peer *peer);
/* Use this connection from now on. Takes fd, also on failure. */
int agent_peer_connect(struct agent_peer *peer, int fd, uint64_t now_usec);
/* Read what has come; afterwards the peer may not be connected any more. */
void agent_peer_read(struct agent_peer *peer);
/* Send, arm the timer, deal with a session that has closed. */
void agent_peer_settle(struct agent_peer *peer);
/* Something to send was put into the session: sent when the loop turns. */
void agent_peer_wake(struct agent_peer *peer);

/* agent_peer_heard.c: what it has said. */
struct session_handler agent_peer_handler(struct agent_peer *peer);
/* agent_info as it is now, into the table when the process is in it. */
void agent_peer_publish(struct agent_peer *peer);
/* Nobody vouches for its numbers any more: they are unknown. Notes by what an exec will show. */
void agent_peer_forget(struct agent_peer *peer);
/* Whoever waits for statistics learns that they have come or will not. */
void agent_peer_tell_stats(struct agent_peer *peer);
/* As session_request_stat(). */
int agent_peer_ask_stats(struct agent_peer *peer, uint64_t now_usec);
/* Ask for statistics when they are due. */
void agent_peer_on_tick(struct agent_peer *peer, uint64_t now_usec);

/* By agent_server.c: take it out of the server and free it. */
void agent_server_remove(struct agent_server *server, struct agent_peer *peer);
void agent_server_event(struct agent_server *server, enum event_kind kind,
                        const struct agent_peer *peer, const char *text);
struct agent_allowance *agent_server_allowance_of(struct agent_server *server);
const struct agent_server_config *agent_server_config_of(const struct agent_server *server);
const struct agent_server_handler *agent_server_handler_of(const struct agent_server *server);

#endif
