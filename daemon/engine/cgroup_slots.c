/* SPDX-License-Identifier: MIT */
#include "engine/cgroup_slots.h"

#include "base/text.h"
#include "collect/cgroup_memory.h"
#include "collect/cgroup_owner.h"
#include "engine/pages.h"

#include <errno.h>
#include <string.h>

/* Groups above each other; the kernel has no limit, systemd and Kubernetes need eight. */
#define SLOTS_DEPTH 32

/* FNV-1a; never 0. */
static uint64_t path_hash(const char *path)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * UINT64_C(1099511628211);
    return hash ? hash : 1;
}

int cgroup_slots_init(struct cgroup_slots *slots)
{
    *slots = (struct cgroup_slots){0};
    slots->slots = pages_map(CGROUP_TABLE_LIMIT, sizeof(struct cgroup_slot));
    return slots->slots ? 0 : -ENOMEM;
}

void cgroup_slots_finish(struct cgroup_slots *slots)
{
    pages_unmap(slots->slots, CGROUP_TABLE_LIMIT, sizeof(struct cgroup_slot));
    slots->slots = NULL;
}

bool cgroup_slot_is_free(const struct cgroup_slot *slot)
{
    return slot->group.serial == 0;
}

/* Place + 1; 0 = not there. */
static uint32_t slot_find(const struct cgroup_slots *slots, const char *path, uint64_t hash)
{
    for (size_t i = 0; i < slots->count; i++)
        if (slots->hashes[i] == hash && strcmp(slots->slots[i].path, path) == 0)
            return (uint32_t)i + 1;
    return 0;
}

static uint32_t slot_add(struct cgroup_slots *slots, const char *path, uint64_t hash)
{
    size_t at = 0;
    while (at < slots->count && slots->hashes[at] != 0)
        at++;
    if (at == CGROUP_TABLE_LIMIT) {
        slots->full = true;
        return 0;
    }
    if (at == slots->count)
        slots->count++;
    struct cgroup_slot *slot = &slots->slots[at];
    *slot = (struct cgroup_slot){.outcome = OUTCOME_FAILED};
    slots->hashes[at] = hash;
    text_copy(slot->path, sizeof(slot->path), path);
    cgroup_memory_show_path(path, slot->group.path);
    cgroup_owner_parse(path, &slot->group.owner);
    if (++slots->serial == 0)
        slots->serial = 1; /* 0 is a free place */
    slot->group.serial = slots->serial;
    return (uint32_t)at + 1;
}

void cgroup_slots_free(struct cgroup_slots *slots, size_t at)
{
    struct cgroup_slot *slot = &slots->slots[at];
    if (slot->parent)
        slots->slots[slot->parent - 1].children--;
    *slot = (struct cgroup_slot){0};
    slots->hashes[at] = 0;
    slots->full = false;
    while (slots->count > 0 && slots->hashes[slots->count - 1] == 0)
        slots->count--;
}

/* Above the last one that was found or made; 0 when there is nothing, or no place. */
static uint32_t slot_above(struct cgroup_slots *slots, const struct cgroup_mounts *mounts,
                           const char *path, struct cgroup_slot *below, bool *ret_known)
{
    const char *relative;
    uint64_t hash = path_hash(path);
    uint32_t found = slot_find(slots, path, hash);
    *ret_known = found != 0;
    if (!found && below && mounts->count > 0 && !cgroup_mounts_place(mounts, path, &relative))
        return 0;
    if (!found)
        found = slot_add(slots, path, hash);
    if (below && !found)
        below->cut = true;
    if (below && found) {
        below->parent = found;
        slots->slots[found - 1].children++;
    }
    return found;
}

uint32_t cgroup_slots_get(struct cgroup_slots *slots, const struct cgroup_mounts *mounts,
                          const char *path)
{
    char above[CGROUP_MOUNT_PATH_SIZE];
    struct cgroup_slot *below = NULL;
    uint32_t first = 0;
    text_copy(above, sizeof(above), path);
    for (size_t depth = 0; depth < SLOTS_DEPTH; depth++) {
        bool known;
        uint32_t found = slot_above(slots, mounts, above, below, &known);
        first = first ? first : found;
        if (!found || known || !cgroup_memory_parent(above))
            return first;
        below = &slots->slots[found - 1];
    }
    below->cut = true;
    return first;
}
