/* SPDX-License-Identifier: MIT */
/*
 * The eyes: `memtendd probe --fd N`. Reads what needs CAP_SYS_PTRACE or takes the lock of a
 * process, for one peer at a time, one request at a time, and nothing else: before the first
 * request it gives away every other capability and all system calls it does not need. Its own
 * process, one thread.
 */
#ifndef MEMTEND_ENGINE_PROBE_ROLE_H
#define MEMTEND_ENGINE_PROBE_ROLE_H

#include <stdbool.h>

/*
 * socket_fd is a connected SOCK_SEQPACKET socket (the role ends when its peer closes), or a
 * listening one, or -1: the one that systemd hands over. Only a peer with our uid or 0 is served.
 * proc_root NULL: /proc. other_users: see probe_jail_enter(). Returns an exit status; end with
 * _exit(), for exit handlers may need what has been given away.
 */
int probe_run(int socket_fd, const char *proc_root, bool other_users);

#endif
