/* SPDX-License-Identifier: MIT */
/*
 * Where a daemon may be. Candidates in order: the runtime directory that was named (--runtime-dir,
 * then MEMTEND_RUNTIME_DIR) and no other; else the user's own ($XDG_RUNTIME_DIR/memtend, then
 * $XDG_STATE_HOME/memtend/run, then where `memtend run --solo` puts its daemon when nothing else
 * can be written to), then /run/memtend. The first whose socket answers is used.
 */
#ifndef MEMTEND_CLI_PLACE_H
#define MEMTEND_CLI_PLACE_H

#include "options.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/un.h>

#define PLACE_CANDIDATES  6
#define PLACE_SOCKET_SIZE sizeof(((struct sockaddr_un *)0)->sun_path) /* 108: 107 and NUL */
#define PLACE_SYSTEM      "/run/memtend"

struct place {
    char directory[PATH_MAX]; /* absolute */
    int state; /* of http.sock in it: 0 = answers, else -errno of connect(2), -ENAMETOOLONG */
};

struct places {
    bool named; /* the directory was given, so there is only one */
    size_t count;
    struct place items[PLACE_CANDIDATES];
};

/*
 * The user's directory in the index-th place for temporary files: 0, or -ENOENT past the last. Not
 * made, not judged.
 */
int place_temporary(size_t index, struct place *ret_place);
/* All candidates, each socket tried. 0, or -ENAMETOOLONG when not even the directory fits. */
int place_list(const struct invocation *invocation, struct places *ret_places);
/* The one to use: the first that answers, else the most telling failure. Never NULL. */
const struct place *place_choose(const struct places *places);
/* DIRECTORY/NAME as an absolute path. -ENAMETOOLONG past size. */
int place_path(const struct place *place, const char *name, char *ret_path, size_t size);
/* The state directory that goes with a place; 0 or -ENAMETOOLONG. */
int place_state_directory(const struct invocation *invocation, const struct place *place,
                          char *ret_path, size_t size);
/* Connect to a Unix socket and close again: 0 or -errno. */
int place_probe(const char *path);

#endif
