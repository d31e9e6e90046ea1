/* SPDX-License-Identifier: MIT */
/*
 * Where a daemon of `memtend run --solo` can live. A container may have a read-only root, no home
 * and a user without a name, so every usual directory is tried, and then those that are for
 * temporary files.
 */
#ifndef MEMTEND_CLI_SOLO_PLACE_H
#define MEMTEND_CLI_SOLO_PLACE_H

#include "place.h"

struct solo_place {
    struct place runtime;
    char state[PATH_MAX];
    char config[PATH_MAX]; /* made for this daemon; "" = there is a configuration to be heeded */
    char log[PATH_MAX];
};

/* 0; -ENOENT when there is none; other -errno after a message. Makes the directories. */
int solo_place_choose(const struct invocation *invocation, struct solo_place *ret_place);

#endif
