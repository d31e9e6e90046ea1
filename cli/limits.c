/* SPDX-License-Identifier: MIT */
#include "limits.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "collect/cgroup_memory.h"
#include "collect/meminfo.h"
#include "collect/proc_cgroup.h"
#include "say.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct limits_group {
    bool known;
    struct cgroup group;
    char path[PROC_CGROUP_PATH_SIZE];
};

void limits_init(struct limits *limits, int proc)
{
    _cleanup_(closep) int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *limits = (struct limits){.proc = proc};
    meminfo_read(proc, 1, &limits->host);
    if (root < 0)
        return;
    cgroup_mounts_find(root, "/proc/self/mountinfo", &limits->mounts);
    limits->counted =
        limits->mounts.kind == CGROUP_KIND_V1 || limits->mounts.kind == CGROUP_KIND_V2;
}

void limits_finish(struct limits *limits)
{
    cgroup_mounts_finish(&limits->mounts);
    free(limits->groups);
    *limits = (struct limits){0};
}

static struct limits_group *limits_add(struct limits *limits, const char *path)
{
    if (limits->count == LIMITS_GROUPS)
        return NULL;
    size_t size = (limits->count + 1) * sizeof(*limits->groups);
    limits->groups = say_no_memory(realloc(limits->groups, size));
    struct limits_group *group = &limits->groups[limits->count++];
    *group = (struct limits_group){0};
    text_copy(group->path, sizeof(group->path), path);
    group->known = cgroup_memory_read_path(&limits->mounts, path, &limits->host, 1,
                                           &group->group) == OUTCOME_OK;
    return group;
}

const struct cgroup *limits_group(struct limits *limits, pid_t pid)
{
    struct proc_cgroup place;
    if (!limits->counted || proc_cgroup_read(limits->proc, pid, &place) != OUTCOME_OK)
        return NULL;
    struct limits_group *group = NULL;
    for (size_t i = 0; i < limits->count && !group; i++)
        if (strcmp(limits->groups[i].path, place.memory_path) == 0)
            group = &limits->groups[i];
    if (!group)
        group = limits_add(limits, place.memory_path);
    return group && group->known ? &group->group : NULL;
}

/* Of the group, or of the machine when nothing counts groups. */
static void limits_put(const struct limits *limits, const struct cgroup *group,
                       enum cgroup_value value, enum metric of_machine, enum metric metric,
                       struct sample *sample)
{
    int64_t bytes;
    bool known = group ? cgroup_get(group, value, &bytes)
                       : !limits->counted && sample_get(&limits->host, of_machine, &bytes);
    if (known)
        sample_set(sample, metric, bytes, 1);
}

void limits_fill(struct limits *limits, pid_t pid, struct sample *sample)
{
    const struct cgroup *group = limits_group(limits, pid);
    limits_put(limits, group, CGROUP_VALUE_LIMIT, METRIC_MEM_TOTAL, METRIC_LIMIT, sample);
    limits_put(limits, group, CGROUP_VALUE_HEADROOM, METRIC_MEM_AVAILABLE, METRIC_HEADROOM, sample);
}
