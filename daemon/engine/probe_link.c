/* SPDX-License-Identifier: MIT */
#include "engine/probe_link.h"

#include "base/cleanup.h"
#include "wire/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define LINK_CHILD_FD 3
/* Children that were told to end and have not: each may hang in the kernel over one process. */
#define LINK_CHILDREN_MAX 4
#define LINK_END_MSEC     1000
/* Packets taken before other events of the loop have their turn. */
#define LINK_PACKETS_AT_ONCE 8

/* Slot of a child, pid 0 = free. */
struct link_child {
    struct probe_link *link;
    pid_t pid;
    int pidfd;
    sd_event_source *source;
};

struct probe_link {
    sd_event *event;
    struct probe_link_config config;
    char *socket_path, *proc_root;
    int fd; /* -1: not open */
    sd_event_source *source;
    struct link_child *child; /* that we talk to; NULL when it is a unit, or not open */
    struct link_child children[LINK_CHILDREN_MAX];
    unsigned char packet[PROBE_PACKET_MAX + 1];
};

static void link_lost(struct probe_link *link, const char *why)
{
    probe_link_close(link);
    link->config.on_lost(link->config.context, why);
}

static void child_finish(struct link_child *child)
{
    sd_event_source_disable_unref(child->source);
    close(child->pidfd);
    *child = (struct link_child){.pidfd = -1};
}

static void child_kill(struct link_child *child)
{
    pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
}

static void child_describe(const siginfo_t *info, char *ret_text, size_t size)
{
    if (info->si_code == CLD_EXITED)
        snprintf(ret_text, size, "it exited with status %d", info->si_status);
    else
        snprintf(ret_text, size, "it was ended by SIG%s",
                 sigabbrev_np(info->si_status) ? sigabbrev_np(info->si_status) : "?");
}

static int child_on_end(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    struct link_child *child = context;
    struct probe_link *link = child->link;
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return 0;
    bool ours = link->child == child;
    child_finish(child);
    if (!ours)
        return 0;
    link->child = NULL;
    char why[64];
    child_describe(&info, why, sizeof(why));
    link_lost(link, why);
    return 0;
}

/* The peer closed. Of a child we rather say how it ended, which its pidfd tells in a moment. */
static void link_on_closed(struct probe_link *link)
{
    if (!link->child) {
        link_lost(link, "it closed the connection");
        return;
    }
    sd_event_source_set_enabled(link->source, SD_EVENT_OFF);
    child_kill(link->child);
}

static int link_on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)events;
    struct probe_link *link = context;
    for (int i = 0; i < LINK_PACKETS_AT_ONCE && link->fd == fd; i++) {
        ssize_t n = recv(fd, link->packet, sizeof(link->packet), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n <= 0) {
            link_on_closed(link);
            return 0;
        }
        link->config.on_packet(link->config.context, link->packet, (size_t)n);
    }
    return 0;
}

static int child_spawn(const struct probe_link *link, int fd, pid_t *ret_pid)
{
    char number[] = {'0' + LINK_CHILD_FD, '\0'}, proc[] = "--proc", probe[] = "probe",
         flag[] = "--fd", name[] = "memtendd", users[] = "--other-users";
    char *arguments[8] = {name, probe, flag, number};
    size_t count = 4;
    if (link->proc_root) {
        arguments[count++] = proc;
        arguments[count++] = link->proc_root;
    }
    if (link->config.other_users)
        arguments[count++] = users;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fd, LINK_CHILD_FD);
    posix_spawn_file_actions_addclosefrom_np(&actions, LINK_CHILD_FD + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    /* A group of its own, so that ctrl-C at a terminal reaches the head alone. */
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int error = posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

/* Watch the new child; when that fails it is ended at once, for nobody would reap it later. */
static int child_watch(struct probe_link *link, struct link_child *child, pid_t pid)
{
    int pidfd = pidfd_open(pid, 0);
    sd_event_source *source = NULL;
    int r = pidfd < 0 ? -errno
                      : sd_event_add_io(link->event, &source, pidfd, EPOLLIN, child_on_end, child);
    if (r < 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        if (pidfd >= 0)
            close(pidfd);
        return r;
    }
    *child = (struct link_child){.link = link, .pid = pid, .pidfd = pidfd, .source = source};
    link->child = child;
    return 0;
}

static struct link_child *link_free_child(struct probe_link *link)
{
    for (size_t i = 0; i < LINK_CHILDREN_MAX; i++)
        if (link->children[i].pid == 0)
            return &link->children[i];
    return NULL;
}

static int link_start(struct probe_link *link, int *ret_fd)
{
    struct link_child *child = link_free_child(link);
    if (!child)
        return -EAGAIN;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    _cleanup_(closep) int ours = pair[0];
    _cleanup_(closep) int theirs = pair[1];
    pid_t pid;
    int r = child_spawn(link, theirs, &pid);
    if (r == 0)
        r = child_watch(link, child, pid);
    if (r < 0)
        return r;
    *ret_fd = STEAL_FD(ours);
    return 0;
}

static int link_connect(const struct probe_link *link, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(link->socket_path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, link->socket_path, strlen(link->socket_path));
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    *ret_fd = STEAL_FD(fd);
    return 0;
}

int probe_link_open(struct probe_link *link)
{
    int fd = -1;
    int r = link->socket_path ? link_connect(link, &fd) : link_start(link, &fd);
    if (r < 0)
        return r;
    link->fd = fd;
    r = sd_event_add_io(link->event, &link->source, fd, EPOLLIN, link_on_io, link);
    /* Before the timers: an answer that is here is not late because the loop was. */
    if (r >= 0)
        r = sd_event_source_set_priority(link->source, SD_EVENT_PRIORITY_NORMAL - 1);
    if (r < 0)
        probe_link_close(link);
    return r;
}

void probe_link_close(struct probe_link *link)
{
    link->source = sd_event_source_disable_unref(link->source);
    if (link->fd >= 0)
        close(STEAL_FD(link->fd));
    if (link->child)
        child_kill(link->child);
    link->child = NULL;
}

int probe_link_send(struct probe_link *link, const unsigned char *packet, size_t size)
{
    if (link->fd < 0)
        return -EPIPE;
    return send(link->fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

pid_t probe_link_pid(const struct probe_link *link)
{
    return link->child ? link->child->pid : 0;
}

int probe_link_new(sd_event *event, const struct probe_link_config *config,
                   struct probe_link **ret_link)
{
    struct probe_link *link = calloc(1, sizeof(*link));
    if (!link)
        return -ENOMEM;
    link->fd = -1;
    link->config = *config;
    link->event = sd_event_ref(event);
    link->socket_path = config->socket_path ? strdup(config->socket_path) : NULL;
    link->proc_root = config->proc_root ? strdup(config->proc_root) : NULL;
    if ((config->socket_path && !link->socket_path) || (config->proc_root && !link->proc_root)) {
        probe_link_free(link);
        return -ENOMEM;
    }
    *ret_link = link;
    return 0;
}

void probe_link_free(struct probe_link *link)
{
    if (!link)
        return;
    probe_link_close(link);
    for (size_t i = 0; i < LINK_CHILDREN_MAX; i++) {
        struct link_child *child = &link->children[i];
        if (child->pid == 0)
            continue;
        /* One that hangs in the kernel is left to init. */
        struct pollfd ended = {.fd = child->pidfd, .events = POLLIN};
        if (poll(&ended, 1, LINK_END_MSEC) > 0)
            waitid(P_PIDFD, (id_t)child->pidfd, NULL, WEXITED | WNOHANG);
        child_finish(child);
    }
    sd_event_unref(link->event);
    free(link->socket_path);
    free(link->proc_root);
    free(link);
}
