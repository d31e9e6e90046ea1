/* SPDX-License-Identifier: MIT */
/*
 * The agent's one descriptor. Programs close or overwrite descriptors they did not open, so before
 * each use the number is checked to still be our socket (fstat: inode and S_ISSOCK); if it is not,
 * it belongs to somebody else and is forgotten, never closed. Never blocks, never raises SIGPIPE.
 * The agent's thread only; socket_close() also in the child of a fork.
 */
#ifndef MEMTEND_AGENT_SOCKET_H
#define MEMTEND_AGENT_SOCKET_H

#include "base/buffer.h"
#include "settings.h"

#include <stdbool.h>
#include <sys/types.h>

/* Once, by whoever starts the agent. */
void socket_init(void);
/* 0 or -errno; -EPERM when the server is not one we trust, or the program may no longer talk to
 * anybody new. */
int socket_connect(const struct settings *settings);
bool socket_is_connected(void);
/* From now on bytes and hang-up send the signal to the thread (and to nobody else). */
int socket_notify(pid_t thread, int signal);
/* Everything there is, as far as it fits. 0, -EAGAIN when nothing more comes now, -errno when the
 * connection is gone. */
int socket_receive(struct buffer *into);
/* Send from the front of the buffer as much as the kernel takes. 0 or -errno. */
int socket_send(struct buffer *from);
/* Async-signal-safe: a forked child drops its copy so. */
void socket_close(void);

#endif
