/* SPDX-License-Identifier: MIT */
#include "http/peer.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* What the kernel answers for a uid that has no name in our user namespace (user_namespaces(7)). */
#define PEER_OVERFLOW_UID 65534

/* How many pids the process has: one in each namespace from ours down to its own. */
static unsigned peer_pid_depth(const char *status)
{
    const char *line = strstr(status, "\nNSpid:");
    if (!line)
        return 0;
    unsigned depth = 0;
    line += strlen("\nNSpid:");
    for (size_t length = strcspn(line, "\n"), at = 0; at < length; at++)
        if (line[at] >= '0' && line[at] <= '9' && !(line[at - 1] >= '0' && line[at - 1] <= '9'))
            depth++;
    return depth;
}

static int peer_home_of(const char *pid, struct peer_home *ret_home)
{
    char path[48], status[4096];
    size_t length;
    struct peer_home home;
    snprintf(path, sizeof(path), "/proc/%s/status", pid);
    int r = file_read_at(AT_FDCWD, path, status, sizeof(status), &length);
    if (r < 0)
        return r;
    snprintf(path, sizeof(path), "/proc/%s/uid_map", pid);
    r = file_read_at(AT_FDCWD, path, home.uid_map, sizeof(home.uid_map), &length);
    if (r < 0)
        return r;
    home.pid_depth = peer_pid_depth(status);
    *ret_home = home;
    return 0;
}

int peer_home_read(struct peer_home *ret_home)
{
    return peer_home_of("self", ret_home);
}

static void peer_read_groups(int fd, struct peer_facts *facts)
{
    gid_t groups[PEER_GROUPS_LIMIT];
    socklen_t size = sizeof(groups);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
        return;
    size_t count = size / sizeof(gid_t);
    memcpy(&facts->groups[facts->group_count], groups, count * sizeof(gid_t));
    facts->group_count += count;
}

int peer_facts_read(int fd, const struct peer_home *home, struct peer_facts *ret_facts)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return -errno;
    *ret_facts = (struct peer_facts){.pid = credentials.pid,
                                     .uid = credentials.uid,
                                     .group_count = 1,
                                     .groups = {credentials.gid}};
    peer_read_groups(fd, ret_facts);
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", (int)credentials.pid);
    struct peer_home theirs;
    /* A peer whose /proc entry is gone or hidden cannot be placed, so it is not at home. */
    ret_facts->at_home = credentials.pid > 0 && peer_home_of(pid, &theirs) == 0 &&
                         theirs.pid_depth == home->pid_depth &&
                         strcmp(theirs.uid_map, home->uid_map) == 0;
    return 0;
}

static bool peer_in_group(const struct peer_facts *facts, gid_t gid)
{
    if (gid == (gid_t)-1)
        return false;
    for (size_t i = 0; i < facts->group_count; i++)
        if (facts->groups[i] == gid)
            return true;
    return false;
}

void peer_judge(const struct peer_facts *facts, uid_t daemon_uid, gid_t admin_gid,
                struct peer *ret_peer)
{
    struct peer peer = {.asker.uid = facts->uid};
    peer.refused = facts->pid <= 0 || !facts->at_home || facts->uid == PEER_OVERFLOW_UID;
    peer.asker.all = !peer.refused && (facts->uid == 0 || facts->uid == daemon_uid ||
                                       peer_in_group(facts, admin_gid));
    snprintf(peer.asker.text, sizeof(peer.asker.text), "uid %u (socket)", (unsigned)facts->uid);
    *ret_peer = peer;
}
