/* SPDX-License-Identifier: MIT */
/*
 * The agent's side of a session with the daemon: connecting, hello, lines in and out. Agent's
 * thread, except where said; the state stays when that thread is stopped around a fork and goes on
 * afterwards with the same connection.
 */
#ifndef MEMTEND_AGENT_SESSION_H
#define MEMTEND_AGENT_SESSION_H

#include "settings.h"

#include <stdbool.h>
#include <stdint.h>

/* Constructor. */
void session_init(const struct settings *settings);
const struct settings *session_settings(void);
/* The thread has (re)started: bytes are announced to it from now on. */
void session_resume(void);
/* Do all that can be done now; returns how many microseconds to sleep at most. */
uint64_t session_turn(uint64_t now_usec);

/* Say hello again, or for the first time, with what has changed. Any thread. */
void session_announce(void);
/* The name from now on; announced. Any thread. */
void session_rename(const char *name);
bool session_is_connected(void); /* any thread; as of the last turn */

/* Forks this process has made, for the daemon's idea of families. */
uint64_t session_fork_count(void);
/* Parent's and child's side of a fork. Async-signal-safe. */
void session_on_fork(void);
/* The child begins with nothing: its own connection, no request; the first try after a delay. */
void session_on_forked(uint64_t delay_usec);

#endif
