/* SPDX-License-Identifier: MIT */
/*
 * The rest of the daemon as the HTTP floor sees it: a snapshot with hostile names, and a thread
 * that plays loop and reader. It answers at once, or holds commands until told.
 */
#ifndef MEMTEND_TEST_FAKE_HEAD_H
#define MEMTEND_TEST_FAKE_HEAD_H

#include "http/server.h"

#include <stdatomic.h>
#include <stdbool.h>

#define FAKE_TOKEN     "0123456789abcdef0123456789abcdef"
#define FAKE_PROCESSES 25
#define FAKE_CGROUPS   12
#define FAKE_GROUPS    9 /* the fifth place is free, the last one has no members */
#define FAKE_HELD      300
#define FAKE_OTHER_UID 12345 /* of the processes with an odd pid */

struct fake_head {
    struct snapshot snapshot;
    struct process processes[FAKE_PROCESSES];
    struct group_record groups[FAKE_GROUPS];
    struct cgroup cgroups[FAKE_CGROUPS];
    bool no_snapshot;
    atomic_int borrowed; /* snapshots out: 0 in the end */
    atomic_int seen;     /* commands that arrived */
    atomic_bool hold, full, stop;
    struct mailbox commands;
    pthread_t thread;

    struct http *http;
    int tcp_fd, unix_fd;
    uint16_t port;
    char directory[64], path[96];
};

/* Listening, started. config may be changed by adjust (NULL: as it is). */
void fake_head_start(struct fake_head *head, void (*adjust)(struct http_config *));
/* In the order of the real daemon: http_stop, the thread, http_free. */
void fake_head_stop(struct fake_head *head);
/* Until so many commands arrived; the test fails after ten seconds. */
void fake_head_wait_seen(struct fake_head *head, int count);

#endif
