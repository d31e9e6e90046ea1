/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets of the head: those that systemd hands over, else our own. Start of the head,
 * main thread.
 */
#ifndef MEMTEND_ENGINE_SOCKETS_H
#define MEMTEND_ENGINE_SOCKETS_H

#include "base/error.h"
#include "config/config.h"
#include "engine/paths.h"

struct sockets {
    int http_unix;                     /* http.sock; -1 none */
    int http_tcp;                      /* -1 none */
    int agent;                         /* agent/control.sock; -1 none */
    uint16_t port;                     /* of http_tcp as bound */
    char agent_path[CONFIG_PATH_SIZE]; /* ours to remove; "": systemd's */
};

/* Replaces sockets that a dead daemon left behind: the caller holds the lock on their directory.
 * A port that is taken and the like: -errno, error says what to do. */
int sockets_open(const struct config *config, const struct paths *paths,
                 struct sockets *ret_sockets, struct error *error);
void sockets_close(struct sockets *sockets);

#endif
