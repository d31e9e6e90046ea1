/* SPDX-License-Identifier: MIT */
/*
 * Sessions of the page: a random id in a cookie stands for "this browser once showed the token".
 * In memory only, a few, for hours; the oldest makes room. Time is handed in (monotonic). The http
 * thread owns it.
 */
#ifndef MEMTEND_HTTP_SESSION_H
#define MEMTEND_HTTP_SESSION_H

#include "http/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define SESSION_COOKIE   "memtend_session"
#define SESSION_ID_BYTES 32
#define SESSION_ID_SIZE  (SESSION_ID_BYTES * 2 + 1)

struct session {
    char id[SESSION_ID_SIZE]; /* "" = free */
    uint64_t until_usec;
};

struct session_store {
    struct session sessions[HTTP_SESSIONS];
};

/* 0 or -errno of the random source. */
int session_add(struct session_store *store, uint64_t now_usec,
                char ret_id[static SESSION_ID_SIZE]);
bool session_is_known(const struct session_store *store, const char *id, uint64_t now_usec);
void session_drop(struct session_store *store, const char *id);

#endif
