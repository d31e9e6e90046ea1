/* SPDX-License-Identifier: MIT */
/*
 * One control group with what the kernel says of its memory (cgroup v2, Documentation/admin-guide/
 * cgroup-v2.rst, section Memory; v1 gives fewer) and what follows from it. Filled by
 * collect/cgroup_memory and engine/cgroups, read by http, diagnose and the command line. Unknown
 * is absent, never 0. Plain data.
 *
 * `needed` is anon + shmem + unevictable + kernel + swap, each byte once. These overlap in the
 * kernel's own lines: unevictable holds locked pages that anon and shmem count too. So the first
 * three are taken from the lists on which a page can be only once: inactive_anon + active_anon
 * (anon and shmem that could go to swap) + unevictable (what is locked, of any kind). It also
 * leaves out what a program gave up with MADV_FREE, which the kernel keeps with the file pages.
 * A page in the swap cache is in memory and in swap, and a page in zswap is counted at its full
 * size in swap and compressed in kernel: swapcached and zswap are taken off once. Where the kernel
 * does not count swap of groups (no CONFIG_SWAP, swapaccount=0) it is left out.
 * The same with a v1 kernel that does not count its own memory.
 * Kernel memory that could be given back (slab_reclaimable: dentries, inodes) stays in.
 *
 * `limit` is the smallest memory.max of the group and its ancestors, and the machine's memory when
 * none is smaller. `headroom` is the least memory.max - needed, each of one group, on the same
 * way: a group can be stopped by a sibling that fills their parent. Where only the machine is the
 * limit it is the kernel's own MemAvailable. Negative stays negative: the rest is in swap.
 * Ancestors outside of a container's view are not seen, except their smallest limit on v1.
 */
#ifndef MEMTEND_MODEL_CGROUP_H
#define MEMTEND_MODEL_CGROUP_H

#include "model/sample.h"

#include <stdbool.h>
#include <stdint.h>

/*        id     JSON name      source or formula */
#define CGROUP_VALUE_TABLE(X)                                                                      \
    X(CURRENT, "current_bytes", "memory.current")                                                  \
    X(PEAK, "peak_bytes", "memory.peak")                                                           \
    X(HIGH, "high_bytes", "memory.high; absent = none")                                            \
    X(MAX, "max_bytes", "memory.max; absent = none")                                               \
    X(HIERARCHY_MAX, "hierarchy_max_bytes",                                                        \
      "v1 hierarchical_memory_limit: the smallest of it and all ancestors; absent = none")         \
    X(SWAP, "swap_bytes", "memory.swap.current")                                                   \
    X(SWAP_MAX, "swap_max_bytes", "memory.swap.max; absent = none")                                \
    X(ANON, "anon_bytes", "memory.stat anon")                                                      \
    X(FILE, "file_bytes", "memory.stat file")                                                      \
    X(INACTIVE_FILE, "inactive_file_bytes", "memory.stat inactive_file")                           \
    X(SHMEM, "shmem_bytes", "memory.stat shmem")                                                   \
    X(SWAP_BACKED, "swap_backed_bytes",                                                            \
      "memory.stat inactive_anon + active_anon: anon and shmem that are not locked")               \
    X(UNEVICTABLE, "unevictable_bytes", "memory.stat unevictable: locked memory of any kind")      \
    X(KERNEL, "kernel_bytes",                                                                      \
      "memory.stat kernel; before 5.18 slab + kernel_stack + pagetables + percpu")                 \
    X(SLAB_RECLAIMABLE, "slab_reclaimable_bytes", "memory.stat slab_reclaimable, part of kernel")  \
    X(SWAPCACHED, "swapcached_bytes", "memory.stat swapcached: in memory and in swap")             \
    X(ZSWAP, "zswap_bytes", "memory.stat zswap: compressed swap in memory, part of kernel")        \
    X(MAJOR_FAULTS, "major_faults", "memory.stat pgmajfault")                                      \
    X(EVENTS_HIGH, "events_high", "memory.events high")                                            \
    X(EVENTS_MAX, "events_max", "memory.events max")                                               \
    X(EVENTS_OOM, "events_oom", "memory.events oom")                                               \
    X(EVENTS_OOM_KILL, "events_oom_kill", "memory.events oom_kill")                                \
    X(LOCAL_MAX, "events_local_max", "memory.events.local max: its own limit was met")             \
    X(LOCAL_OOM_KILL, "events_local_oom_kill", "memory.events.local oom_kill: of its own members") \
    X(PSI_SOME_AVG10, "psi_some_avg10_percent", "memory.pressure some avg10")                      \
    X(PSI_FULL_AVG10, "psi_full_avg10_percent", "memory.pressure full avg10")                      \
    X(WORKINGSET, "workingset_bytes", "current - inactive_file")                                   \
    X(NEEDED, "needed_bytes",                                                                      \
      "anon + shmem + unevictable + kernel + swap, each byte once: what the OOM killer meets")     \
    X(LIMIT, "limit_bytes", "the smallest memory.max of it and its ancestors, else MemTotal")      \
    X(HEADROOM, "headroom_bytes",                                                                  \
      "the least memory.max - needed of it and its ancestors, else MemAvailable")

enum cgroup_value {
#define X(id, name, source) CGROUP_VALUE_##id,
    CGROUP_VALUE_TABLE(X)
#undef X
        CGROUP_VALUE_COUNT,
};

_Static_assert(CGROUP_VALUE_COUNT <= 32, "one bit each");

/* What this machine has. */
enum cgroup_kind {
    CGROUP_KIND_NONE,         /* no control groups, or not mounted */
    CGROUP_KIND_V1,           /* the memory controller is a v1 hierarchy; read only */
    CGROUP_KIND_V2,           /* the memory controller is in the unified hierarchy */
    CGROUP_KIND_V2_NO_MEMORY, /* paths are there, their memory is not counted */
    CGROUP_KIND_COUNT,
};

enum container_runtime {
    CONTAINER_RUNTIME_NONE, /* no container, or nobody says whose */
    CONTAINER_RUNTIME_DOCKER,
    CONTAINER_RUNTIME_CONTAINERD,
    CONTAINER_RUNTIME_CRIO,
    CONTAINER_RUNTIME_PODMAN,
    CONTAINER_RUNTIME_NSPAWN,
    CONTAINER_RUNTIME_LXC,
    CONTAINER_RUNTIME_COUNT,
};

/* Groups with watched processes, and those above them, in one snapshot. */
#define CGROUP_TABLE_LIMIT 1024

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
    uint32_t serial;             /* of this daemon, never given out again; 0 = a free place */
    uint32_t process_count;      /* that live in it, not in groups below */
    struct cgroup_owner owner;
    uint32_t present; /* bit i = value i is known */
    int64_t value[CGROUP_VALUE_COUNT];
    uint64_t mono_usec;                /* when it was read; 0 = never */
    char limit_path[CGROUP_PATH_SIZE]; /* whose limit it is; "" = the machine's */
};

/* limit_path when the limit is of a group above all that this machine shows. */
#define CGROUP_LIMIT_ABOVE "/.."

bool cgroup_get(const struct cgroup *cgroup, enum cgroup_value value, int64_t *ret_value);
void cgroup_set(struct cgroup *cgroup, enum cgroup_value value, int64_t number);
void cgroup_clear(struct cgroup *cgroup, enum cgroup_value value);
const char *cgroup_value_name(enum cgroup_value value);
/* Given in permyriad, shown in percent. */
bool cgroup_value_is_share(enum cgroup_value value);
/* By JSON name. -ENOENT. */
int cgroup_value_find(const char *name, enum cgroup_value *ret_value);

/* Workingset and needed, from what was read. */
void cgroup_derive(struct cgroup *cgroup);
/*
 * Limit and headroom: cgroup_limit_begin(), then cgroup_limit_by() with the group itself and each
 * ancestor from near to far, then cgroup_limit_end() with the machine's memory (of /proc/meminfo).
 */
void cgroup_limit_begin(struct cgroup *cgroup);
void cgroup_limit_by(struct cgroup *cgroup, const struct cgroup *level);
void cgroup_limit_end(struct cgroup *cgroup, const struct sample *host);

const char *cgroup_kind_name(enum cgroup_kind kind); /* "v2", "v1", "v2_no_memory", "none" */
const char *container_runtime_name(enum container_runtime runtime); /* "" for NONE */

#endif
