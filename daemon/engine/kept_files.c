/* SPDX-License-Identifier: MIT */
#include "engine/kept_files.h"

#include "collect/proc_statm.h"
#include "config/config.h"

#include <sys/resource.h>

/* For everything else: two for each of 1,024 agents, connections, store, sockets, passing reads. */
#define KEPT_FILES_RESERVE UINT64_C(2304)
/* Kernel memory that they may hold by themselves: a share of the machine, and in no case more than
 * what the unit's MemoryMax leaves room for. */
#define KEPT_FILES_MACHINE_SHARE 200 /* 0.5 % */
#define KEPT_FILES_MOST_BYTES    (UINT64_C(96) << 20)

/* A change adds this; every 8 ticks a quarter goes: one change a tick keeps it near its top. */
#define KEPT_FILES_CHANGE      16
#define KEPT_FILES_DECAY_TICKS 8
/* Three or four changes of late, and so much more than the one to drive out. */
#define KEPT_FILES_HOT    56
#define KEPT_FILES_MARGIN 32
/* Descriptors that change hands in a tick, and how many entries a search for a cold one sees. */
#define KEPT_FILES_MOVES  16
#define KEPT_FILES_SEARCH 64

size_t kept_files_limit(const struct kept_files_means *means)
{
    uint64_t room = means->descriptors > 2 * KEPT_FILES_RESERVE
                        ? means->descriptors - KEPT_FILES_RESERVE
                        : means->descriptors / 2;
    if (means->wanted != CONFIG_KEPT_FILES_AUTO)
        return means->wanted < room ? means->wanted : room;
    uint64_t bytes = means->machine_bytes / KEPT_FILES_MACHINE_SHARE;
    if (bytes > KEPT_FILES_MOST_BYTES)
        bytes = KEPT_FILES_MOST_BYTES;
    uint64_t most = bytes / PROC_STATM_KERNEL_BYTES;
    return most < room ? most : room;
}

uint64_t kept_files_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    return setrlimit(RLIMIT_NOFILE, &raised) < 0 ? limit.rlim_cur : raised.rlim_cur;
}

void kept_files_on_tick(struct kept_files *kept)
{
    kept->moves_left = KEPT_FILES_MOVES;
}

void kept_files_heat(struct glance *glance, bool changed, uint64_t tick)
{
    unsigned heat = glance->heat;
    if (tick % KEPT_FILES_DECAY_TICKS == 0)
        heat -= heat / 4;
    if (changed)
        heat += KEPT_FILES_CHANGE;
    glance->heat = heat > UINT8_MAX ? UINT8_MAX : (uint8_t)heat;
}

/* The coldest of some that have a descriptor; NULL when none is cold enough. */
static struct glance *kept_files_victim(struct kept_files *kept, struct table *table,
                                        const struct glance *candidate)
{
    struct glance *coldest = NULL;
    for (size_t i = 0; i < KEPT_FILES_SEARCH && i < table->count; i++) {
        kept->hand = (kept->hand + 1) % table->count;
        struct glance *glance = &table->glances[kept->hand];
        if (glance->statm >= 0 && glance->heat + KEPT_FILES_MARGIN <= candidate->heat &&
            (!coldest || glance->heat < coldest->heat))
            coldest = glance;
    }
    return coldest;
}

bool kept_files_admit(struct kept_files *kept, struct table *table, const struct glance *candidate)
{
    if (table->kept < kept->limit)
        return true;
    if (candidate->heat < KEPT_FILES_HOT || kept->moves_left == 0 || kept->limit == 0)
        return false;
    struct glance *victim = kept_files_victim(kept, table, candidate);
    if (!victim)
        return false;
    kept->moves_left--;
    table_unkeep(table, victim);
    return true;
}
