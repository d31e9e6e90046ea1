/* SPDX-License-Identifier: MIT */
/*
 * Who is at the other end of the Unix socket, by the kernel's word: SO_PEERCRED and SO_PEERGROUPS
 * (no name service is asked). root, the daemon's uid and members of the admin group may do all,
 * other uids what concerns their own processes, and a peer of another pid or user namespace
 * nothing: its uid 0 is not our root.
 */
#ifndef MEMTEND_HTTP_PEER_H
#define MEMTEND_HTTP_PEER_H

#include "model/command.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PEER_GROUPS_LIMIT 256 /* more supplementary groups than that are not looked at */
#define PEER_MAP_SIZE     512

/* The namespaces a peer must share with us. */
struct peer_home {
    unsigned pid_depth;          /* numbers in NSpid: 1 = the first namespace we can see */
    char uid_map[PEER_MAP_SIZE]; /* PID/uid_map */
};

struct peer_facts {
    pid_t pid; /* 0: of a namespace we cannot see into */
    uid_t uid;
    size_t group_count; /* primary group first */
    gid_t groups[PEER_GROUPS_LIMIT + 1];
    bool at_home; /* same pid and user namespace */
};

struct peer {
    bool refused;
    struct asker asker;
};

/* Our own namespaces, read once. 0 or -errno. */
int peer_home_read(struct peer_home *ret_home);
/* 0 or -errno of a socket option. */
int peer_facts_read(int fd, const struct peer_home *home, struct peer_facts *ret_facts);
/* Pure: the rights that follow. admin_gid (gid_t)-1: none. */
void peer_judge(const struct peer_facts *facts, uid_t daemon_uid, gid_t admin_gid,
                struct peer *ret_peer);

#endif
