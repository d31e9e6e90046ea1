/* SPDX-License-Identifier: MIT */
/*
 * Whose a control group is, by its path: the container runtime, its container, the Kubernetes pod.
 * The names in a path are given by whoever made the group, so this is a label for people, never a
 * right. Pure; any thread.
 */
#ifndef MEMTEND_COLLECT_CGROUP_OWNER_H
#define MEMTEND_COLLECT_CGROUP_OWNER_H

#include "model/cgroup.h"

/*
 * Of containers inside of each other the innermost counts; groups below a container (a systemd in
 * it) are its own. Helpers beside it (conmon, lxc.monitor) are not. All empty: no container.
 * ret_owner->name stays empty.
 */
void cgroup_owner_parse(const char *path, struct cgroup_owner *ret_owner);

#endif
