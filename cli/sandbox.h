/* SPDX-License-Identifier: MIT */
/*
 * What the settings of a unit would do to an agent in it: hide its library or the daemon's socket,
 * forbid the calls it makes. ONE table of checks over the unit's files; each finding is said with
 * the setting that mends it.
 */
#ifndef MEMTEND_CLI_SANDBOX_H
#define MEMTEND_CLI_SANDBOX_H

#include "unit.h"

struct sandbox_needs {
    const char *agent;     /* absolute paths */
    const char *allocator; /* "" = none */
    const char *socket;
};

/* True: the service would not survive the agent, or the allocator. */
bool sandbox_check(int root, const struct unit *unit, const struct sandbox_needs *needs);

#endif
