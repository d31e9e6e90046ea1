/* SPDX-License-Identifier: MIT */
/*
 * Names of containers from the links that the kubelet keeps in /var/log/containers:
 * "POD_NAMESPACE_CONTAINER-ID.log". Only the names of the links are read, never a log. A directory
 * on a disk: not for the loop. Any thread.
 */
#ifndef MEMTEND_COLLECT_CGROUP_NAMES_H
#define MEMTEND_COLLECT_CGROUP_NAMES_H

#include "model/cgroup.h"

#include <stddef.h>

#define CGROUP_NAMES_DIRECTORY "var/log/containers" /* below the root */
/* A node has some hundred containers; each restart leaves a link for a while. */
#define CGROUP_NAMES_ENTRIES 8192

struct cgroup_name {
    char container_id[CGROUP_CONTAINER_ID_SIZE];
    char name[CGROUP_NAME_SIZE]; /* "pod/container", "" = not found */
};

/* The name of a link; pure. false: it is none of the kubelet's, or holds what no such name may. */
bool cgroup_names_parse(const char *file, struct cgroup_name *ret_name);

/*
 * Fill in the names of `count` containers whose ids are given. root is a descriptor of "/" or of a
 * tree like it. Returns how many were found; 0 without such a directory.
 */
size_t cgroup_names_find(int root, struct cgroup_name *names, size_t count);

#endif
