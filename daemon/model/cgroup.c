/* SPDX-License-Identifier: MIT */
#include "model/cgroup.h"

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

const char *cgroup_value_name(enum cgroup_value value)
{
    static const char *const names[CGROUP_VALUE_COUNT] = {
#define X(id, name, source) [CGROUP_VALUE_##id] = (name),
        CGROUP_VALUE_TABLE(X)
#undef X
    };
    return names[value];
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
