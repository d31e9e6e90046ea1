/* SPDX-License-Identifier: MIT */
#include "http/metrics.h"

#include "base/text.h"

#include <string.h>

struct group_metric {
    enum group_figure figure;
    const char *name, *type, *help;
};

static const struct group_metric group_metrics[] = {
    {GROUP_FIGURE_MEMBERS, "memtend_group_members", "gauge", "Processes of the group."},
    {GROUP_FIGURE_RSS, "memtend_group_rss_bytes", "gauge",
     "Sum of RSS; a shared page counts once for each member."},
    {GROUP_FIGURE_PSS, "memtend_group_pss_bytes", "gauge",
     "Sum of PSS, over the members of which it is known."},
    {GROUP_FIGURE_PSS_MEMBERS, "memtend_group_pss_members", "gauge",
     "Members of which PSS is known."},
    {GROUP_FIGURE_USS, "memtend_group_uss_bytes", "gauge",
     "Sum of USS, over the members of which it is known."},
    {GROUP_FIGURE_SWAP, "memtend_group_swap_bytes", "gauge", "Sum of memory in swap."},
    {GROUP_FIGURE_COW_LOSS, "memtend_group_cow_loss_bytes", "gauge",
     "Inherited memory that forked workers hold as copies of their own."},
    {GROUP_FIGURE_LIMIT, "memtend_group_limit_bytes", "gauge",
     "Limit of the one control group in which all members live."},
    {GROUP_FIGURE_HEADROOM, "memtend_group_headroom_bytes", "gauge",
     "What that control group may take before a limit stops it."},
    {GROUP_FIGURE_CAME, "memtend_group_members_came_total", "counter",
     "Processes that have come into the group."},
    {GROUP_FIGURE_WENT, "memtend_group_members_went_total", "counter",
     "Processes that have left the group by their end or by exec."},
};

static int metric_line(struct buffer *buffer, const struct group_metric *metric,
                       const struct group_record *group, int64_t value)
{
    int r = buffer_printf(buffer, "%s{group=\"", metric->name);
    if (r == 0)
        r = metrics_label(buffer, group->name);
    if (r == 0)
        r = buffer_printf(buffer, "\",kind=\"%s\"} %lld\n", group_kind_name(group->kind),
                          (long long)value);
    return r;
}

/* Of a group without members only what counts on is of interest. */
static bool metric_value(const struct group_metric *metric, const struct group_record *group,
                         int64_t *ret_value)
{
    if (group->kind == GROUP_KIND_NONE)
        return false;
    if (group->members == 0 && strcmp(metric->type, "counter") != 0)
        return false;
    return group_figure_get(group, metric->figure, ret_value);
}

static int metric_write(struct buffer *buffer, const struct group_metric *metric,
                        const struct snapshot *snapshot)
{
    int r = buffer_printf(buffer, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                          metric->name, metric->type);
    for (size_t i = 0; i < snapshot->group_count && r == 0; i++) {
        int64_t value;
        if (metric_value(metric, &snapshot->groups[i], &value))
            r = metric_line(buffer, metric, &snapshot->groups[i], value);
    }
    return r;
}

int metrics_groups(struct buffer *buffer, const struct snapshot *snapshot)
{
    int r = 0;
    for (size_t i = 0; i < sizeof(group_metrics) / sizeof(group_metrics[0]) && r == 0; i++)
        r = metric_write(buffer, &group_metrics[i], snapshot);
    return r;
}
