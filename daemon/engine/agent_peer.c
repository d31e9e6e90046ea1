/* SPDX-License-Identifier: MIT */
#include "engine/agent_peer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* An exec'ed Python says hello within a second; nothing is lost when a slow one is a plain hello.
 */
#define PEER_AWAY_USEC (10 * USEC_PER_SEC)
/* Long enough that a liar costs nothing, short enough that a fixed program is back soon. */
#define PEER_BAN_USEC (60 * USEC_PER_SEC)
/* Bytes read from one agent before the others get their turn. */
#define PEER_READ_BYTES 16384
/* Connections that one process may make: an exec, a reconnect, not a flood. */
#define PEER_CONNECTS_PER_SECOND 1
#define PEER_CONNECTS_BURST      10

/* ---- the connection ---- */

static void disconnect(struct agent_peer *peer)
{
    buffer_finish(&peer->session.input);
    agent_allowance_hold(agent_server_allowance_of(peer->server), &peer->held_bytes, 0);
    peer->io = sd_event_source_disable_unref(peer->io);
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
}

static void set_away(struct agent_peer *peer, enum peer_state state, uint64_t usec)
{
    disconnect(peer);
    peer->state = state;
    peer->until_usec = clock_mono_usec() + usec;
    sd_event_source_set_time(peer->timer, peer->until_usec);
    sd_event_source_set_enabled(peer->timer, SD_EVENT_ONESHOT);
}

static void say_bye(struct agent_peer *peer, const char *text)
{
    if (peer->greeted)
        agent_server_event(peer->server, EVENT_KIND_BYE, peer, text);
    peer->greeted = false;
}

/* The session has ended: what it leaves behind depends on how. */
static void on_session_closed(struct agent_peer *peer)
{
    const struct session *session = &peer->session;
    bool exec = session->end == SESSION_END_BYE && strcmp(session->why, "exec") == 0;
    peer->returning = peer->greeted && (exec || session->end == SESSION_END_LOST);
    agent_peer_forget(peer);
    set_away(peer, PEER_AWAY, PEER_AWAY_USEC);
    agent_peer_publish(peer);
    agent_peer_tell_stats(peer);
    if (peer->returning)
        return;
    say_bye(peer, session->why);
    if (session->end == SESSION_END_VIOLATION || session->end == SESSION_END_VERSION) {
        if (agent_allowance_warning(agent_server_allowance_of(peer->server), clock_mono_usec()))
            log_warning("agent of process %d is not heard for a minute: %s",
                        (int)peer->identity.id.pid, session->why);
        set_away(peer, PEER_BANNED, PEER_BAN_USEC);
    }
}

static void flush(struct agent_peer *peer)
{
    struct buffer *output = &peer->session.output;
    while (output->size > 0) {
        ssize_t sent = send(peer->fd, output->data, output->size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0) {
            session_close(&peer->session, SESSION_END_LOST, "the connection was lost");
            return;
        }
        buffer_consume(output, (size_t)sent);
    }
    uint32_t events = output->size > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;
    sd_event_source_set_io_events(peer->io, events);
}

void agent_peer_settle(struct agent_peer *peer)
{
    if (peer->state != PEER_CONNECTED)
        return;
    flush(peer);
    uint64_t next;
    session_on_time(&peer->session, clock_mono_usec(), &next);
    if (peer->session.state == SESSION_CLOSED) {
        on_session_closed(peer);
        return;
    }
    sd_event_source_set_time(peer->timer, next);
    sd_event_source_set_enabled(peer->timer, next == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

void agent_peer_wake(struct agent_peer *peer)
{
    sd_event_source_set_io_events(peer->io, EPOLLIN | EPOLLOUT);
    sd_event_source_set_time(peer->timer, session_deadline(&peer->session));
    sd_event_source_set_enabled(peer->timer, SD_EVENT_ONESHOT);
}

void agent_peer_read(struct agent_peer *peer)
{
    char bytes[PEER_READ_BYTES];
    ssize_t got = recv(peer->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got > 0) {
        session_on_bytes(&peer->session, bytes, (size_t)got, clock_mono_usec());
        struct agent_allowance *allowance = agent_server_allowance_of(peer->server);
        size_t held = peer->session.input.size;
        if (!agent_allowance_hold(allowance, &peer->held_bytes, held) && held > 0)
            session_close(&peer->session, SESSION_END_STOPPED, "too many unfinished lines");
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        session_close(&peer->session, SESSION_END_LOST, "the connection was lost");
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    struct agent_peer *peer = context;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        agent_peer_read(peer);
    agent_peer_settle(peer);
    return 0;
}

/* ---- time and the end ---- */

static int on_timer(sd_event_source *source, uint64_t due_usec, void *context)
{
    (void)source;
    (void)due_usec;
    struct agent_peer *peer = context;
    if (peer->state == PEER_CONNECTED) {
        agent_peer_settle(peer);
        return 0;
    }
    say_bye(peer, "the connection was lost");
    agent_server_remove(peer->server, peer);
    return 0;
}

DEFINE_CLEANUP(struct agent_peer *, agent_peer_free);

static int on_ended(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    struct agent_peer *peer = context;
    /* Its last words may still be in the socket. */
    if (peer->state == PEER_CONNECTED)
        agent_peer_read(peer);
    if (peer->has_session)
        session_close(&peer->session, SESSION_END_LOST, "the process ended");
    agent_peer_tell_stats(peer);
    say_bye(peer, "the process ended");
    agent_server_remove(peer->server, peer);
    return 0;
}

int agent_peer_connect(struct agent_peer *peer, int socket_fd, uint64_t now_usec)
{
    _cleanup_(closep) int fd = socket_fd;
    sd_event *event = agent_server_config_of(peer->server)->event;
    int r = sd_event_add_io(event, &peer->io, fd, EPOLLIN, on_io, peer);
    if (r < 0)
        return r;
    if (peer->has_session)
        session_finish(&peer->session);
    const struct session_handler handler = agent_peer_handler(peer);
    session_init(&peer->session, &session_default_limits, &handler, now_usec);
    peer->has_session = true;
    peer->fd = STEAL_FD(fd);
    peer->state = PEER_CONNECTED;
    sd_event_source_set_time(peer->timer, now_usec + session_default_limits.hello_usec);
    sd_event_source_set_enabled(peer->timer, SD_EVENT_ONESHOT);
    return 0;
}

/* The sources of its end and of its time. */
static int add_sources(struct agent_peer *peer, uint64_t now_usec)
{
    sd_event *event = agent_server_config_of(peer->server)->event;
    int r =
        sd_event_add_io(event, &peer->exit_source, peer->identity.pidfd, EPOLLIN, on_ended, peer);
    if (r < 0)
        return r;
    r = sd_event_add_time(event, &peer->timer, CLOCK_MONOTONIC, now_usec, USEC_PER_MSEC, on_timer,
                          peer);
    return r < 0 ? r : 0;
}

int agent_peer_new(struct agent_server *server, const struct peer_identity *identity, int socket_fd,
                   uint64_t now_usec, struct agent_peer **ret_peer)
{
    _cleanup_(closep) int fd = socket_fd;
    _cleanup_(agent_peer_freep) struct agent_peer *peer = calloc(1, sizeof(*peer));
    if (!peer) {
        close(identity->pidfd);
        return -ENOMEM;
    }
    peer->server = server;
    peer->identity = *identity;
    peer->fd = -1;
    regions_init(&peer->regions, now_usec);
    quota_init(&peer->connects, PEER_CONNECTS_PER_SECOND, PEER_CONNECTS_BURST, now_usec);
    int r = add_sources(peer, now_usec);
    if (r == 0)
        r = agent_peer_connect(peer, STEAL_FD(fd), now_usec);
    if (r < 0)
        return r;
    *ret_peer = STEAL(peer);
    return 0;
}

/* The table shows it no more. */
static void unpublish(struct agent_peer *peer)
{
    struct process *process =
        table_find(agent_server_config_of(peer->server)->table, peer->identity.id);
    if (process && process->agent == &peer->info)
        process->agent = NULL;
}

void agent_peer_free(struct agent_peer *peer)
{
    if (!peer)
        return;
    disconnect(peer);
    unpublish(peer);
    sd_event_source_disable_unref(peer->exit_source);
    sd_event_source_disable_unref(peer->timer);
    if (peer->has_session)
        session_finish(&peer->session);
    if (peer->identity.pidfd >= 0)
        close(peer->identity.pidfd);
    free(peer);
}
