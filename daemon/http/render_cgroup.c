/* SPDX-License-Identifier: MIT */
#include "http/render.h"

#include "http/sheet.h"

json_t *render_container(const struct cgroup_owner *owner)
{
    struct sheet sheet;
    if (!owner->container_id[0] && !owner->pod_uid[0])
        return json_null();
    sheet_init(&sheet);
    sheet_text(&sheet, "runtime", container_runtime_name(owner->runtime));
    sheet_text(&sheet, "id", owner->container_id);
    sheet_text(&sheet, "pod_uid", owner->pod_uid);
    sheet_text(&sheet, "name", owner->name);
    return sheet_take(&sheet);
}

json_t *render_cgroup(const struct cgroup *cgroup, const struct snapshot *snapshot)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "path", cgroup->path);
    sheet_text(&sheet, "version", cgroup->unified ? "v2" : "v1");
    sheet_integer(&sheet, "processes", cgroup->process_count);
    sheet_value(&sheet, "container", render_container(&cgroup->owner));
    for (enum cgroup_value value = 0; value < CGROUP_VALUE_COUNT; value++) {
        int64_t number;
        if (!cgroup_get(cgroup, value, &number))
            continue;
        if (cgroup_value_is_share(value))
            sheet_value(&sheet, cgroup_value_name(value), render_value(METRIC_CPU, number));
        else
            sheet_integer(&sheet, cgroup_value_name(value), number);
    }
    sheet_text(&sheet, "limit_cgroup", cgroup->limit_path);
    if (cgroup->mono_usec > 0 && cgroup->mono_usec <= snapshot->mono_usec)
        sheet_seconds(&sheet, "age_seconds", snapshot->mono_usec - cgroup->mono_usec);
    return sheet_take(&sheet);
}
