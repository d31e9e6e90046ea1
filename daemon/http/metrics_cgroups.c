/* SPDX-License-Identifier: MIT */
#include "http/metrics.h"

#include <inttypes.h>
#include <stdlib.h>

/* A label each: the largest ones, so that a host of a thousand groups does not fill the store of
 * whoever scrapes. */
#define METRICS_CGROUPS 50

struct cgroups_shown {
    size_t count;
    const struct cgroup *groups[CGROUP_TABLE_LIMIT];
};

static int needed_compare(const void *a, const void *b)
{
    const struct cgroup *const *left = a, *const *right = b;
    int64_t first = (*left)->value[CGROUP_VALUE_NEEDED];
    int64_t second = (*right)->value[CGROUP_VALUE_NEEDED];
    return first == second ? 0 : first > second ? -1 : 1;
}

static void cgroups_choose(const struct snapshot *snapshot, struct cgroups_shown *ret_shown)
{
    ret_shown->count = 0;
    for (size_t i = 0; i < snapshot->cgroup_count; i++) {
        const struct cgroup *group = &snapshot->cgroups[i];
        int64_t needed;
        if (group->serial != 0 && cgroup_get(group, CGROUP_VALUE_NEEDED, &needed))
            ret_shown->groups[ret_shown->count++] = group;
    }
    qsort(ret_shown->groups, ret_shown->count, sizeof(const struct cgroup *), needed_compare);
    if (ret_shown->count > METRICS_CGROUPS)
        ret_shown->count = METRICS_CGROUPS;
}

struct cgroups_family {
    const char *name, *type, *help;
    enum cgroup_value value;
    bool limited; /* only of groups that a group limits: the machine's numbers are the host's */
};

static int cgroups_write_family(struct buffer *buffer, const struct cgroups_family *family,
                                const struct cgroups_shown *shown)
{
    int r = buffer_printf(buffer, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help,
                          family->name, family->type);
    for (size_t i = 0; i < shown->count && r == 0; i++) {
        const struct cgroup *group = shown->groups[i];
        int64_t number;
        if (!cgroup_get(group, family->value, &number) ||
            (family->limited && !group->limit_path[0]))
            continue;
        r = buffer_printf(buffer, "%s{cgroup=\"", family->name);
        if (r == 0)
            r = metrics_label(buffer, group->path);
        if (r == 0)
            r = buffer_printf(buffer, "\"} %" PRId64 "\n", number);
    }
    return r;
}

int metrics_cgroups(struct buffer *buffer, const struct snapshot *snapshot)
{
    static const struct cgroups_family families[] = {
        {"memtend_cgroup_needed_bytes", "gauge", "What the OOM killer meets, without page cache.",
         CGROUP_VALUE_NEEDED, false},
        {"memtend_cgroup_limit_bytes", "gauge", "Smallest memory.max of the group and those above.",
         CGROUP_VALUE_LIMIT, true},
        {"memtend_cgroup_headroom_bytes", "gauge", "What may still be taken before that limit.",
         CGROUP_VALUE_HEADROOM, true},
        {"memtend_cgroup_oom_kills_total", "counter", "Processes killed in the group and below.",
         CGROUP_VALUE_EVENTS_OOM_KILL, false},
    };
    struct cgroups_shown shown;
    int r = 0;
    cgroups_choose(snapshot, &shown);
    if (shown.count == 0)
        return 0;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && r == 0; i++)
        r = cgroups_write_family(buffer, &families[i], &shown);
    return r;
}
