/* SPDX-License-Identifier: MIT */
/*
 * `memtend run --solo`: a daemon and a program under one parent, as process 1 of a container or
 * anywhere else. The parent reads nothing, listens on nothing and waits for signals.
 *
 * The program stays in the parent's process group, so a terminal and a shell's job control treat
 * both as one: the parent stops, continues and comes to the foreground with it. What a terminal
 * sends to the group has reached the program already; what is sent to the parent alone is passed
 * on. The daemon has a session of its own, and its end never ends the program.
 */
#ifndef MEMTEND_CLI_SOLO_H
#define MEMTEND_CLI_SOLO_H

#include "exit_code.h"
#include "options.h"

/* The exit code of the program, or 128 and the signal that ended it. */
enum exit_code solo_main(const struct invocation *invocation);

#endif
