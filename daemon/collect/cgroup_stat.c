/* SPDX-License-Identifier: MIT */
#include "collect/cgroup_stat.h"

#include "collect/keyed.h"

/* In the order of the file; the older kernels' slab comes late, before 5.10 early. */
enum stat_key {
    STAT_ANON,
    STAT_FILE,
    STAT_KERNEL, /* 5.18 */
    STAT_KERNEL_STACK,
    STAT_PAGETABLES,     /* 5.11 */
    STAT_SEC_PAGETABLES, /* 6.1 */
    STAT_PERCPU,         /* 5.9 */
    STAT_SHMEM,
    STAT_ZSWAP,      /* 5.19 */
    STAT_SWAPCACHED, /* 5.12 */
    STAT_INACTIVE_ANON,
    STAT_ACTIVE_ANON,
    STAT_INACTIVE_FILE,
    STAT_UNEVICTABLE,
    STAT_SLAB_RECLAIMABLE,
    STAT_SLAB,
    STAT_PGMAJFAULT,
    STAT_COUNT,
};

static const char *const stat_keys[STAT_COUNT] = {
    [STAT_ANON] = "anon",
    [STAT_FILE] = "file",
    [STAT_KERNEL] = "kernel",
    [STAT_KERNEL_STACK] = "kernel_stack",
    [STAT_PAGETABLES] = "pagetables",
    [STAT_SEC_PAGETABLES] = "sec_pagetables",
    [STAT_PERCPU] = "percpu",
    [STAT_SHMEM] = "shmem",
    [STAT_ZSWAP] = "zswap",
    [STAT_SWAPCACHED] = "swapcached",
    [STAT_INACTIVE_ANON] = "inactive_anon",
    [STAT_ACTIVE_ANON] = "active_anon",
    [STAT_INACTIVE_FILE] = "inactive_file",
    [STAT_UNEVICTABLE] = "unevictable",
    [STAT_SLAB_RECLAIMABLE] = "slab_reclaimable",
    [STAT_SLAB] = "slab",
    [STAT_PGMAJFAULT] = "pgmajfault",
};

enum stat_key_v1 {
    V1_LIMIT,
    V1_CACHE,
    V1_RSS,
    V1_SHMEM,
    V1_SWAP,
    V1_SWAPCACHED,
    V1_PGMAJFAULT,
    V1_INACTIVE_ANON,
    V1_ACTIVE_ANON,
    V1_INACTIVE_FILE,
    V1_UNEVICTABLE,
    V1_COUNT,
};

static const char *const stat_keys_v1[V1_COUNT] = {
    [V1_LIMIT] = "hierarchical_memory_limit",
    [V1_CACHE] = "total_cache",
    [V1_RSS] = "total_rss",
    [V1_SHMEM] = "total_shmem",
    [V1_SWAP] = "total_swap",
    [V1_SWAPCACHED] = "total_swapcached",
    [V1_PGMAJFAULT] = "total_pgmajfault",
    [V1_INACTIVE_ANON] = "total_inactive_anon",
    [V1_ACTIVE_ANON] = "total_active_anon",
    [V1_INACTIVE_FILE] = "total_inactive_file",
    [V1_UNEVICTABLE] = "total_unevictable",
};

/* One line, one value. */
struct stat_value {
    unsigned key;
    enum cgroup_value value;
};

static void stat_take(const struct stat_value *table, size_t count, uint32_t present,
                      const int64_t *values, struct cgroup *cgroup)
{
    for (size_t i = 0; i < count; i++) {
        if (present >> table[i].key & 1)
            cgroup_set(cgroup, table[i].value, values[table[i].key]);
        else
            cgroup_clear(cgroup, table[i].value);
    }
}

/* The lists hold each page once, the lines "anon" and "shmem" do not tell the locked ones. */
static bool stat_swap_backed(uint32_t present, unsigned inactive, unsigned active,
                             const int64_t *values, struct cgroup *cgroup)
{
    if (!(present >> inactive & 1) || !(present >> active & 1)) {
        cgroup_clear(cgroup, CGROUP_VALUE_SWAP_BACKED);
        return false;
    }
    cgroup_set(cgroup, CGROUP_VALUE_SWAP_BACKED, values[inactive] + values[active]);
    return true;
}

/* What there is of it: the sum of its parts before 5.18. */
static void stat_kernel(uint32_t present, const int64_t *values, struct cgroup *cgroup)
{
    static const enum stat_key parts[] = {STAT_KERNEL_STACK, STAT_PAGETABLES, STAT_SEC_PAGETABLES,
                                          STAT_PERCPU, STAT_SLAB};
    int64_t sum = 0;
    if (present >> STAT_KERNEL & 1) {
        cgroup_set(cgroup, CGROUP_VALUE_KERNEL, values[STAT_KERNEL]);
        return;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        sum += present >> parts[i] & 1 ? values[parts[i]] : 0;
    if (present >> STAT_SLAB & 1)
        cgroup_set(cgroup, CGROUP_VALUE_KERNEL, sum);
    else
        cgroup_clear(cgroup, CGROUP_VALUE_KERNEL);
}

bool cgroup_stat_parse(const char *text, size_t length, struct cgroup *cgroup)
{
    static const struct stat_value table[] = {
        {STAT_ANON, CGROUP_VALUE_ANON},
        {STAT_FILE, CGROUP_VALUE_FILE},
        {STAT_SHMEM, CGROUP_VALUE_SHMEM},
        {STAT_ZSWAP, CGROUP_VALUE_ZSWAP},
        {STAT_SWAPCACHED, CGROUP_VALUE_SWAPCACHED},
        {STAT_INACTIVE_FILE, CGROUP_VALUE_INACTIVE_FILE},
        {STAT_UNEVICTABLE, CGROUP_VALUE_UNEVICTABLE},
        {STAT_SLAB_RECLAIMABLE, CGROUP_VALUE_SLAB_RECLAIMABLE},
        {STAT_PGMAJFAULT, CGROUP_VALUE_MAJOR_FAULTS},
    };
    int64_t values[STAT_COUNT];
    uint32_t present = keyed_parse(text, length, stat_keys, STAT_COUNT, values);
    stat_take(table, sizeof(table) / sizeof(table[0]), present, values, cgroup);
    stat_kernel(present, values, cgroup);
    return stat_swap_backed(present, STAT_INACTIVE_ANON, STAT_ACTIVE_ANON, values, cgroup);
}

bool cgroup_stat_parse_v1(const char *text, size_t length, struct cgroup *cgroup)
{
    static const struct stat_value table[] = {
        {V1_LIMIT, CGROUP_VALUE_HIERARCHY_MAX},
        {V1_CACHE, CGROUP_VALUE_FILE},
        {V1_RSS, CGROUP_VALUE_ANON},
        {V1_SHMEM, CGROUP_VALUE_SHMEM},
        {V1_SWAP, CGROUP_VALUE_SWAP},
        {V1_SWAPCACHED, CGROUP_VALUE_SWAPCACHED},
        {V1_PGMAJFAULT, CGROUP_VALUE_MAJOR_FAULTS},
        {V1_INACTIVE_FILE, CGROUP_VALUE_INACTIVE_FILE},
        {V1_UNEVICTABLE, CGROUP_VALUE_UNEVICTABLE},
    };
    int64_t values[V1_COUNT];
    uint32_t present = keyed_parse(text, length, stat_keys_v1, V1_COUNT, values);
    stat_take(table, sizeof(table) / sizeof(table[0]), present, values, cgroup);
    return stat_swap_backed(present, V1_INACTIVE_ANON, V1_ACTIVE_ANON, values, cgroup);
}
