/* SPDX-License-Identifier: MIT */
/*
 * The memory.* files of one control group, of v2 or v1, into a struct cgroup. Directories stay the
 * caller's; files are opened for each reading: that costs 5 us a file, and a kept one 5 KiB of
 * kernel memory, for groups that are read every few seconds. Any thread.
 */
#ifndef MEMTEND_COLLECT_CGROUP_MEMORY_H
#define MEMTEND_COLLECT_CGROUP_MEMORY_H

#include "collect/cgroup_mount.h"
#include "collect/outcome.h"
#include "model/cgroup.h"

enum cgroup_depth {
    CGROUP_DEPTH_NEEDED, /* what headroom and OOM kills need; the other values stay as they were */
    CGROUP_DEPTH_ALL,
};

/*
 * The group below a mount, "." for its root; sets every value but limit and headroom, and
 * mono_usec. OUTCOME_ABSENT: it is there and its memory is not counted by itself (the controller is
 * not on here, or a threaded group): that of an ancestor counts. Without OUTCOME_OK no value is
 * left in it.
 */
enum outcome cgroup_memory_read(const struct cgroup_mounts *mounts,
                                const struct cgroup_mount *mount, const char *relative,
                                enum cgroup_depth depth, uint64_t mono_usec, struct cgroup *group);

/*
 * A group by its path in PID/cgroup, once, with limit and headroom: reads its ancestors too. For
 * those who keep no table of groups. OUTCOME_GONE when no mount shows the path. host is the
 * machine's memory (meminfo).
 */
enum outcome cgroup_memory_read_path(const struct cgroup_mounts *mounts, const char *path,
                                     const struct sample *host, uint64_t mono_usec,
                                     struct cgroup *ret_group);

/* "/a/b" becomes "/a", "/a" becomes "/"; false for "/": nothing is above it. In place. */
bool cgroup_memory_parent(char *path);
/* The path as it is shown: clean text, cut in its middle when it is too long. */
void cgroup_memory_show_path(const char *path, char ret_text[static CGROUP_PATH_SIZE]);

/* Files of one number; pure. "max" and what no machine has are none: false. */
bool cgroup_number_parse(const char *text, size_t length, int64_t *ret_number);

#endif
