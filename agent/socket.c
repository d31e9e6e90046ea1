/* SPDX-License-Identifier: MIT */
#include "socket.h"

#include "base/text.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Programs expect small numbers to be theirs ("the next open() is 3"), and some close 0..2. */
static const int socket_lowest_fds[] = {200, 50, 3};

static struct {
    int fd;
    dev_t device;
    ino_t inode;
    bool filtered; /* under a filter of system calls from the start */
} sock STATE = {.fd = -1};

/* By syscall(): fstat() is no symbol that old and new glibc have in common. */
static int socket_status(int fd, struct stat *ret_status)
{
    return (int)syscall(SYS_fstat, fd, ret_status);
}

/* Is the number still our socket? Forgets it otherwise. */
static bool socket_is_ours(void)
{
    struct stat status;
    if (sock.fd < 0)
        return false;
    if (socket_status(sock.fd, &status) == 0 && S_ISSOCK(status.st_mode) &&
        status.st_ino == sock.inode && status.st_dev == sock.device)
        return true;
    sock.fd = -1;
    return false;
}

static int socket_raise(int fd)
{
    for (size_t i = 0; i < sizeof(socket_lowest_fds) / sizeof(socket_lowest_fds[0]); i++) {
        int raised = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, socket_lowest_fds[i]);
        if (raised >= 0) {
            close(fd);
            return raised;
        }
    }
    close(fd);
    return -EMFILE;
}

static bool socket_trusts(int fd, const struct settings *settings)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return false;
    return peer.uid == 0 || peer.uid == geteuid() ||
           (settings->has_daemon_uid && peer.uid == settings->daemon_uid);
}

static bool socket_is_filtered(void)
{
    return syscall(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

void socket_init(void)
{
    sock.filtered = socket_is_filtered();
}

int socket_connect(const struct settings *settings)
{
    /* The program has locked itself in since: its filter may kill for what it does not do itself.
     * One from before it began was made for it by somebody who knew what is loaded. */
    if (!sock.filtered && socket_is_filtered())
        return -EPERM;

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    text_copy(address.sun_path, sizeof(address.sun_path), settings->socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    fd = socket_raise(fd);
    if (fd < 0)
        return fd;
    struct stat status = {0};
    int r = 0;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        socket_status(fd, &status) < 0)
        r = -errno;
    else if (!socket_trusts(fd, settings))
        r = -EPERM;
    if (r < 0) {
        close(fd);
        return r;
    }
    sock.device = status.st_dev;
    sock.inode = status.st_ino;
    sock.fd = fd;
    return 0;
}

bool socket_is_connected(void)
{
    return sock.fd >= 0;
}

int socket_notify(pid_t thread, int signal)
{
    struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = thread};
    if (!socket_is_ours())
        return -EBADF;
    if (syscall(SYS_fcntl, sock.fd, F_SETSIG, signal) < 0 ||
        syscall(SYS_fcntl, sock.fd, F_SETOWN_EX, &owner) < 0 ||
        syscall(SYS_fcntl, sock.fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
        return -errno;
    return 0;
}

int socket_receive(struct buffer *into)
{
    if (!socket_is_ours())
        return -EBADF;
    size_t room = into->limit - into->size;
    if (room == 0)
        return -ENOBUFS;
    ssize_t count = recv(sock.fd, into->data + into->size, room, MSG_DONTWAIT);
    if (count == 0)
        return -ECONNRESET;
    if (count < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    buffer_grown(into, (size_t)count);
    return 0;
}

int socket_send(struct buffer *from)
{
    while (from->size > 0) {
        if (!socket_is_ours())
            return -EBADF;
        ssize_t count = send(sock.fd, from->data, from->size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        buffer_consume(from, (size_t)count);
    }
    return 0;
}

void socket_close(void)
{
    if (socket_is_ours())
        close(sock.fd);
    sock.fd = -1;
}
