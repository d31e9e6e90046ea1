/* SPDX-License-Identifier: MIT */
/*
 * One control group with what the kernel says of its memory (cgroup v2, Documentation/admin-guide/
 * cgroup-v2.rst, section Memory; v1 gives fewer) and what follows from it. Filled by
 * collect/cgroup_memory and engine/cgroups, read by http, diagnose and the command line. Unknown
 * is absent, never 0. Plain data.
 */
#ifndef MEMTEND_MODEL_CGROUP_H
#define MEMTEND_MODEL_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

/*        id     JSON name      source or formula */
#define CGROUP_VALUE_TABLE(X)                                                                      \
    X(CURRENT, "current_bytes", "memory.current")                                                  \
    X(PEAK, "peak_bytes", "memory.peak")                                                           \
    X(HIGH, "high_bytes", "memory.high; absent = none")                                            \
    X(MAX, "max_bytes", "memory.max; absent = none")                                               \
    X(SWAP, "swap_bytes", "memory.swap.current")                                                   \
    X(SWAP_MAX, "swap_max_bytes", "memory.swap.max; absent = none")                                \
    X(ANON, "anon_bytes", "memory.stat anon")                                                      \
    X(FILE, "file_bytes", "memory.stat file")                                                      \
    X(INACTIVE_FILE, "inactive_file_bytes", "memory.stat inactive_file")                           \
    X(SHMEM, "shmem_bytes", "memory.stat shmem")                                                   \
    X(KERNEL, "kernel_bytes", "memory.stat kernel; before 5.18 slab + kernel_stack + pagetables")  \
    X(UNEVICTABLE, "unevictable_bytes", "memory.stat unevictable")                                 \
    X(MAJOR_FAULTS, "major_faults", "memory.stat pgmajfault")                                      \
    X(EVENTS_HIGH, "events_high", "memory.events high")                                            \
    X(EVENTS_MAX, "events_max", "memory.events max")                                               \
    X(EVENTS_OOM, "events_oom", "memory.events oom")                                               \
    X(EVENTS_OOM_KILL, "events_oom_kill", "memory.events oom_kill")                                \
    X(PSI_SOME_AVG10, "psi_some_avg10_permyriad", "memory.pressure some avg10")                    \
    X(PSI_FULL_AVG10, "psi_full_avg10_permyriad", "memory.pressure full avg10")                    \
    X(WORKINGSET, "workingset_bytes", "current - inactive_file")                                   \
    X(NEEDED, "needed_bytes",                                                                      \
      "anon + shmem + unevictable + kernel + swap: what the OOM killer meets")                     \
    X(LIMIT, "limit_bytes", "the smallest memory.max of it and its ancestors, else MemTotal")      \
    X(HEADROOM, "headroom_bytes", "limit - needed")

enum cgroup_value {
#define X(id, name, source) CGROUP_VALUE_##id,
    CGROUP_VALUE_TABLE(X)
#undef X
        CGROUP_VALUE_COUNT,
};

_Static_assert(CGROUP_VALUE_COUNT <= 32, "one bit each");

enum container_runtime {
    CONTAINER_RUNTIME_NONE,
    CONTAINER_RUNTIME_DOCKER,
    CONTAINER_RUNTIME_CONTAINERD,
    CONTAINER_RUNTIME_CRIO,
    CONTAINER_RUNTIME_PODMAN,
    CONTAINER_RUNTIME_NSPAWN,
    CONTAINER_RUNTIME_LXC,
    CONTAINER_RUNTIME_COUNT,
};

#define CGROUP_PATH_SIZE         256 /* longer ones are cut in the middle of what is shown */
#define CGROUP_CONTAINER_ID_SIZE 72  /* 64 hexadecimal digits */
#define CGROUP_POD_UID_SIZE      40
#define CGROUP_NAME_SIZE         96

/* What a path says of who made it. */
struct cgroup_owner {
    enum container_runtime runtime;
    char container_id[CGROUP_CONTAINER_ID_SIZE]; /* "" = none */
    char pod_uid[CGROUP_POD_UID_SIZE];           /* with dashes; "" = none */
    char name[CGROUP_NAME_SIZE]; /* "pod/container" where the host knows it; "" = not known */
};

struct cgroup {
    char path[CGROUP_PATH_SIZE]; /* clean text, from the root of the hierarchy: "/a.slice/b" */
    bool unified;                /* v2; else the v1 memory controller, read only */
    struct cgroup_owner owner;
    uint32_t present; /* bit i = value i is known */
    int64_t value[CGROUP_VALUE_COUNT];
    uint64_t mono_usec;                /* when it was read; 0 = never */
    char limit_path[CGROUP_PATH_SIZE]; /* whose limit it is; "" = the machine's */
};

bool cgroup_get(const struct cgroup *cgroup, enum cgroup_value value, int64_t *ret_value);
void cgroup_set(struct cgroup *cgroup, enum cgroup_value value, int64_t number);
const char *cgroup_value_name(enum cgroup_value value);
const char *container_runtime_name(enum container_runtime runtime); /* "" for NONE */

#endif
