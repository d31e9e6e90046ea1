/* SPDX-License-Identifier: MIT */
#include "model/cgroup.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

bool cgroup_get(const struct cgroup *cgroup, enum cgroup_value value, int64_t *ret_value)
{
    if (!(cgroup->present & UINT32_C(1) << value))
        return false;
    *ret_value = cgroup->value[value];
    return true;
}

void cgroup_set(struct cgroup *cgroup, enum cgroup_value value, int64_t number)
{
    cgroup->present |= UINT32_C(1) << value;
    cgroup->value[value] = number;
}

void cgroup_clear(struct cgroup *cgroup, enum cgroup_value value)
{
    cgroup->present &= ~(UINT32_C(1) << value);
}

const char *cgroup_value_name(enum cgroup_value value)
{
    static const char *const names[CGROUP_VALUE_COUNT] = {
#define X(id, name, source) [CGROUP_VALUE_##id] = (name),
        CGROUP_VALUE_TABLE(X)
#undef X
    };
    return names[value];
}

bool cgroup_value_is_share(enum cgroup_value value)
{
    return value == CGROUP_VALUE_PSI_SOME_AVG10 || value == CGROUP_VALUE_PSI_FULL_AVG10;
}

int cgroup_value_find(const char *name, enum cgroup_value *ret_value)
{
    for (enum cgroup_value value = 0; value < CGROUP_VALUE_COUNT; value++) {
        if (strcmp(cgroup_value_name(value), name) != 0)
            continue;
        *ret_value = value;
        return 0;
    }
    return -ENOENT;
}

/* 0 when absent: only for what a kernel leaves out because there is none. */
static int64_t cgroup_or_none(const struct cgroup *cgroup, enum cgroup_value value)
{
    int64_t number = 0;
    cgroup_get(cgroup, value, &number);
    return number;
}

void cgroup_derive(struct cgroup *cgroup)
{
    int64_t current, inactive_file, swap_backed, unevictable, peak;
    /* The peak is read less often. */
    if (cgroup_get(cgroup, CGROUP_VALUE_PEAK, &peak) &&
        cgroup_get(cgroup, CGROUP_VALUE_CURRENT, &current) && current > peak)
        cgroup_set(cgroup, CGROUP_VALUE_PEAK, current);
    cgroup_clear(cgroup, CGROUP_VALUE_WORKINGSET);
    cgroup_clear(cgroup, CGROUP_VALUE_NEEDED);
    /* Read one after the other: a file that grows in between must not make it negative. */
    if (cgroup_get(cgroup, CGROUP_VALUE_CURRENT, &current) &&
        cgroup_get(cgroup, CGROUP_VALUE_INACTIVE_FILE, &inactive_file))
        cgroup_set(cgroup, CGROUP_VALUE_WORKINGSET,
                   current > inactive_file ? current - inactive_file : 0);
    if (!cgroup_get(cgroup, CGROUP_VALUE_SWAP_BACKED, &swap_backed) ||
        !cgroup_get(cgroup, CGROUP_VALUE_UNEVICTABLE, &unevictable) ||
        (cgroup->unified && !(cgroup->present >> CGROUP_VALUE_KERNEL & 1)))
        return;
    int64_t kernel = cgroup_or_none(cgroup, CGROUP_VALUE_KERNEL); /* v1 may not count it */
    int64_t swap =
        cgroup_or_none(cgroup, CGROUP_VALUE_SWAP) - cgroup_or_none(cgroup, CGROUP_VALUE_SWAPCACHED);
    kernel -= cgroup_or_none(cgroup, CGROUP_VALUE_ZSWAP);
    cgroup_set(cgroup, CGROUP_VALUE_NEEDED,
               swap_backed + unevictable + (kernel > 0 ? kernel : 0) + (swap > 0 ? swap : 0));
}

void cgroup_limit_begin(struct cgroup *cgroup)
{
    cgroup_clear(cgroup, CGROUP_VALUE_LIMIT);
    cgroup_clear(cgroup, CGROUP_VALUE_HEADROOM);
    cgroup->limit_path[0] = '\0';
}

void cgroup_limit_by(struct cgroup *cgroup, const struct cgroup *level)
{
    int64_t max, needed, limit = 0, headroom = 0;
    if (!cgroup_get(level, CGROUP_VALUE_MAX, &max))
        return;
    bool first = !cgroup_get(cgroup, CGROUP_VALUE_LIMIT, &limit);
    if (first || max < limit) {
        cgroup_set(cgroup, CGROUP_VALUE_LIMIT, max);
        text_copy(cgroup->limit_path, sizeof(cgroup->limit_path), level->path);
    }
    bool known = cgroup_get(cgroup, CGROUP_VALUE_HEADROOM, &headroom);
    /* One limit of which the distance is not known, and the least one is not known either. */
    if (!cgroup_get(level, CGROUP_VALUE_NEEDED, &needed) || (!first && !known))
        cgroup_clear(cgroup, CGROUP_VALUE_HEADROOM);
    else if (first || max - needed < headroom)
        cgroup_set(cgroup, CGROUP_VALUE_HEADROOM, max - needed);
}

/* v1 tells of a limit that is set where we cannot look; how near that group is to it, nobody. */
static bool cgroup_limit_above(struct cgroup *cgroup, bool limited, int64_t *limit)
{
    int64_t above;
    if (!cgroup_get(cgroup, CGROUP_VALUE_HIERARCHY_MAX, &above) || (limited && above >= *limit))
        return limited;
    cgroup_set(cgroup, CGROUP_VALUE_LIMIT, above);
    cgroup_clear(cgroup, CGROUP_VALUE_HEADROOM);
    text_copy(cgroup->limit_path, sizeof(cgroup->limit_path), CGROUP_LIMIT_ABOVE);
    *limit = above;
    return true;
}

void cgroup_limit_end(struct cgroup *cgroup, const struct sample *host)
{
    int64_t total, available, limit;
    bool limited = cgroup_get(cgroup, CGROUP_VALUE_LIMIT, &limit);
    limited = cgroup_limit_above(cgroup, limited, &limit);
    if (!sample_get(host, METRIC_MEM_TOTAL, &total) || (limited && limit <= total))
        return;
    cgroup_limit_begin(cgroup);
    cgroup_set(cgroup, CGROUP_VALUE_LIMIT, total);
    if (sample_get(host, METRIC_MEM_AVAILABLE, &available))
        cgroup_set(cgroup, CGROUP_VALUE_HEADROOM, available);
}

const char *cgroup_kind_name(enum cgroup_kind kind)
{
    static const char *const names[CGROUP_KIND_COUNT] = {
        [CGROUP_KIND_NONE] = "none",
        [CGROUP_KIND_V1] = "v1",
        [CGROUP_KIND_V2] = "v2",
        [CGROUP_KIND_V2_NO_MEMORY] = "v2_no_memory",
    };
    return names[kind];
}

const char *container_runtime_name(enum container_runtime runtime)
{
    static const char *const names[CONTAINER_RUNTIME_COUNT] = {
        [CONTAINER_RUNTIME_NONE] = "",
        [CONTAINER_RUNTIME_DOCKER] = "docker",
        [CONTAINER_RUNTIME_CONTAINERD] = "containerd",
        [CONTAINER_RUNTIME_CRIO] = "cri-o",
        [CONTAINER_RUNTIME_PODMAN] = "podman",
        [CONTAINER_RUNTIME_NSPAWN] = "systemd-nspawn",
        [CONTAINER_RUNTIME_LXC] = "lxc",
    };
    return names[runtime];
}
