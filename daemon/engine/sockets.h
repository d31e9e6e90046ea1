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
    int http_unix; /* http.sock; -1 none */
    int http_tcp;  /* -1 none */
    int agent;     /* agent/control.sock as made by systemd; -1: the agent server makes its own */
    uint16_t port; /* of http_tcp as bound */
};

/* A port that is taken and the like: -errno, error says what to do. */
int sockets_open(const struct config *config, const struct paths *paths,
                 struct sockets *ret_sockets, struct error *error);
void sockets_close(struct sockets *sockets);

#endif
