/* SPDX-License-Identifier: MIT */
/*
 * The places of the table of control groups: found by path, each tied to the group above it. A
 * place keeps its number until it is freed. Mapped once. Owned by engine/cgroups, loop thread.
 */
#ifndef MEMTEND_ENGINE_CGROUP_SLOTS_H
#define MEMTEND_ENGINE_CGROUP_SLOTS_H

#include "collect/cgroup_mount.h"
#include "collect/outcome.h"

struct cgroup_slot {
    struct cgroup group;               /* what is published */
    char path[CGROUP_MOUNT_PATH_SIZE]; /* as PID/cgroup has it */
    uint32_t parent;                   /* place + 1; 0: nothing is known above */
    bool cut;             /* the one above it could not be kept: its limits are not known */
    uint32_t children;    /* places that have this one as parent */
    enum outcome outcome; /* of the last reading */
    bool wanted;          /* a rule looks at limit or headroom of a process in it */
    bool near;            /* of the limit, its own or one above */
    bool named;           /* by the host, not by a process in it */
    uint64_t limit_usec;  /* of the oldest reading that limit and headroom rest on */
    uint64_t read_tick;
    uint64_t all_usec;   /* last deep reading; 0 = never */
    uint64_t empty_usec; /* without process and child since then; 0 = it has some */
    uint64_t name_asked_usec;
};

struct cgroup_slots {
    size_t count;              /* places in use, and free ones between them */
    struct cgroup_slot *slots; /* of CGROUP_TABLE_LIMIT */
    uint32_t serial;
    bool full;                           /* a group had no place since one was last freed */
    uint64_t hashes[CGROUP_TABLE_LIMIT]; /* of the path; 0 = a free place */
};

int cgroup_slots_init(struct cgroup_slots *slots);    /* 0 or -ENOMEM */
void cgroup_slots_finish(struct cgroup_slots *slots); /* safe on a zeroed one */

/*
 * Place + 1 of a path, made with all above it that a mount shows when it is new; 0 when there is no
 * place. The path is shorter than CGROUP_MOUNT_PATH_SIZE.
 */
uint32_t cgroup_slots_get(struct cgroup_slots *slots, const struct cgroup_mounts *mounts,
                          const char *path);
/* Nothing may refer to it, nor have it as parent. */
void cgroup_slots_free(struct cgroup_slots *slots, size_t at);
bool cgroup_slot_is_free(const struct cgroup_slot *slot);

#endif
