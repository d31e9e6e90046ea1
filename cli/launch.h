/* SPDX-License-Identifier: MIT */
/*
 * Everything `memtend run` gives to a program: worked out first, so that what is wrong is said
 * before anything has happened, then put into the environment of the process that becomes it.
 */
#ifndef MEMTEND_CLI_LAUNCH_H
#define MEMTEND_CLI_LAUNCH_H

#include "exit_code.h"
#include "place.h"
#include "preload.h"
#include "program.h"

#include <stdbool.h>
#include <stdint.h>

struct launch {
    const char *name; /* NULL = none */
    struct preload preload;
    char socket[PLACE_SOCKET_SIZE];
    bool has_daemon_uid;
    uint32_t daemon_uid;
    struct program program; /* what the command turned out to be */
};

/* Name, libraries and the look at the command. 0, or -errno after a message. */
int launch_prepare(const struct invocation *invocation, struct launch *ret_launch);
/* The socket of the daemon that is, or would be, in this place. 0, or -errno after a message. */
int launch_set_place(struct launch *launch, const struct place *place);
/* One line on stderr when the agent cannot be loaded into the command; it runs all the same. */
void launch_note(const struct launch *launch);
/* Sets the environment and becomes the command. Returns only what errno says went wrong. */
int launch_become(const struct launch *launch, char **command);
/* Says why a command could not be run; the exit code that tells it. */
enum exit_code launch_failed(const char *command, int error);

#endif
