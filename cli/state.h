/* SPDX-License-Identifier: MIT */
/*
 * The state directory, for commands that read it themselves: --state-dir, else what the daemon
 * says, else where a daemon of this user would keep it.
 */
#ifndef MEMTEND_CLI_STATE_H
#define MEMTEND_CLI_STATE_H

#include "options.h"

#include <stddef.h>

/* 0, or -ENAMETOOLONG after a message. */
int state_directory(const struct invocation *invocation, char *ret_path, size_t size);

#endif
