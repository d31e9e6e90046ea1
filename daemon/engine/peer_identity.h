/* SPDX-License-Identifier: MIT */
/*
 * Which process is at the other end of a Unix socket: from the kernel alone, nothing the peer says
 * counts. Any thread.
 */
#ifndef MEMTEND_ENGINE_PEER_IDENTITY_H
#define MEMTEND_ENGINE_PEER_IDENTITY_H

#include "model/process.h"

struct peer_identity {
    struct process_id id;
    uid_t uid;
    int pidfd; /* becomes readable when the process ends; the caller closes it */
};

/*
 * Who connected. proc_fd is the root of /proc. -ESRCH: already gone, or not visible from our pid
 * namespace; other -errno of the kernel.
 */
int peer_identify(int socket_fd, int proc_fd, struct peer_identity *ret_identity);

#endif
