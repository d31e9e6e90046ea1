/* SPDX-License-Identifier: MIT */
#include "engine/cgroups.h"

#include "base/clock.h"
#include "base/text.h"
#include "collect/cgroup_memory.h"
#include "engine/cgroup_slots.h"
#include "engine/container_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CGROUPS_PERIOD_USEC (5 * USEC_PER_SEC)
/* Limits, peak and pressure change seldom, or are averages over 10 s. */
#define CGROUPS_ALL_USEC (30 * USEC_PER_SEC)
/* Of the readings of a tick, for groups near their limit or named by a rule; the rest has turns. */
#define CGROUPS_HOT_READS 48
/* Near its limit: a fifth of it is left. */
#define CGROUPS_NEAR 5
/* A group whose last process has ended is kept so long: the next one is often on its way. */
#define CGROUPS_LINGER_USEC (30 * USEC_PER_SEC)
/* Processes are moved without exec seldom: systemd does it before exec, a shell's user by hand. */
#define CGROUPS_PLACE_TICKS 64
/* Links of a new container appear a moment after it; those of an old one may be gone. */
#define CGROUPS_NAMES_USEC      (10 * USEC_PER_SEC)
#define CGROUPS_NAME_AGAIN_USEC (60 * USEC_PER_SEC)

struct cgroups {
    struct cgroup_mounts mounts;
    int root; /* "/" */
    struct container_names *names;
    uint64_t names_asked_usec;
    uint64_t tick_usec;
    struct cgroup_slots table;
    size_t turn;              /* the place that the next turn begins with */
    cgroups_kills tell_kills; /* NULL = nobody wants to know */
    void *tell_context;
};

static int cgroups_open(struct cgroups *cgroups, const char *directory)
{
    cgroups->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (cgroups->root < 0)
        return -errno;
    if (*directory)
        return cgroup_mounts_open(cgroups->root, directory, &cgroups->mounts);
    cgroup_mounts_find(cgroups->root, "/proc/self/mountinfo", &cgroups->mounts);
    return 0;
}

int cgroups_new(const char *directory, uint64_t tick_usec, struct cgroups **ret_cgroups)
{
    struct cgroups *cgroups = calloc(1, sizeof(*cgroups));
    if (!cgroups)
        return -ENOMEM;
    cgroups->root = -1;
    cgroups->tick_usec = tick_usec;
    int r = cgroup_slots_init(&cgroups->table);
    if (r == 0)
        r = cgroups_open(cgroups, directory);
    if (r == 0)
        r = container_names_new(cgroups->root, &cgroups->names);
    if (r < 0)
        cgroups_free(cgroups);
    else
        *ret_cgroups = cgroups;
    return r;
}

void cgroups_free(struct cgroups *cgroups)
{
    if (!cgroups)
        return;
    container_names_free(cgroups->names);
    cgroup_mounts_finish(&cgroups->mounts);
    cgroup_slots_finish(&cgroups->table);
    if (cgroups->root >= 0)
        close(cgroups->root);
    free(cgroups);
}

void cgroups_join(struct cgroups *cgroups, const struct proc_cgroup *place, struct process *process)
{
    bool memory = cgroups->mounts.count > 0;
    /* Without a hierarchy to read, the path still tells whose the process is. */
    const char *path = memory ? place->memory_path : place->path;
    bool fits = !memory || place->memory_unified == (cgroups->mounts.kind != CGROUP_KIND_V1);
    uint32_t found = 0;
    if (fits && path[0] == '/' && strlen(path) < CGROUP_MOUNT_PATH_SIZE)
        found = cgroup_slots_get(&cgroups->table, &cgroups->mounts, path);
    if (found)
        cgroups->table.slots[found - 1].group.process_count++;
    cgroups_leave(cgroups, process);
    process->cgroup = found;
}

void cgroups_leave(struct cgroups *cgroups, struct process *process)
{
    if (process->cgroup)
        cgroups->table.slots[process->cgroup - 1].group.process_count--;
    process->cgroup = 0;
}

static bool cgroups_count_memory(const struct cgroups *cgroups)
{
    return cgroups->mounts.kind == CGROUP_KIND_V1 || cgroups->mounts.kind == CGROUP_KIND_V2;
}

/* --- readings --- */

void cgroups_tell_kills(struct cgroups *cgroups, cgroups_kills tell, void *context)
{
    cgroups->tell_kills = tell;
    cgroups->tell_context = context;
}

struct slot_kills {
    bool known;
    int64_t count;
    uint64_t usec; /* when it was read */
};

/* Version 1 counts in the group itself only. */
static struct slot_kills slot_kills(const struct cgroup_slot *slot)
{
    const struct cgroup *group = &slot->group;
    struct slot_kills kills = {.usec = group->mono_usec};
    kills.known = cgroup_get(
        group, group->unified ? CGROUP_VALUE_EVENTS_OOM_KILL : CGROUP_VALUE_LOCAL_OOM_KILL,
        &kills.count);
    return kills;
}

/* A group that was made anew under the same name begins with 0 again. */
static void slot_tell_kills(const struct cgroups *cgroups, const struct cgroup_slot *slot,
                            const struct slot_kills *before)
{
    struct slot_kills now = slot_kills(slot);
    if (cgroups->tell_kills && before->known && now.known && now.count > before->count)
        cgroups->tell_kills(cgroups->tell_context, &slot->group, slot->group.unified,
                            now.count - before->count, before->usec);
}

static void slot_read(struct cgroups *cgroups, size_t at, uint64_t tick, uint64_t now_usec)
{
    struct cgroup_slot *slot = &cgroups->table.slots[at];
    const char *relative;
    const struct cgroup_mount *mount = cgroup_mounts_place(&cgroups->mounts, slot->path, &relative);
    bool all = slot->all_usec == 0 || now_usec - slot->all_usec >= CGROUPS_ALL_USEC;
    const struct slot_kills before = slot_kills(slot);
    slot->read_tick = tick;
    if (!mount) {
        slot->outcome = OUTCOME_GONE;
        return;
    }
    slot->outcome =
        cgroup_memory_read(&cgroups->mounts, mount, relative,
                           all ? CGROUP_DEPTH_ALL : CGROUP_DEPTH_NEEDED, now_usec, &slot->group);
    if (slot->outcome == OUTCOME_OK)
        slot_tell_kills(cgroups, slot, &before);
    if (slot->outcome != OUTCOME_OK)
        slot->all_usec = 0;
    else if (all)
        slot->all_usec = now_usec;
}

/* Those near a limit or looked at by a rule, with all whose limits count for them. */
static size_t cgroups_read_hot(struct cgroups *cgroups, uint64_t tick, uint64_t now_usec)
{
    size_t reads = 0;
    for (size_t i = 0; i < cgroups->table.count; i++) {
        /* Not always the same ones first, in case there are more than can be read. */
        size_t first = (cgroups->turn + i) % cgroups->table.count;
        bool hot = cgroups->table.slots[first].near || cgroups->table.slots[first].wanted;
        cgroups->table.slots[first].wanted = false; /* until cgroups_renew() */
        if (!hot)
            continue;
        for (size_t at = first + 1; at > 0 && reads < CGROUPS_HOT_READS;
             at = cgroups->table.slots[at - 1].parent) {
            if (cgroups->table.slots[at - 1].read_tick == tick)
                break;
            slot_read(cgroups, at - 1, tick, now_usec);
            reads++;
        }
    }
    return reads;
}

/* New ones at once, the others in turn. */
static void cgroups_read_due(struct cgroups *cgroups, size_t reads, uint64_t tick,
                             uint64_t now_usec)
{
    for (size_t i = 0; i < cgroups->table.count && reads < CGROUPS_READS; i++) {
        if (cgroup_slot_is_free(&cgroups->table.slots[i]) || cgroups->table.slots[i].read_tick != 0)
            continue;
        slot_read(cgroups, i, tick, now_usec);
        reads++;
    }
    uint64_t turns = CGROUPS_PERIOD_USEC / cgroups->tick_usec;
    size_t share = turns > 0 ? (cgroups->table.count + turns - 1) / turns : cgroups->table.count;
    for (size_t i = 0; i < share && reads < CGROUPS_READS; i++) {
        size_t at = cgroups->turn < cgroups->table.count ? cgroups->turn : 0;
        cgroups->turn = at + 1;
        if (cgroup_slot_is_free(&cgroups->table.slots[at]) ||
            cgroups->table.slots[at].read_tick == tick)
            continue;
        slot_read(cgroups, at, tick, now_usec);
        reads++;
    }
}

/* --- what follows --- */

/* A level that could not be read may have the smallest limit: then nobody knows. */
static bool slot_levels(const struct cgroups *cgroups, struct cgroup_slot *slot)
{
    for (const struct cgroup_slot *level = slot;;
         level = &cgroups->table.slots[level->parent - 1]) {
        if ((level->outcome != OUTCOME_OK && level->outcome != OUTCOME_ABSENT) || level->cut)
            return false;
        cgroup_limit_by(&slot->group, &level->group);
        if (level->group.mono_usec < slot->limit_usec)
            slot->limit_usec = level->group.mono_usec;
        if (!level->parent)
            return true;
    }
}

/* Where nothing counts memory no group can limit it. */
static void slot_limits(const struct cgroups *cgroups, struct cgroup_slot *slot,
                        const struct sample *host, uint64_t now_usec)
{
    int64_t limit, headroom;
    slot->near = false;
    slot->limit_usec = now_usec;
    slot->group.unified = cgroups->mounts.kind != CGROUP_KIND_V1;
    cgroup_limit_begin(&slot->group);
    if (cgroups_count_memory(cgroups) && !slot_levels(cgroups, slot)) {
        cgroup_limit_begin(&slot->group);
        return;
    }
    cgroup_limit_end(&slot->group, host);
    /* Where the machine is the limit, reading the group more often tells nothing. */
    if (!slot->group.limit_path[0])
        slot->limit_usec = now_usec;
    else if (cgroup_get(&slot->group, CGROUP_VALUE_LIMIT, &limit) &&
             cgroup_get(&slot->group, CGROUP_VALUE_HEADROOM, &headroom))
        slot->near = headroom < limit / CGROUPS_NEAR;
}

static void cgroups_limits(struct cgroups *cgroups, const struct sample *host, uint64_t now_usec)
{
    for (size_t i = 0; i < cgroups->table.count; i++)
        if (!cgroup_slot_is_free(&cgroups->table.slots[i]))
            slot_limits(cgroups, &cgroups->table.slots[i], host, now_usec);
}

static void process_set(struct sample *sample, const struct cgroup_slot *slot,
                        enum cgroup_value value, enum metric metric)
{
    int64_t number;
    if (slot && cgroup_get(&slot->group, value, &number))
        sample_set(sample, metric, number, slot->limit_usec);
    else
        sample_clear(sample, metric);
}

static void process_renew(struct cgroups *cgroups, struct process *process, struct tracked *tracked)
{
    struct cgroup_slot *slot = process->cgroup ? &cgroups->table.slots[process->cgroup - 1] : NULL;
    process_set(&process->sample, slot, CGROUP_VALUE_LIMIT, METRIC_LIMIT);
    process_set(&process->sample, slot, CGROUP_VALUE_HEADROOM, METRIC_HEADROOM);
    if (!slot)
        return;
    slot->wanted |= tracked->cgroup_wanted;
    if (slot->outcome == OUTCOME_GONE)
        tracked->unit_known = false;
    struct cgroup_owner *owner = &slot->group.owner;
    if (owner->container_id[0] && !owner->name[0] && process->name)
        text_copy(owner->name, sizeof(owner->name), process->name);
}

void cgroups_renew(struct cgroups *cgroups, struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (!table->glances[i].kernel_thread)
            process_renew(cgroups, &table->processes[i], &table->tracked[i]);
}

/* Some of the processes at each tick: their place is read again with their slow fields. */
static void cgroups_look_again(struct table *table, uint64_t tick)
{
    for (size_t i = 0; i < table->count; i++)
        if ((tick + (uint64_t)table->glances[i].pid) % CGROUPS_PLACE_TICKS == 0)
            table->tracked[i].unit_known = false;
}

static void cgroups_let_go(struct cgroups *cgroups, uint64_t now_usec)
{
    for (size_t i = cgroups->table.count; i-- > 0;) {
        struct cgroup_slot *slot = &cgroups->table.slots[i];
        if (cgroup_slot_is_free(&cgroups->table.slots[i]))
            continue;
        if (slot->group.process_count > 0 || slot->children > 0)
            slot->empty_usec = 0;
        else if (slot->empty_usec == 0)
            slot->empty_usec = now_usec;
        else if (now_usec - slot->empty_usec >= CGROUPS_LINGER_USEC)
            cgroup_slots_free(&cgroups->table, i);
    }
}

/* --- names of containers --- */

static void cgroups_take_names(struct cgroups *cgroups)
{
    size_t count;
    const struct cgroup_name *names = container_names_take(cgroups->names, &count);
    for (size_t n = 0; names && n < count; n++) {
        for (size_t i = 0; i < cgroups->table.count && names[n].name[0]; i++) {
            struct cgroup_owner *owner = &cgroups->table.slots[i].group.owner;
            if (strcmp(owner->container_id, names[n].container_id) != 0)
                continue;
            text_copy(owner->name, sizeof(owner->name), names[n].name);
            cgroups->table.slots[i].named = true;
        }
    }
}

/* The kubelet knows those of pods. */
static void cgroups_ask_names(struct cgroups *cgroups, uint64_t now_usec)
{
    struct cgroup_name wanted[CONTAINER_NAMES_LIMIT];
    size_t count = 0;
    if (cgroups->names_asked_usec > 0 && now_usec - cgroups->names_asked_usec < CGROUPS_NAMES_USEC)
        return;
    for (size_t i = 0; i < cgroups->table.count && count < CONTAINER_NAMES_LIMIT; i++) {
        struct cgroup_slot *slot = &cgroups->table.slots[i];
        const struct cgroup_owner *owner = &slot->group.owner;
        if (slot->named || !owner->pod_uid[0] || !owner->container_id[0] ||
            (slot->name_asked_usec > 0 &&
             now_usec - slot->name_asked_usec < CGROUPS_NAME_AGAIN_USEC))
            continue;
        slot->name_asked_usec = now_usec;
        wanted[count] = (struct cgroup_name){.name = ""};
        text_copy(wanted[count].container_id, sizeof(wanted[count].container_id),
                  owner->container_id);
        count++;
    }
    if (count > 0 && container_names_ask(cgroups->names, wanted, count) == 0)
        cgroups->names_asked_usec = now_usec;
}

void cgroups_on_tick(struct cgroups *cgroups, struct table *table, const struct sample *host,
                     uint64_t tick, uint64_t now_usec)
{
    if (cgroups_count_memory(cgroups))
        cgroups_read_due(cgroups, cgroups_read_hot(cgroups, tick, now_usec), tick, now_usec);
    cgroups_limits(cgroups, host, now_usec);
    cgroups_look_again(table, tick);
    cgroups_let_go(cgroups, now_usec);
    cgroups_take_names(cgroups);
    cgroups_ask_names(cgroups, now_usec);
}

/* --- for those who look --- */

void cgroups_publish(const struct cgroups *cgroups, struct snapshot *snapshot)
{
    for (size_t i = 0; i < cgroups->table.count; i++)
        snapshot->cgroups[i] = cgroups->table.slots[i].group;
    snapshot->cgroup_count = cgroups->table.count;
}

enum cgroup_kind cgroups_kind(const struct cgroups *cgroups)
{
    return cgroups->mounts.kind;
}

size_t cgroups_count(const struct cgroups *cgroups)
{
    size_t count = 0;
    for (size_t i = 0; i < cgroups->table.count; i++)
        count += !cgroup_slot_is_free(&cgroups->table.slots[i]);
    return count;
}

const struct cgroup *cgroups_of(const struct cgroups *cgroups, const struct process *process)
{
    return process->cgroup ? &cgroups->table.slots[process->cgroup - 1].group : NULL;
}

bool cgroups_is_full(const struct cgroups *cgroups)
{
    return cgroups->table.full;
}
