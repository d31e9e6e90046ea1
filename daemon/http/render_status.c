/* SPDX-License-Identifier: MIT */
#include "http/render.h"

#include "http/sheet.h"

static json_t *render_probe(const struct status *status)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "state", probe_state_name(status->probe));
    sheet_integer(&sheet, "restarts", (int64_t)status->probe_restarts);
    sheet_seconds(&sheet, "deep_seconds_total", status->probe_deep_usec_total);
    sheet_text(&sheet, "detail", status->probe_detail);
    return sheet_take(&sheet);
}

static json_t *render_store(const struct status *status)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "state", store_state_name(status->store));
    sheet_text(&sheet, "detail", status->store_detail);
    sheet_integer(&sheet, "queue", (int64_t)status->store_queue);
    sheet_integer(&sheet, "dropped_ticks", (int64_t)status->ticks_dropped);
    sheet_integer(&sheet, "merged_ticks", (int64_t)status->store_losses.merged_ticks);
    sheet_integer(&sheet, "lost_ticks", (int64_t)status->store_losses.ticks);
    sheet_integer(&sheet, "lost_logs", (int64_t)status->store_losses.logs);
    sheet_integer(&sheet, "refused_rows", (int64_t)status->store_losses.rows);
    sheet_integer(&sheet, "size_bytes", (int64_t)status->store_size_bytes);
    sheet_bool(&sheet, "durable", status->store == STORE_STATE_OK);
    return sheet_take(&sheet);
}

/* {"fast": {"cpu_seconds_total": …, "cpu_seconds": … of the last tick}, …} */
static json_t *render_stages(const struct status *status)
{
    struct sheet stages;
    sheet_init(&stages);
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        struct sheet sheet;
        sheet_init(&sheet);
        sheet_seconds(&sheet, "cpu_seconds_total", status->stages[stage].usec_total);
        sheet_seconds(&sheet, "cpu_seconds", status->stages[stage].last_usec);
        sheet_value(&stages, stage_name(stage), sheet_take(&sheet));
    }
    return sheet_take(&stages);
}

static json_t *render_reads(const struct status *status)
{
    struct sheet sheet;
    sheet_init(&sheet);
    for (size_t outcome = 0; outcome < STATUS_OUTCOMES; outcome++)
        sheet_integer(&sheet, status_outcome_name(outcome), (int64_t)status->reads[outcome]);
    return sheet_take(&sheet);
}

/* Our own cost; what is not known is absent. */
static json_t *render_self(const struct status *status)
{
    struct sheet sheet;
    sheet_init(&sheet);
    if (status->self_cpu_permyriad >= 0)
        sheet_value(&sheet, "cpu_percent", render_value(METRIC_CPU, status->self_cpu_permyriad));
    if (status->self_private_bytes >= 0)
        sheet_integer(&sheet, "private_bytes", status->self_private_bytes);
    if (status->self_rss_bytes >= 0)
        sheet_integer(&sheet, "rss_bytes", status->self_rss_bytes);
    sheet_value(&sheet, "stages", render_stages(status));
    sheet_value(&sheet, "reads", render_reads(status));
    sheet_integer(&sheet, "ticks_skipped", (int64_t)status->ticks_skipped);
    sheet_integer(&sheet, "kept_files", (int64_t)status->kept_files);
    sheet_integer(&sheet, "kept_files_limit", (int64_t)status->kept_files_limit);
    sheet_integer(&sheet, "kept_kernel_bytes", (int64_t)status->kept_kernel_bytes);
    return sheet_take(&sheet);
}

static json_t *render_missing(const struct status *status)
{
    json_t *missing = json_array();
    for (size_t i = 0; missing && i < status->missing_count && i < STATUS_MISSING_LIMIT; i++) {
        if (json_array_append_new(missing, sheet_string(status->missing[i])) < 0) {
            json_decref(missing);
            missing = NULL;
        }
    }
    return missing;
}

static void render_counts(struct sheet *sheet, const struct status *status)
{
    const struct {
        const char *key;
        size_t value;
    } counts[] = {
        {"processes", status->processes}, {"processes_unreadable", status->processes_unreadable},
        {"agents", status->agents},       {"agents_ready", status->agents_ready},
        {"rules", status->rules},         {"rules_armed", status->rules_armed},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        sheet_integer(sheet, counts[i].key, (int64_t)counts[i].value);
}

static void render_details(struct sheet *sheet, const struct status *status, const char *user)
{
    sheet_seconds(sheet, "tick_duration_seconds", status->tick_duration_usec);
    sheet_seconds(sheet, "tick_late_seconds", status->tick_late_usec);
    render_counts(sheet, status);
    sheet_bool(sheet, "paused", status->paused);
    sheet_time(sheet, "paused_until", status->paused_until_wall_usec);
    sheet_text(sheet, "pause_reason", status->pause_reason);
    sheet_value(sheet, "probe", render_probe(status));
    sheet_value(sheet, "store", render_store(status));
    sheet_value(sheet, "actor", json_pack("{s:s}", "state", "unsupported"));
    sheet_text(sheet, "psi", psi_state_name(status->psi));
    sheet_text(sheet, "oom_log", oom_log_name(status->oom_log));
    sheet_text(sheet, "cgroup", cgroup_kind_name(status->cgroup_kind));
    sheet_integer(sheet, "cgroups", (int64_t)status->cgroups);
    sheet_value(sheet, "self", render_self(status));
    sheet_value(sheet, "missing", render_missing(status));
    sheet_text(sheet, "user", user);
    sheet_text(sheet, "http", status->http_address);
    sheet_text(sheet, "state_dir", status->state_directory);
    sheet_bool(sheet, "roles_separated", status->roles_separated);
}

json_t *render_status(const struct snapshot *snapshot, const char *version, const char *user,
                      bool all)
{
    const struct status *status = &snapshot->status;
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "version", version);
    sheet_time(&sheet, "started_at", status->started_wall_usec);
    sheet_time(&sheet, "now", snapshot->wall_usec);
    sheet_seconds(&sheet, "uptime_seconds", status->uptime_usec);
    sheet_integer(&sheet, "ticks", (int64_t)status->ticks);
    sheet_seconds(&sheet, "tick_seconds", status->tick_usec);
    if (all)
        render_details(&sheet, status, user);
    return sheet_take(&sheet);
}
