/* SPDX-License-Identifier: MIT */
#include "http/server.h"

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/text.h"
#include "http/assets.h"
#include "http/core.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>

/* What an event of our epoll is about; smaller numbers are listeners. */
enum { EVENT_REPLIES = CORE_LISTENERS, EVENT_STOP, EVENT_COUNT };

/* Refused clients get their 503 within this, then everything is closed. */
#define STOP_ROUNDS     20
#define STOP_ROUND_MSEC 10

void core_set_deadline(struct connection *connection, uint64_t deadline_usec)
{
    struct http *http = connection->listener->http;
    connection->deadline_usec = deadline_usec;
    if (deadline_usec != 0 && deadline_usec < http->next_deadline_usec)
        http->next_deadline_usec = deadline_usec;
}

static struct connection *connection_new(struct listener *listener, struct MHD_Connection *mhd)
{
    struct http *http = listener->http;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!info || !connection) {
        free(connection);
        return NULL;
    }
    *connection = (struct connection){
        .listener = listener, .mhd = mhd, .fd = info->connect_fd, .peer.refused = true};
    struct peer_facts facts;
    if (!listener->tcp && peer_facts_read(connection->fd, &http->home, &facts) == 0)
        peer_judge(&facts, http->daemon_uid, http->admin_gid, &connection->peer);
    connection->next = http->connections;
    connection->link = &http->connections;
    if (connection->next)
        connection->next->link = &connection->next;
    http->connections = connection;
    core_set_deadline(connection, clock_mono_usec() + http->receive_usec);
    return connection;
}

static void connection_free(struct connection *connection)
{
    *connection->link = connection->next;
    if (connection->next)
        connection->next->link = connection->link;
    free(connection);
}

static void server_on_connection(void *listener, struct MHD_Connection *mhd, void **socket_context,
                                 enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = connection_new(listener, mhd);
    } else if (*socket_context) {
        connection_free(*socket_context);
        *socket_context = NULL;
        /* A full listener takes the next client at the beginning of a run: ask for one more. */
        ((struct listener *)listener)->due = true;
    }
}

/* A NUL inside would end the path early: "%00" stays as it is and matches nothing. */
static size_t server_unescape(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

static int server_listen(struct http *http, struct listener *listener, int fd, bool tcp)
{
    /* The library closes what it listens on; the caller keeps theirs. */
    _cleanup_(closep) int own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own_fd < 0)
        return -errno;
    *listener = (struct listener){.http = http, .tcp = tcp};
    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, exchange_on_request, listener,
        MHD_OPTION_LISTEN_SOCKET, own_fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_PER_IP,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)(http->idle_usec / USEC_PER_SEC), MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_UNESCAPE_CALLBACK, server_unescape, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, listener, MHD_OPTION_NOTIFY_CONNECTION,
        server_on_connection, listener, MHD_OPTION_END);
    if (!listener->daemon)
        return -EIO;
    (void)STEAL_FD(own_fd); /* closed by MHD_stop_daemon() */
    return 0;
}

static int server_watch(struct http *http, int fd, uint32_t what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};
    return epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int server_watch_listener(struct http *http, uint32_t index)
{
    struct MHD_Daemon *daemon = http->listeners[index].daemon;
    const union MHD_DaemonInfo *info =
        daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!daemon)
        return 0;
    return info ? server_watch(http, info->epoll_fd, index) : -EIO;
}

/* Whom the daemon runs as; asked once, before there are threads: name services may block. */
static void site_name_user(struct site *site, uid_t uid)
{
    const struct passwd *entry = getpwuid(uid);
    if (entry)
        text_clean(site->user, sizeof(site->user), entry->pw_name, strlen(entry->pw_name));
    else
        snprintf(site->user, sizeof(site->user), "uid %u", (unsigned)uid);
}

static int site_init(struct site *site, const struct http_config *config,
                     const struct http_ops *ops)
{
    size_t seed;
    *site =
        (struct site){.ops = *ops,
                      .rules_writable = config->rules_writable,
                      .started_usec = clock_mono_usec(),
                      .answer_usec = config->answer_usec ? config->answer_usec : HTTP_ANSWER_USEC};
    text_copy(site->version, sizeof(site->version), config->version ? config->version : "");
    site_name_user(site, config->daemon_uid);
    /* Otherwise Jansson opens /dev/urandom in the middle of a request. */
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return -EIO;
    json_object_seed(seed);
    int r = digest_random_hex((sizeof(site->epoch) - 1) / 2, site->epoch);
    if (r == 0)
        r = gate_init(&site->gate, config->token, config->bind_address, config->port);
    return r < 0 ? r : assets_init(site);
}

static int server_open(struct http *http, const struct http_config *config)
{
    int r = mailbox_init(&http->replies, HTTP_PENDING);
    if (r == 0)
        r = peer_home_read(&http->home);
    if (r < 0)
        return r;
    http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    http->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (http->epoll_fd < 0 || http->stop_fd < 0)
        return -errno;
    r = config->tcp_fd >= 0 ? server_listen(http, &http->listeners[0], config->tcp_fd, true) : 0;
    if (r == 0 && config->unix_fd >= 0)
        r = server_listen(http, &http->listeners[1], config->unix_fd, false);
    for (uint32_t i = 0; i < CORE_LISTENERS && r == 0; i++)
        r = server_watch_listener(http, i);
    if (r == 0)
        r = server_watch(http, mailbox_fd(&http->replies), EVENT_REPLIES);
    return r < 0 ? r : server_watch(http, http->stop_fd, EVENT_STOP);
}

DEFINE_CLEANUP(struct http *, http_free);

int http_new(const struct http_config *config, const struct http_ops *ops, struct http **ret_http)
{
    bool has_token = config->token && *config->token;
    if ((config->tcp_fd < 0 && config->unix_fd < 0) || (config->tcp_fd >= 0 && !has_token))
        return -EINVAL;
    _cleanup_(http_freep) struct http *http = calloc(1, sizeof(*http));
    if (!http)
        return -ENOMEM;
    http->epoll_fd = http->stop_fd = -1;
    http->next_deadline_usec = UINT64_MAX;
    http->idle_usec = config->idle_usec ? config->idle_usec : HTTP_IDLE_USEC;
    http->receive_usec = config->receive_usec ? config->receive_usec : HTTP_RECEIVE_USEC;
    http->daemon_uid = config->daemon_uid;
    http->admin_gid = config->admin_gid;
    int r = site_init(&http->site, config, ops);
    if (r == 0)
        r = server_open(http, config);
    if (r < 0)
        return r;
    *ret_http = STEAL(http);
    return 0;
}

static void server_close(struct http *http)
{
    for (size_t i = 0; i < CORE_LISTENERS; i++) {
        if (http->listeners[i].daemon)
            MHD_stop_daemon(http->listeners[i].daemon);
        http->listeners[i].daemon = NULL;
    }
}

static void server_drop_command(void *item)
{
    command_free(item);
}

void http_free(struct http *http)
{
    if (!http)
        return;
    http_stop(http);
    server_close(http);
    mailbox_finish(&http->replies, server_drop_command);
    closep(&http->epoll_fd);
    closep(&http->stop_fd);
    assets_finish(&http->site);
    gate_finish(&http->site.gate);
    free(http);
}

static void server_take_replies(struct http *http)
{
    for (struct command *command = mailbox_pop(&http->replies); command;
         command = mailbox_pop(&http->replies)) {
        struct exchange *exchange = pending_take(&http->pending, command->owner);
        if (!exchange) {
            command_free(command);
            continue;
        }
        exchange->request.command = command;
        exchange_resume(exchange, EXCHANGE_ANSWERED);
    }
}

/* Cut what took too long. The library sees the end of the connection and cleans up. */
static void server_cut_connections(struct http *http, uint64_t now_usec)
{
    if (now_usec < http->next_deadline_usec)
        return;
    http->next_deadline_usec = UINT64_MAX;
    for (struct connection *connection = http->connections; connection;
         connection = connection->next) {
        uint64_t deadline_usec = connection->deadline_usec;
        if (deadline_usec == 0)
            continue;
        if (deadline_usec > now_usec) {
            core_set_deadline(connection, deadline_usec);
            continue;
        }
        connection->deadline_usec = 0;
        connection->listener->due = true;
        shutdown(connection->fd, SHUT_RDWR);
    }
}

static void server_expire(struct http *http, uint64_t now_usec, enum exchange_stage stage)
{
    for (struct exchange *exchange = pending_expire(&http->pending, now_usec); exchange;
         exchange = pending_expire(&http->pending, now_usec))
        exchange_resume(exchange, stage);
}

/* Milliseconds to sleep; marks listeners that cannot wait. -1: until something happens. */
static int server_timeout(struct http *http)
{
    uint64_t until_usec = pending_deadline(&http->pending);
    if (http->next_deadline_usec < until_usec)
        until_usec = http->next_deadline_usec;
    uint64_t msec = UINT64_MAX, now_usec = clock_mono_usec();
    if (until_usec != UINT64_MAX)
        msec = until_usec > now_usec ? (until_usec - now_usec) / USEC_PER_MSEC + 1 : 0;
    for (size_t i = 0; i < CORE_LISTENERS; i++) {
        struct listener *listener = &http->listeners[i];
        MHD_UNSIGNED_LONG_LONG wait = UINT64_MAX;
        if (!listener->daemon)
            continue;
        MHD_get_timeout(listener->daemon, &wait);
        listener->due |= wait == 0;
        if (listener->due)
            wait = 0;
        if (wait < msec)
            msec = wait;
    }
    return msec > INT32_MAX ? -1 : (int)msec;
}

static void server_run_listeners(struct http *http, bool all)
{
    for (size_t i = 0; i < CORE_LISTENERS; i++) {
        struct listener *listener = &http->listeners[i];
        if (!listener->daemon || !(all || listener->due))
            continue;
        listener->due = false;
        MHD_run(listener->daemon);
    }
}

/* Sleep, then do what there is to do. false: asked to stop. */
static bool server_round(struct http *http, int timeout_msec)
{
    struct epoll_event events[EVENT_COUNT];
    bool going_on = true;
    int count = epoll_wait(http->epoll_fd, events, EVENT_COUNT, timeout_msec);
    for (int i = 0; i < count; i++) {
        uint32_t what = events[i].data.u32;
        if (what == EVENT_STOP)
            going_on = false;
        else if (what == EVENT_REPLIES)
            server_take_replies(http);
        else
            http->listeners[what].due = true;
    }
    uint64_t now_usec = clock_mono_usec();
    server_expire(http, now_usec, EXCHANGE_LATE);
    server_cut_connections(http, now_usec);
    server_run_listeners(http, count <= 0);
    return going_on;
}

/* A suspended connection must not meet MHD_stop_daemon: that ends the program. */
static void server_wind_down(struct http *http)
{
    eventfd_t asked;
    eventfd_read(http->stop_fd, &asked); /* or every further sleep would end at once */
    http->stopping = true;
    server_expire(http, UINT64_MAX, EXCHANGE_STOPPED);
    for (int i = 0; i < STOP_ROUNDS && http->exchanges > 0; i++) {
        server_take_replies(http);
        server_run_listeners(http, true);
        struct epoll_event events[EVENT_COUNT];
        if (http->exchanges > 0)
            epoll_wait(http->epoll_fd, events, EVENT_COUNT, STOP_ROUND_MSEC);
    }
    server_close(http);
}

static void *server_thread(void *argument)
{
    struct http *http = argument;
    while (server_round(http, server_timeout(http)))
        ;
    server_wind_down(http);
    return NULL;
}

int http_start(struct http *http)
{
    sigset_t all, before;
    sigfillset(&all);
    /* Signals are the loop's. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&http->thread, NULL, server_thread, http);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    http->running = r == 0;
    if (r == 0)
        pthread_setname_np(http->thread, "http");
    return -r;
}

void http_stop(struct http *http)
{
    if (!http->running)
        return;
    eventfd_write(http->stop_fd, 1);
    pthread_join(http->thread, NULL);
    http->running = false;
}

uint64_t http_cpu_usec(const struct http *http)
{
    return http->running ? clock_of_thread_usec(http->thread) : 0;
}
