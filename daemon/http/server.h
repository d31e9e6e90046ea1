/* SPDX-License-Identifier: MIT */
/*
 * REST, metrics and the page over HTTP: one thread of our own with one epoll over the listeners
 * (TCP and Unix), the reply mailbox and a stop eventfd. Nobody else calls libmicrohttpd.
 *
 * What the snapshot can answer is answered at once. What needs the loop or the reader becomes a
 * struct command: submit() takes it over, and whoever answers it fills the answer and pushes it to
 * command->reply_to. http owns it again from then on, also when the client is gone by then.
 *
 * The engine owns the object: http_new, http_start, http_stop, http_free from one thread.
 */
#ifndef MEMTEND_HTTP_SERVER_H
#define MEMTEND_HTTP_SERVER_H

#include "base/error.h"
#include "base/mailbox.h"
#include "model/command.h"
#include "model/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What http needs from the rest of the head. All are called on the http thread. */
struct http_ops {
    /*
     * The newest snapshot, borrowed until released; NULL before the first tick. Without `processes`
     * it may have none (count 0) and the call must not block; with them it may wait for the loop,
     * for three seconds at most.
     */
    const struct snapshot *(*snapshot_acquire)(void *context, bool processes);
    void (*snapshot_release)(void *context, const struct snapshot *snapshot);
    /*
     * Hand a command to the loop or the reader (command.h says which). Ownership moves on 0.
     * -ENOBUFS: full, the client gets 503. Must not block.
     *
     * command->asker with !all may only see and touch processes of its uid. http has checked that
     * as far as the snapshot knows; whoever answers checks it again for what the snapshot does not
     * know: processes of the last tick, and receipts and history of processes that are gone.
     */
    int (*submit)(void *context, struct command *command);
    /*
     * Parse rule text and bind it without keeping it; pure. The number of errors goes to ret_count
     * (0: the text is good), at most limit of them to errors. -errno when it could not be tried.
     */
    int (*rules_check)(void *context, const char *text, size_t length, struct error *errors,
                       size_t limit, size_t *ret_count);
    void *context;
};

/* Texts are copied by http_new. Zero means the default wherever a default is named. */
struct http_config {
    int tcp_fd;               /* listening, non-blocking or not; -1 none; stays the caller's */
    int unix_fd;              /* the same for http.sock */
    uint16_t port;            /* of tcp_fd as bound, for the Host check */
    const char *bind_address; /* "127.0.0.1", "::1", …; NULL: loopback names only */
    const char *token;        /* what TCP clients must know; needed with tcp_fd */
    uid_t daemon_uid;         /* may do all on the Unix socket, like root */
    gid_t admin_gid;          /* so may its members; (gid_t)-1: no such group */
    bool rules_writable;      /* PUT and DELETE of rules; false: 403 */
    const char *version;      /* for /api/v1/status and /metrics */
    /* Deadlines; tests make them short. */
    uint64_t idle_usec;    /* silence on a connection, whole seconds; default 10 s */
    uint64_t receive_usec; /* from free to receive until received whole; default 15 s */
    uint64_t answer_usec;  /* for the loop or reader to answer; default 5 s */
};

struct http;

/*
 * Config and rules must have been loaded: /readyz says so. 0; -EINVAL without any listener or with
 * TCP and no token; -ENOMEM; -EIO when a listener could not be taken.
 */
int http_new(const struct http_config *config, const struct http_ops *ops, struct http **ret_http);
/*
 * NULL is fine. Stops a running server. By then nobody may hold a command of this server: replies
 * that wait in the mailbox are freed here.
 */
void http_free(struct http *http);

int http_start(struct http *http);
/*
 * Waiting clients get 503, connections are closed, the thread is joined. Commands still on their
 * way stay with their holder, who pushes them to their reply_to, which is never full for
 * them, or frees them.
 */
void http_stop(struct http *http);

/* CPU time of its thread so far; 0 when it does not run. Not while it is being stopped. */
uint64_t http_cpu_usec(const struct http *http);

#endif
