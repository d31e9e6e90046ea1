/* SPDX-License-Identifier: MIT */
#include "engine/agent_peer.h"

#include "agents/statistics.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* An exec'ed Python says hello within a second; nothing is lost when a slow one is a plain hello.
 */
#define PEER_AWAY_USEC (10 * USEC_PER_SEC)
/* Long enough that a liar costs nothing, short enough that a fixed program is back soon. */
#define PEER_BAN_USEC         (60 * USEC_PER_SEC)
#define PEER_STAT_USEC        (5 * USEC_PER_SEC)
#define PEER_STAT_WANTED_USEC USEC_PER_SEC
/* Reading all pools is worth what 0.05 % of a core gives, and 30 s is young for them. */
#define PEER_POOLS_USEC   (30 * USEC_PER_SEC)
#define PEER_POOLS_FACTOR 2000
/* Bytes read from one agent before the others get their turn. */
#define PEER_READ_BYTES 16384
/* Connections that one process may make: an exec, a reconnect, not a flood. */
#define PEER_CONNECTS_PER_SECOND 1
#define PEER_CONNECTS_BURST      10

/* ---- the session's handler ---- */

static uint64_t stat_interval(const struct agent_peer *peer, uint64_t now_usec)
{
    uint64_t interval = now_usec < peer->wanted_until_usec ? PEER_STAT_WANTED_USEC : PEER_STAT_USEC;
    return statistics_interval_usec(&peer->stats, interval);
}

static void tell_stats(struct agent_peer *peer)
{
    const struct agent_server_handler *handler = agent_server_handler_of(peer->server);
    if (!peer->stats_claimed)
        return;
    peer->stats_claimed = false;
    handler->on_stats(handler->context, peer->identity.id);
}

static void bump_exec_count(struct agent_peer *peer)
{
    struct table *table = agent_server_config_of(peer->server)->table;
    struct process *process = table_find(table, peer->identity.id);
    /* Whoever reads PID/exe may have noticed first. */
    if (!process || process->exec_count != peer->exec_count)
        return;
    process->exec_count++;
    table_tracked(table, process)->identity_changed = true;
}

static void on_hello(void *context, const struct control_hello *hello, bool again)
{
    struct agent_peer *peer = context;
    statistics_into_info(hello, &peer->info);
    text_copy(peer->name, sizeof(peer->name), hello->name);
    peer->not_ready = false;
    if (!again) {
        char text[EVENT_TEXT_SIZE];
        snprintf(text, sizeof(text), "%s%s%s%s%s",
                 peer->info.runtime[0] ? peer->info.runtime : "no runtime",
                 peer->info.allocator[0] ? ", " : "", peer->info.allocator,
                 peer->name[0] ? ", named " : "", peer->name);
        if (peer->returning)
            bump_exec_count(peer);
        agent_server_event(peer->server, peer->returning ? EVENT_KIND_EXEC : EVENT_KIND_HELLO, peer,
                           text);
        peer->greeted = true;
        peer->returning = false;
    }
    peer->stat_soon = true;
    agent_peer_publish(peer);
}

static void remember(struct agent_peer *peer)
{
    const struct control_stats *stats = &peer->stats;
    struct estimate_memory *memory = &peer->memory;
    memory->has_keepcost = stats->has & CONTROL_HAS_MALLOC_KEEPCOST;
    memory->keepcost_bytes = (int64_t)stats->malloc_keepcost_bytes;
    memory->has_free_resident = stats->has & CONTROL_HAS_MALLOC_FREE_RESIDENT;
    memory->free_resident_bytes = (int64_t)stats->malloc_free_resident_bytes;
    memory->has_thresholds = stats->has & CONTROL_HAS_GC_THRESHOLD;
    for (int i = 0; i < 3; i++)
        memory->thresholds[i] = (int64_t)stats->gc_threshold[i];
}

static void remember_pools(struct agent_peer *peer)
{
    if (!(peer->stats.has & CONTROL_HAS_PY_POOLS))
        return;
    uint64_t interval = peer->stats.pools_usec * PEER_POOLS_FACTOR;
    peer->pools = peer->stats;
    peer->pools_usec = peer->stats_usec;
    peer->pools_due_usec =
        peer->stats_usec + (interval > PEER_POOLS_USEC ? interval : PEER_POOLS_USEC);
}

static void on_stats(void *context, const struct control_stats *stats)
{
    struct agent_peer *peer = context;
    peer->stats = *stats;
    peer->stats_usec = clock_mono_usec();
    peer->not_ready = stats->py_result == CONTROL_RESULT_NOT_READY;
    remember(peer);
    remember_pools(peer);
    agent_peer_publish(peer);
    tell_stats(peer);
}

static void on_stat_refused(void *context, enum control_result why)
{
    struct agent_peer *peer = context;
    peer->not_ready = why == CONTROL_RESULT_NOT_READY;
    agent_peer_publish(peer);
    tell_stats(peer);
}

static void on_stat_late(void *context)
{
    struct agent_peer *peer = context;
    agent_peer_publish(peer);
    tell_stats(peer);
}

static void on_answer(void *context, const struct run_answer *answer)
{
    struct agent_peer *peer = context;
    const struct agent_server_handler *handler = agent_server_handler_of(peer->server);
    /* What a step has changed should be seen soon. */
    peer->stat_soon = true;
    agent_peer_publish(peer);
    handler->on_step(handler->context, peer->identity.id, answer);
}

static void on_mark(void *context, const struct control_mark *mark)
{
    struct agent_peer *peer = context;
    char text[EVENT_TEXT_SIZE];
    if (regions_on_mark(&peer->regions, mark, clock_mono_usec(), text))
        agent_server_event(peer->server, EVENT_KIND_REGION, peer, text);
}

static void on_census(void *context, struct census *census)
{
    struct agent_peer *peer = context;
    const struct agent_server_handler *handler = agent_server_handler_of(peer->server);
    handler->on_census(handler->context, peer->identity.id, census);
}

/* ---- what others see ---- */

static enum agent_state agent_state_of(const struct agent_peer *peer)
{
    if (peer->state != PEER_CONNECTED || peer->session.state == SESSION_CLOSED)
        return AGENT_STATE_NONE;
    if (peer->session.state == SESSION_HELLO || peer->not_ready)
        return AGENT_STATE_CONNECTING;
    if (peer->session.run.request)
        return AGENT_STATE_BUSY;
    return peer->session.stat_late ? AGENT_STATE_SILENT : AGENT_STATE_READY;
}

void agent_peer_publish(struct agent_peer *peer)
{
    struct table *table = agent_server_config_of(peer->server)->table;
    struct process *process = table_find(table, peer->identity.id);
    if (!process)
        return;
    enum agent_state state = agent_state_of(peer);
    process->agent = (struct agent_info){0};
    if (state != AGENT_STATE_NONE)
        process->agent = peer->info;
    process->agent.state = state;
    if (peer->greeted && strcmp(process->name, peer->name) != 0) {
        text_copy(process->name, sizeof(process->name), peer->name);
        table_tracked(table, process)->identity_changed = true;
    }
    if (peer->stats_usec > sample_time(&process->sample, METRIC_HEAP_TOTAL))
        statistics_into_sample(&peer->stats, peer->stats_usec, &process->sample);
    if (peer->pools_usec > sample_time(&process->sample, METRIC_PY_POOLS))
        statistics_pools_into_sample(&peer->pools, peer->pools_usec, &process->sample);
}

int agent_peer_ask_stats(struct agent_peer *peer, uint64_t now_usec)
{
    int r = session_request_stat(&peer->session, now_usec >= peer->pools_due_usec, now_usec);
    if (r < 0)
        return r;
    peer->stat_soon = false;
    peer->stat_asked_usec = now_usec;
    agent_peer_wake(peer);
    return 0;
}

void agent_peer_on_tick(struct agent_peer *peer, uint64_t now_usec)
{
    if (peer->state != PEER_CONNECTED || peer->session.state != SESSION_OPEN)
        return;
    agent_peer_publish(peer);
    bool due = peer->stat_soon || now_usec - peer->stat_asked_usec >= stat_interval(peer, now_usec);
    if (due)
        agent_peer_ask_stats(peer, now_usec);
}

/* ---- the connection ---- */

static void disconnect(struct agent_peer *peer)
{
    buffer_finish(&peer->session.input);
    agent_server_holds(peer->server, &peer->held_bytes, 0);
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

/* Nobody vouches for its numbers any more: they are unknown. */
static void forget(struct agent_peer *peer)
{
    struct process *process =
        table_find(agent_server_config_of(peer->server)->table, peer->identity.id);
    peer->memory = (struct estimate_memory){0};
    peer->stats = (struct control_stats){0};
    peer->stats_usec = 0;
    peer->pools = (struct control_stats){0};
    peer->pools_usec = 0;
    peer->pools_due_usec = 0;
    if (!process)
        return;
    statistics_forget(&process->sample);
    peer->exec_count = process->exec_count;
}

/* The session has ended: what it leaves behind depends on how. */
static void on_session_closed(struct agent_peer *peer)
{
    const struct session *session = &peer->session;
    bool exec = session->end == SESSION_END_BYE && strcmp(session->why, "exec") == 0;
    peer->returning = peer->greeted && (exec || session->end == SESSION_END_LOST);
    forget(peer);
    set_away(peer, PEER_AWAY, PEER_AWAY_USEC);
    agent_peer_publish(peer);
    tell_stats(peer);
    if (peer->returning)
        return;
    say_bye(peer, session->why);
    if (session->end == SESSION_END_VIOLATION || session->end == SESSION_END_VERSION) {
        if (agent_server_may_warn(peer->server))
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
        size_t held = peer->session.input.size;
        if (!agent_server_holds(peer->server, &peer->held_bytes, held) && held > 0)
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
    tell_stats(peer);
    say_bye(peer, "the process ended");
    agent_server_remove(peer->server, peer);
    return 0;
}

int agent_peer_connect(struct agent_peer *peer, int socket_fd, uint64_t now_usec)
{
    _cleanup_(closep) int fd = socket_fd;
    static const struct session_handler callbacks = {
        .on_hello = on_hello,
        .on_stats = on_stats,
        .on_stat_refused = on_stat_refused,
        .on_stat_late = on_stat_late,
        .on_mark = on_mark,
        .on_answer = on_answer,
        .on_census = on_census,
    };
    sd_event *event = agent_server_config_of(peer->server)->event;
    int r = sd_event_add_io(event, &peer->io, fd, EPOLLIN, on_io, peer);
    if (r < 0)
        return r;
    if (peer->has_session)
        session_finish(&peer->session);
    struct session_handler handler = callbacks;
    handler.context = peer;
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

void agent_peer_free(struct agent_peer *peer)
{
    if (!peer)
        return;
    disconnect(peer);
    sd_event_source_disable_unref(peer->exit_source);
    sd_event_source_disable_unref(peer->timer);
    if (peer->has_session)
        session_finish(&peer->session);
    if (peer->identity.pidfd >= 0)
        close(peer->identity.pidfd);
    free(peer);
}
