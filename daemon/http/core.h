/* SPDX-License-Identifier: MIT */
/*
 * The inside of the server, shared by server.c (thread, loop, deadlines) and exchange.c (one
 * request). Nobody else includes it. All of it belongs to the http thread between http_start and
 * http_stop, except the reply mailbox, which locks itself.
 */
#ifndef MEMTEND_HTTP_CORE_H
#define MEMTEND_HTTP_CORE_H

#include "http/pending.h"
#include "http/request.h"

#include <microhttpd.h>
#include <pthread.h>

#define CORE_LISTENERS 2

struct listener {
    struct http *http;
    struct MHD_Daemon *daemon; /* NULL = not listening */
    bool tcp;
    bool due; /* has something to do before the next sleep */
};

/* An accepted connection. */
struct connection {
    struct listener *listener;
    struct MHD_Connection *mhd;
    int fd;                 /* the library's */
    struct peer peer;       /* Unix only */
    uint64_t deadline_usec; /* monotonic; it is cut then; 0 = none */
    struct connection *next, **link;
};

enum exchange_stage {
    EXCHANGE_RECEIVING,
    EXCHANGE_WAITING, /* suspended: its command is on the way */
    EXCHANGE_ANSWERED,
    EXCHANGE_LATE,
    EXCHANGE_STOPPED,
    EXCHANGE_SENDING,
};

/* One request and its answer. */
struct exchange {
    struct connection *connection;
    struct request request;
    enum exchange_stage stage;
    bool too_large;
};

struct http {
    struct site site;
    struct pending pending;
    struct mailbox replies;
    struct listener listeners[CORE_LISTENERS];
    struct connection *connections;
    size_t exchanges;            /* alive */
    uint64_t next_deadline_usec; /* none of the connections' is earlier */
    uint64_t idle_usec, receive_usec;
    uid_t daemon_uid;
    gid_t admin_gid;
    struct peer_home home;
    int epoll_fd, stop_fd;
    pthread_t thread;
    bool running;  /* the thread was started; engine's side */
    bool stopping; /* no new commands */
};

/* The connection is cut when it is not told otherwise by then. 0 = never. */
void core_set_deadline(struct connection *connection, uint64_t deadline_usec);

/* Callbacks of the library (exchange.c). */
enum MHD_Result exchange_on_request(void *listener, struct MHD_Connection *mhd, const char *url,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_size, void **state);
void exchange_on_completed(void *listener, struct MHD_Connection *mhd, void **state,
                           enum MHD_RequestTerminationCode code);
/* A waiting exchange goes on at the given stage. */
void exchange_resume(struct exchange *exchange, enum exchange_stage stage);

#endif
