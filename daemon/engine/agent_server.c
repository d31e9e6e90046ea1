/* SPDX-License-Identifier: MIT */
#include "engine/agent_server.h"

#include "agents/report.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/agent_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define AGENT_LIMIT 1024
/* No user can keep the others out; half is room for a large service. Not for root and our own uid,
 * who can do worse anyway. */
#define AGENT_LIMIT_PER_UID (AGENT_LIMIT / 2)
#define AGENT_BUCKETS       256
/* Connections taken in one turn of the loop. */
#define AGENT_ACCEPT_BATCH 16
#define AGENT_WANTED_USEC  (5 * USEC_PER_SEC)
/* To count pools takes some 16 ms for a GiB: below this it is done for a person who asks. */
#define AGENT_POOLS_CHEAP_USEC (5 * USEC_PER_MSEC)

struct agent_server {
    struct agent_server_config config;
    struct agent_server_handler handler;
    sd_event_source *listener;
    size_t count;
    struct agent_peer *buckets[AGENT_BUCKETS];
    struct agent_allowance allowance;
    uint64_t refused; /* connections past a limit */
};

/* ---- for the peers ---- */

const struct agent_server_config *agent_server_config_of(const struct agent_server *server)
{
    return &server->config;
}

const struct agent_server_handler *agent_server_handler_of(const struct agent_server *server)
{
    return &server->handler;
}

static struct agent_peer **bucket_of(struct agent_server *server, pid_t pid)
{
    return &server->buckets[(unsigned)pid % AGENT_BUCKETS];
}

void agent_server_remove(struct agent_server *server, struct agent_peer *peer)
{
    struct agent_peer **link = bucket_of(server, peer->identity.id.pid);
    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    server->count--;
    agent_peer_free(peer);
}

void agent_server_event(struct agent_server *server, enum event_kind kind,
                        const struct agent_peer *peer, const char *text)
{
    if (agent_allowance_event(&server->allowance, kind, clock_mono_usec()))
        server->handler.on_event(server->handler.context, kind, peer->identity.id, text);
}

struct agent_allowance *agent_server_allowance_of(struct agent_server *server)
{
    return &server->allowance;
}

/* ---- finding ---- */

static struct agent_peer *find_peer(const struct agent_server *server, struct process_id id)
{
    struct agent_peer *peer = server->buckets[(unsigned)id.pid % AGENT_BUCKETS];
    while (peer && !process_id_equal(peer->identity.id, id))
        peer = peer->next;
    return peer;
}

/* With an open session, or NULL. */
static struct agent_peer *find_open(const struct agent_server *server, struct process_id id)
{
    struct agent_peer *peer = find_peer(server, id);
    bool open = peer && peer->state == PEER_CONNECTED && peer->session.state == SESSION_OPEN;
    return open ? peer : NULL;
}

static void for_each_peer(const struct agent_server *server,
                          void (*visit)(struct agent_peer *peer, void *context), void *context)
{
    for (size_t i = 0; i < AGENT_BUCKETS; i++)
        for (struct agent_peer *peer = server->buckets[i]; peer; peer = peer->next)
            visit(peer, context);
}

/* ---- new connections ---- */

struct uid_count {
    uid_t uid;
    size_t count;
};

static void count_uid(struct agent_peer *peer, void *context)
{
    struct uid_count *count = context;
    count->count += peer->identity.uid == count->uid;
}

static bool has_room(const struct agent_server *server, uid_t uid)
{
    if (server->count >= AGENT_LIMIT)
        return false;
    struct uid_count count = {.uid = uid};
    for_each_peer(server, count_uid, &count);
    return count.count < AGENT_LIMIT_PER_UID || uid == 0 || uid == geteuid();
}

static void on_no_room(struct agent_server *server, const struct peer_identity *identity)
{
    server->refused++;
    /* A program that tries for ever must not fill the log. */
    if ((server->refused & (server->refused - 1)) == 0)
        log_warning("too many agents (%zu, this one of uid %u): %llu refused so far", server->count,
                    (unsigned)identity->uid, (unsigned long long)server->refused);
}

/* Nothing to hide: the reader is told why before the connection closes. */
static void refuse(int fd, const char *why)
{
    char storage[128];
    struct buffer line;
    buffer_init_over(&line, storage, sizeof(storage));
    if (control_encode_bye(&line, why) == 0)
        (void)!send(fd, line.data, line.size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The same process again: fine when its earlier connection has ended, as by an exec. */
static void readmit(struct agent_peer *peer, int socket_fd, uint64_t now_usec)
{
    _cleanup_(closep) int fd = socket_fd;
    /* The end of the earlier one may not have been noticed yet; it is behind its last lines. */
    for (int i = 0; i < 4 && peer->state == PEER_CONNECTED; i++) {
        agent_peer_read(peer);
        agent_peer_settle(peer);
    }
    if (peer->state == PEER_CONNECTED)
        refuse(fd, "duplicate");
    else if (peer->state == PEER_AWAY && quota_take(&peer->connects, now_usec))
        agent_peer_connect(peer, STEAL_FD(fd), now_usec);
}

static void admit(struct agent_server *server, const struct peer_identity *identity, int fd,
                  uint64_t now_usec)
{
    struct agent_peer *peer;
    if (agent_peer_new(server, identity, fd, now_usec, &peer) < 0)
        return;
    struct agent_peer **bucket = bucket_of(server, identity->id.pid);
    peer->next = *bucket;
    *bucket = peer;
    server->count++;
}

static void on_connection(struct agent_server *server, int socket_fd)
{
    _cleanup_(closep) int fd = socket_fd;
    struct peer_identity identity;
    if (peer_identify(fd, server->config.proc_fd, &identity) < 0)
        return;
    uint64_t now_usec = clock_mono_usec();
    struct agent_peer *peer = find_peer(server, identity.id);
    if (!peer && has_room(server, identity.uid)) {
        admit(server, &identity, STEAL_FD(fd), now_usec);
        return;
    }
    close(identity.pidfd);
    if (peer)
        readmit(peer, STEAL_FD(fd), now_usec);
    else
        on_no_room(server, &identity);
}

static int on_listener(sd_event_source *source, int listener, uint32_t events, void *context)
{
    (void)events;
    struct agent_server *server = context;
    for (int i = 0; i < AGENT_ACCEPT_BATCH; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            /* Out of descriptors or memory: the connection stays readable, so look away until the
             * next tick. */
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                sd_event_source_set_enabled(source, SD_EVENT_OFF);
            break;
        }
        on_connection(server, fd);
    }
    return 0;
}

/* ---- life ---- */

int agent_server_new(const struct agent_server_config *config,
                     const struct agent_server_handler *handler, struct agent_server **ret_server)
{
    struct agent_server *server = calloc(1, sizeof(*server));
    if (!server)
        return -ENOMEM;
    server->config = *config;
    server->handler = *handler;
    agent_allowance_init(&server->allowance, clock_mono_usec());
    int r = sd_event_add_io(config->event, &server->listener, config->socket_fd, EPOLLIN,
                            on_listener, server);
    if (r < 0) {
        free(server);
        return r;
    }
    *ret_server = server;
    return 0;
}

void agent_server_free(struct agent_server *server)
{
    if (!server)
        return;
    for (size_t i = 0; i < AGENT_BUCKETS; i++) {
        while (server->buckets[i]) {
            struct agent_peer *peer = server->buckets[i];
            if (peer->state == PEER_CONNECTED)
                refuse(peer->fd, "stop");
            session_close(&peer->session, SESSION_END_STOPPED, "memtend is stopping");
            agent_server_remove(server, peer);
        }
    }
    sd_event_source_disable_unref(server->listener);
    free(server);
}

/* ---- what the loop asks for ---- */

static void tick_peer(struct agent_peer *peer, void *context)
{
    agent_peer_on_tick(peer, *(const uint64_t *)context);
}

void agent_server_on_tick(struct agent_server *server, uint64_t now_usec)
{
    for_each_peer(server, tick_peer, &now_usec);
    sd_event_source_set_enabled(server->listener, SD_EVENT_ON);
}

bool agent_server_has(const struct agent_server *server, struct process_id id)
{
    return find_open(server, id) != NULL;
}

void agent_server_want_stats(struct agent_server *server, struct process_id id, uint64_t now_usec)
{
    struct agent_peer *peer = find_open(server, id);
    if (peer)
        peer->wanted_until_usec = now_usec + AGENT_WANTED_USEC;
}

void agent_server_want_pools(struct agent_server *server, struct process_id id,
                             uint64_t max_age_usec, uint64_t now_usec)
{
    struct agent_peer *peer = find_open(server, id);
    if (peer && peer->pools_usec + max_age_usec <= now_usec &&
        peer->pools.pools_usec <= AGENT_POOLS_CHEAP_USEC)
        peer->pools_due_usec = 0;
}

int agent_server_stat_now(struct agent_server *server, struct process_id id)
{
    struct agent_peer *peer = find_open(server, id);
    if (!peer)
        return -ENOENT;
    if (peer->session.stat_late)
        return -ETIMEDOUT;
    int r = peer->session.stat_request ? 0 : agent_peer_ask_stats(peer, clock_mono_usec());
    if (r == 0)
        peer->stats_claimed = true;
    return r;
}

int agent_server_run(struct agent_server *server, struct process_id id, enum step_kind step,
                     uint64_t max_pause_usec, uint64_t *ret_request)
{
    struct agent_peer *peer = find_open(server, id);
    if (!peer)
        return -ENOENT;
    int r =
        session_request_run(&peer->session, step, max_pause_usec, clock_mono_usec(), ret_request);
    if (r < 0)
        return r;
    agent_peer_wake(peer);
    agent_peer_publish(peer);
    return 0;
}

int agent_server_census(struct agent_server *server, struct process_id id,
                        const struct census_question *question)
{
    struct agent_peer *peer = find_open(server, id);
    if (!peer)
        return -ENOENT;
    int r = session_request_census(&peer->session, question, clock_mono_usec());
    if (r < 0)
        return r;
    agent_peer_wake(peer);
    return 0;
}

struct estimate_memory *agent_server_memory(struct agent_server *server, struct process_id id)
{
    struct agent_peer *peer = find_open(server, id);
    return peer ? &peer->memory : NULL;
}

struct backoff *agent_server_backoff(struct agent_server *server, struct process_id id)
{
    struct agent_peer *peer = find_open(server, id);
    return peer ? &peer->backoff : NULL;
}

int agent_server_report(const struct agent_server *server, struct process_id id, uint64_t now_usec,
                        struct agent_report *ret_report)
{
    const struct agent_peer *peer = find_open(server, id);
    if (!peer || peer->stats_usec == 0)
        return -ENOENT;
    report_fill(&peer->stats, &peer->pools, ret_report);
    text_copy(ret_report->interpreter, sizeof(ret_report->interpreter), peer->info.interpreter);
    ret_report->age_usec = now_usec - peer->stats_usec;
    if (ret_report->has_pools)
        ret_report->pools_age_usec = now_usec - peer->pools_usec;
    ret_report->pools_rss_bytes = ret_report->has_pools ? peer->pools_rss_bytes : -1;
    ret_report->has_full_collection = peer->full_collection_usec > 0;
    if (ret_report->has_full_collection)
        ret_report->full_collection_age_usec = now_usec - peer->full_collection_usec;
    return 0;
}

struct agent_count {
    size_t open, ready;
};

static void count_agent(struct agent_peer *peer, void *context)
{
    struct agent_count *count = context;
    if (peer->state != PEER_CONNECTED || peer->session.state != SESSION_OPEN)
        return;
    count->open++;
    count->ready += !peer->not_ready && !peer->session.stat_late;
}

void agent_server_count(const struct agent_server *server, size_t *ret_agents, size_t *ret_ready)
{
    struct agent_count count = {0};
    for_each_peer(server, count_agent, &count);
    *ret_agents = count.open;
    *ret_ready = count.ready;
}
