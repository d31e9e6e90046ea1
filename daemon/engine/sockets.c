/* SPDX-License-Identifier: MIT */
#include "engine/sockets.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

/* All agents come at once when the daemon is back; http serves half as many at a time. */
#define SOCKETS_BACKLOG   128
#define SOCKETS_HTTP_MODE 0660
/* Whoever connects is known by the kernel and may only register. */
#define SOCKETS_AGENT_MODE 0666

/* Which one it is shows by its address; names of descriptors would bind the unit files to us. */
static void sockets_adopt(struct sockets *sockets, const struct config *config,
                          const struct paths *paths)
{
    int count = sd_listen_fds(1);
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++) {
        /* They come in blocking mode (NonBlocking= of systemd.service(5)): the accept behind the
         * last client would stop the loop. */
        fcntl(fd, F_SETFL, O_NONBLOCK);
        if (sd_is_socket_unix(fd, SOCK_STREAM, 1, paths->http_socket, 0) > 0)
            sockets->http_unix = fd;
        else if (sd_is_socket_unix(fd, SOCK_STREAM, 1, paths->agent_socket, 0) > 0)
            sockets->agent = fd;
        else if (config->http_listen && sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) > 0)
            sockets->http_tcp = fd;
        else
            close(fd);
    }
}

static int sockets_unix(const char *path, mode_t mode, int *ret_fd, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    text_copy(address.sun_path, sizeof(address.sun_path), path);
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set(error, -errno, "cannot make a socket: %s", strerror(errno));
    unlink(path); /* ours: the lock on the directory is held */
    mode_t before = umask(0777 & ~mode);
    int r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    umask(before);
    if (r < 0 || listen(fd, SOCKETS_BACKLOG) < 0)
        return error_set(error, r < 0 ? r : -errno, "cannot listen on %s: %s", path,
                         strerror(r < 0 ? -r : errno));
    *ret_fd = STEAL_FD(fd);
    return 0;
}

static int sockets_resolve(const struct config *config, struct addrinfo **ret_info,
                           struct error *error)
{
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)config->http_port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    int r = getaddrinfo(config->http_address, port, &hints, ret_info);
    if (r != 0)
        return error_set(error, -EINVAL, "%s is not a numeric address: %s", config->http_address,
                         gai_strerror(r));
    return 0;
}

static int sockets_tcp(const struct config *config, int *ret_fd, struct error *error)
{
    struct addrinfo *info;
    int r = sockets_resolve(config, &info, error);
    if (r < 0)
        return r;
    _cleanup_(closep) int fd =
        socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int yes = 1;
    r = fd < 0 ? -errno : 0;
    if (r == 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (r == 0 && bind(fd, info->ai_addr, info->ai_addrlen) < 0)
        r = -errno;
    if (r == 0 && listen(fd, SOCKETS_BACKLOG) < 0)
        r = -errno;
    freeaddrinfo(info);
    if (r == -EADDRINUSE)
        return error_set(error, r,
                         "port %u of %s is taken; give another one with --http ADDRESS:PORT "
                         "(port 0: any free one)",
                         (unsigned)config->http_port, config->http_address);
    if (r < 0)
        return error_set(error, r, "cannot listen on %s:%u: %s", config->http_address,
                         (unsigned)config->http_port, strerror(-r));
    *ret_fd = STEAL_FD(fd);
    return 0;
}

static uint16_t sockets_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address = {.in6 = {0}};
    socklen_t size = sizeof(address);
    if (fd < 0 || getsockname(fd, &address.any, &size) < 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
}

int sockets_open(const struct config *config, const struct paths *paths,
                 struct sockets *ret_sockets, struct error *error)
{
    struct sockets sockets = {.http_unix = -1, .http_tcp = -1, .agent = -1};
    int r = 0;
    sockets_adopt(&sockets, config, paths);
    if (sockets.http_unix < 0)
        r = sockets_unix(paths->http_socket, SOCKETS_HTTP_MODE, &sockets.http_unix, error);
    if (r == 0 && sockets.agent < 0) {
        r = sockets_unix(paths->agent_socket, SOCKETS_AGENT_MODE, &sockets.agent, error);
        if (r == 0)
            text_copy(sockets.agent_path, sizeof(sockets.agent_path), paths->agent_socket);
    }
    if (r == 0 && sockets.http_tcp < 0 && config->http_listen)
        r = sockets_tcp(config, &sockets.http_tcp, error);
    if (r < 0) {
        sockets_close(&sockets);
        return r;
    }
    sockets.port = sockets_port(sockets.http_tcp);
    *ret_sockets = sockets;
    return 0;
}

void sockets_close(struct sockets *sockets)
{
    closep(&sockets->http_unix);
    closep(&sockets->http_tcp);
    closep(&sockets->agent);
    if (sockets->agent_path[0])
        unlink(sockets->agent_path);
    *sockets = (struct sockets){.http_unix = -1, .http_tcp = -1, .agent = -1};
}
