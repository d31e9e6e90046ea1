/* SPDX-License-Identifier: MIT */
#include "engine/peer_identity.h"

#include "base/cleanup.h"
#include "collect/proc_stat.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

/* The pidfd of the very process that connected; without kernel support, of whoever has its pid. */
static int open_pidfd(int socket_fd, pid_t pid, int *ret_pidfd)
{
    int pidfd = -1;
    socklen_t size = sizeof(pidfd);
    if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0) {
        if (errno != ENOPROTOOPT && errno != EINVAL)
            return -errno;
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0)
            return -errno;
    }
    *ret_pidfd = pidfd;
    return 0;
}

static bool has_ended(int pidfd)
{
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) != 0;
}

int peer_identify(int socket_fd, int proc_fd, struct peer_identity *ret_identity)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return -errno;
    if (credentials.pid <= 0)
        return -ESRCH;
    struct proc_stat before, after;
    if (proc_stat_read(proc_fd, credentials.pid, &before) != OUTCOME_OK)
        return -ESRCH;
    _cleanup_(closep) int pidfd = -1;
    int r = open_pidfd(socket_fd, credentials.pid, &pidfd);
    if (r < 0)
        return r;
    /* The same start on both sides, and alive at the end: the pid was not given out anew between,
     * so the start time belongs to the pidfd. */
    if (proc_stat_read(proc_fd, credentials.pid, &after) != OUTCOME_OK ||
        !process_id_equal(before.id, after.id) || has_ended(pidfd))
        return -ESRCH;
    *ret_identity =
        (struct peer_identity){.id = after.id, .uid = credentials.uid, .pidfd = STEAL_FD(pidfd)};
    return 0;
}
