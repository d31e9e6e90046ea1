/* SPDX-License-Identifier: MIT */
/*
 * The daemon that `memtend run --solo` keeps alive: started, started again with growing pauses when
 * it ends, stopped. Owned by the parent, whose one thread calls everything here.
 */
#ifndef MEMTEND_CLI_SOLO_DAEMON_H
#define MEMTEND_CLI_SOLO_DAEMON_H

#include "solo_place.h"

#include <signal.h>
#include <stdint.h>

struct solo_daemon {
    char program[PATH_MAX];
    struct solo_place place;
    const char *http;        /* ADDR:PORT or "off" */
    const sigset_t *signals; /* the mask it is to have */
    pid_t pid;               /* 0 = it does not run */
    uint64_t started_usec;
    uint64_t due_usec; /* when it is started again; UINT64_MAX = never */
    uint64_t pause_usec;
};

/* Finds memtendd beside this program. 0, or -ENOENT after a message. */
int solo_daemon_find(struct solo_daemon *daemon);
void solo_daemon_start(struct solo_daemon *daemon, uint64_t now_usec);
/* It has ended with this status of wait(2): says so and sets when it is started again. */
void solo_daemon_on_end(struct solo_daemon *daemon, int status, uint64_t now_usec);
/* Starts it again when that is due. */
void solo_daemon_on_time(struct solo_daemon *daemon, uint64_t now_usec);

#endif
