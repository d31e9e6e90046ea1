/* SPDX-License-Identifier: MIT */
/*
 * The drop-in that loads the agent into a systemd service: its text, and how it differs from what
 * is there.
 */
#ifndef MEMTEND_CLI_DROPIN_H
#define MEMTEND_CLI_DROPIN_H

#include "preload.h"
#include "unit.h"

struct dropin {
    struct preload preload;
    const char *socket;
    const char *name; /* the process's, for people and rules */
};

/*
 * The text on the heap. An LD_PRELOAD that the unit sets is kept in it, and what would undo ours is
 * said. -EINVAL after a message when that LD_PRELOAD cannot be carried over.
 */
int dropin_render(int root, const struct unit *unit, const struct dropin *dropin, char **ret_text);
/* A unified diff on stdout; NULL is no file. */
void dropin_print_diff(const char *path, const char *before, const char *after);

#endif
