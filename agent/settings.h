/* SPDX-License-Identifier: MIT */
/*
 * What the environment asks of the agent; read once in the constructor, constant afterwards.
 *
 *   MEMTEND_SOCK        path of the control socket; without it the library is inert, but for
 *   MEMTEND=1           which means the socket of the system's daemon
 *   MEMTEND=0           inert
 *   MEMTEND_NAME        name of the process for people and rules
 *   MEMTEND_PID         set by `memtend run` to its own pid, which exec keeps
 *   MEMTEND_FREEZE=1    gc.freeze() before the first os.fork()
 *   SYSTEMD_EXEC_PID    set by systemd to the pid of what it starts
 *   MEMTEND_CENSUS=0    say nothing about the program's objects
 *   MEMTEND_DAEMON_UID  a daemon of this uid is trusted beside root and the process's own uid. In a
 *                       user namespace that has no number for the daemon's uid, the kernel calls
 *                       it 65534 (/proc/sys/kernel/overflowuid): that is the number to give there
 *
 * Children inherit all of it. A Python program always gets an agent. Any other program gets one
 * when MEMTEND_PID is its own pid; without MEMTEND_PID, when MEMTEND_NAME is set and
 * SYSTEMD_EXEC_PID, if it is there, is its own pid: so with `memtend run`, and in a unit, exactly
 * the started command is instrumented, whatever it is, and the shells and tools it calls stay
 * untouched.
 */
#ifndef MEMTEND_AGENT_SETTINGS_H
#define MEMTEND_AGENT_SETTINGS_H

#include "wire/limits.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

#define SETTINGS_SOCKET "/run/memtend/agent/control.sock" /* mounted into containers */

struct settings {
    char socket_path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    char name[CONTROL_NAME_SIZE];
    bool freeze; /* gc.freeze() before the first fork */
    bool census;
    bool has_daemon_uid;
    uint32_t daemon_uid;
};

/* False: stay inert. python says whether an interpreter is linked into the program. */
bool settings_read(bool python, struct settings *ret_settings);
/* The first and cheapest question of all: is there anything to do? */
bool settings_wanted(void);

/* For a program that starts its agent itself: NULL is what the environment says, and the socket
 * then that of a daemon of this user, if there is one, else the system's. False: path too long. */
bool settings_late(const char *name, const char *socket, struct settings *ret_settings);
bool settings_off(void);    /* MEMTEND=0 */
bool settings_secure(void); /* the program has more rights than who set its environment */

#endif
