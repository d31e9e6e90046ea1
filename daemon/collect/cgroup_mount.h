/* SPDX-License-Identifier: MIT */
/*
 * Where the memory controller is: which version, and the directories that show its groups. A
 * daemon in a container may see its own part of the hierarchy in one mount and the host's in
 * another one, so several are kept and each path is looked up in the one that has it.
 *
 * Paths are those of PID/cgroup: from the root of our control group namespace, "/../x" for what
 * lies outside of it. The root of a mount is in the same terms. Any thread.
 */
#ifndef MEMTEND_COLLECT_CGROUP_MOUNT_H
#define MEMTEND_COLLECT_CGROUP_MOUNT_H

#include "model/cgroup.h"

#include <stddef.h>

/* Our own and the host's, and one of each to spare. */
#define CGROUP_MOUNT_LIMIT 4
/* A path that is longer is not looked up: container runtimes stay below 300 bytes. */
#define CGROUP_MOUNT_PATH_SIZE 512
/* Each of a thousand containers has some mounts of its own, of 200 bytes each. */
#define CGROUP_MOUNT_TEXT_LIMIT ((size_t)4 << 20)

struct cgroup_mount {
    int directory;
    char root[CGROUP_MOUNT_PATH_SIZE]; /* "/" = all of the hierarchy that we may see */
};

struct cgroup_mounts {
    enum cgroup_kind kind;
    size_t count;
    struct cgroup_mount mounts[CGROUP_MOUNT_LIMIT];
};

/* A line of mountinfo that is a control group hierarchy we could use. */
struct cgroup_mount_entry {
    char point[CGROUP_MOUNT_PATH_SIZE];
    char root[CGROUP_MOUNT_PATH_SIZE];
    bool unified; /* v2; else v1 with the memory controller */
};

/* The bytes of the file; pure. Returns how many, at most limit. Those that are cut do not count. */
size_t cgroup_mounts_parse(const char *text, size_t length, struct cgroup_mount_entry *entries,
                           size_t limit);

/*
 * What a mountinfo file names, below root: a descriptor of "/", or of a tree like it. None at all
 * is CGROUP_KIND_NONE with count 0, not an error. The caller finishes it.
 */
void cgroup_mounts_find(int root, const char *mountinfo_path, struct cgroup_mounts *ret_mounts);
/* One directory that somebody named, taken as all of the hierarchy. 0 or -errno; -EINVAL: none. */
int cgroup_mounts_open(int root, const char *path, struct cgroup_mounts *ret_mounts);
void cgroup_mounts_finish(struct cgroup_mounts *mounts); /* safe on a zeroed one */

/*
 * The mount that shows a path and the path in it, "." for its root. NULL when no mount does, and
 * for groups that are gone ("/x (deleted)").
 */
const struct cgroup_mount *cgroup_mounts_place(const struct cgroup_mounts *mounts, const char *path,
                                               const char **ret_relative);

#endif
