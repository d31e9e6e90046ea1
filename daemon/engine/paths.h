/* SPDX-License-Identifier: MIT */
/*
 * Where the daemon keeps things: state and runtime directory, their locks, the token. Start of
 * the head, main thread.
 */
#ifndef MEMTEND_ENGINE_PATHS_H
#define MEMTEND_ENGINE_PATHS_H

#include "base/error.h"
#include "config/config.h"

#define PATHS_TOKEN_SIZE 65 /* 64 hex digits and NUL */

struct paths {
    char state[CONFIG_PATH_SIZE];
    char runtime[CONFIG_PATH_SIZE];
    char http_socket[CONFIG_PATH_SIZE];
    char agent_socket[CONFIG_PATH_SIZE];
    char probe_socket[CONFIG_PATH_SIZE]; /* there only when systemd runs the probe */
    char token[PATHS_TOKEN_SIZE];
    int state_lock, runtime_lock; /* held as long as they are open */
};

/*
 * Make the directories, take the locks, read or make the token. -EWOULDBLOCK when another daemon
 * holds a lock; error says what to do. A failed call leaves nothing open.
 */
int paths_open(const struct config *config, struct paths *ret_paths, struct error *error);
void paths_close(struct paths *paths);

#endif
