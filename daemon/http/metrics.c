/* SPDX-License-Identifier: MIT */
#include "http/metrics.h"

#include "base/clock.h"
#include "base/text.h"
#include "http/api.h"
#include "http/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The text under way; one failure spoils it. */
struct exposition {
    struct buffer *buffer;
    int result;
};

int metrics_label(struct buffer *buffer, const char *text)
{
    int r = 0;
    for (; *text && r == 0; text++) {
        const char *escaped = *text == '\\' ? "\\\\" : *text == '"' ? "\\\"" : "\\n";
        bool plain = *text != '\\' && *text != '"' && *text != '\n';
        r = plain ? buffer_append(buffer, text, 1) : buffer_append_text(buffer, escaped);
    }
    return r;
}

static void exposition_head(struct exposition *text, const char *name, const char *type,
                            const char *help)
{
    if (text->result == 0)
        text->result =
            buffer_printf(text->buffer, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void exposition_value(struct exposition *text, const char *name, double value)
{
    if (text->result == 0)
        text->result = buffer_printf(text->buffer, "%s %.15g\n", name, value);
}

/* One sample with a single label. */
static void exposition_labelled(struct exposition *text, const char *name, const char *label,
                                const char *label_value, double value)
{
    if (text->result == 0)
        text->result = buffer_printf(text->buffer, "%s{%s=\"", name, label);
    if (text->result == 0)
        text->result = metrics_label(text->buffer, label_value);
    if (text->result == 0)
        text->result = buffer_printf(text->buffer, "\"} %.15g\n", value);
}

static void exposition_one(struct exposition *text, const char *name, const char *type,
                           const char *help, double value)
{
    exposition_head(text, name, type, help);
    exposition_value(text, name, value);
}

/* Base units: bytes, seconds, ratios of 1. */
static void metrics_host(struct exposition *text, const struct sample *host)
{
    static const struct {
        const char *suffix;
        double per_unit;
    } units[] = {[METRIC_UNIT_BYTES] = {"_bytes", 1},
                 [METRIC_UNIT_PERMYRIAD] = {"_ratio", 10000},
                 [METRIC_UNIT_USEC] = {"_seconds", 1e6},
                 [METRIC_UNIT_COUNT] = {"", 1},
                 [METRIC_UNIT_FLAG] = {"", 1}};
    for (enum metric metric = METRIC_HOST_FIRST; metric < METRIC_COUNT; metric++) {
        const struct metric_info *info = metric_info(metric);
        bool counter = info->kind == METRIC_KIND_COUNTER;
        int64_t value;
        if (!sample_get(host, metric, &value))
            continue;
        char name[96] = "memtend_host_";
        /* "host.faults.major" has its scope in its name already. */
        const char *own = text_starts_with(info->name, "host.") ? info->name + 5 : info->name;
        size_t length = strlen(name);
        length += text_copy(name + length, sizeof(name) - length, own);
        length += text_copy(name + length, sizeof(name) - length, units[info->unit].suffix);
        text_copy(name + length, sizeof(name) - length, counter ? "_total" : "");
        for (char *dot = strchr(name, '.'); dot; dot = strchr(dot, '.'))
            *dot = '_';
        exposition_one(text, name, counter ? "counter" : "gauge", info->help,
                       (double)value / units[info->unit].per_unit);
    }
}

static double seconds(uint64_t usec)
{
    return (double)usec / (double)USEC_PER_SEC;
}

/* A histogram: each bucket counts those below it as well. */
static void metrics_lateness(struct exposition *text, const struct status *status)
{
    static const char name[] = "memtend_tick_lateness_seconds";
    uint64_t count = 0;
    exposition_head(text, name, "histogram", "How late the rounds began.");
    for (size_t i = 0; i < STATUS_LATE_BUCKETS; i++) {
        uint64_t bound = status_late_bound_usec(i);
        char limit[24] = "+Inf";
        if (bound != UINT64_MAX)
            snprintf(limit, sizeof(limit), "%g", seconds(bound));
        count += status->tick_late_counts[i];
        exposition_labelled(text, "memtend_tick_lateness_seconds_bucket", "le", limit,
                            (double)count);
    }
    exposition_value(text, "memtend_tick_lateness_seconds_sum",
                     seconds(status->tick_late_usec_total));
    exposition_value(text, "memtend_tick_lateness_seconds_count", (double)count);
}

static void metrics_ticks(struct exposition *text, const struct status *status)
{
    exposition_one(text, "memtend_start_time_seconds", "gauge", "Unix time of the daemon's start.",
                   seconds(status->started_wall_usec));
    exposition_one(text, "memtend_ticks_total", "counter", "Sampling rounds done.",
                   (double)status->ticks);
    exposition_one(text, "memtend_ticks_dropped_total", "counter",
                   "Rounds whose samples the store could not take.", (double)status->ticks_dropped);
    exposition_one(text, "memtend_tick_duration_seconds", "gauge", "How long the last round took.",
                   seconds(status->tick_duration_usec));
    exposition_one(text, "memtend_tick_late_seconds", "gauge", "How late the last round began.",
                   seconds(status->tick_late_usec));
    exposition_one(text, "memtend_ticks_skipped_total", "counter",
                   "Rounds not begun, because the one before took so long.",
                   (double)status->ticks_skipped);
    metrics_lateness(text, status);
}

/* CPU of the head's threads, stage by stage, and what the probe spent on deep readings. */
static void metrics_cost(struct exposition *text, const struct status *status)
{
    exposition_head(text, "memtend_stage_cpu_seconds_total", "counter",
                    "CPU time spent, by stage; together all of the head's.");
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++)
        exposition_labelled(text, "memtend_stage_cpu_seconds_total", "stage", stage_name(stage),
                            seconds(status->stages[stage].usec_total));
    exposition_head(text, "memtend_stage_cpu_seconds", "gauge",
                    "CPU time of the last round, by stage.");
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++)
        exposition_labelled(text, "memtend_stage_cpu_seconds", "stage", stage_name(stage),
                            seconds(status->stages[stage].last_usec));
    exposition_one(text, "memtend_probe_deep_seconds_total", "counter",
                   "Time that the probe spent on deep readings.",
                   seconds(status->probe_deep_usec_total));
    exposition_head(text, "memtend_process_reads_total", "counter",
                    "Readings of files of processes, by how they ended.");
    for (size_t outcome = 0; outcome < STATUS_OUTCOMES; outcome++)
        exposition_labelled(text, "memtend_process_reads_total", "outcome",
                            status_outcome_name(outcome), (double)status->reads[outcome]);
    exposition_one(text, "memtend_kept_files", "gauge", "Files of processes that stay open.",
                   (double)status->kept_files);
    exposition_one(text, "memtend_kept_files_limit", "gauge", "Files that may stay open.",
                   (double)status->kept_files_limit);
    exposition_one(text, "memtend_kept_kernel_bytes", "gauge",
                   "Memory that they hold in the kernel, about.",
                   (double)status->kept_kernel_bytes);
}

static void metrics_counts(struct exposition *text, const struct status *status)
{
    exposition_one(text, "memtend_processes", "gauge", "Processes watched.",
                   (double)status->processes);
    exposition_one(text, "memtend_processes_unreadable", "gauge",
                   "Processes of which something could not be read.",
                   (double)status->processes_unreadable);
    exposition_one(text, "memtend_agents", "gauge", "Connected in-process agents.",
                   (double)status->agents);
    exposition_one(text, "memtend_agents_ready", "gauge", "In-process agents that can act.",
                   (double)status->agents_ready);
    exposition_one(text, "memtend_rules", "gauge", "Rules loaded.", (double)status->rules);
    exposition_one(text, "memtend_rules_armed", "gauge", "Rules that act.",
                   (double)status->rules_armed);
    exposition_one(text, "memtend_actions_total", "counter", "Actions finished since start.",
                   (double)status->actions_total);
    /* A gauge: an action may cost memory, and negative stays negative. */
    exposition_one(text, "memtend_actions_freed_bytes", "gauge",
                   "Bytes the machine got back by all actions since start.",
                   (double)status->freed_bytes_total);
    exposition_one(text, "memtend_paused", "gauge", "1 while acting is paused.",
                   status->paused ? 1 : 0);
}

static void metrics_parts(struct exposition *text, const struct status *status)
{
    exposition_head(text, "memtend_probe_state", "gauge", "1 for the state the probe is in.");
    exposition_labelled(text, "memtend_probe_state", "state", probe_state_name(status->probe), 1);
    exposition_one(text, "memtend_probe_restarts_total", "counter", "Times the probe was replaced.",
                   (double)status->probe_restarts);
    exposition_head(text, "memtend_store_state", "gauge", "1 for the state the store is in.");
    exposition_labelled(text, "memtend_store_state", "state", store_state_name(status->store), 1);
    exposition_one(text, "memtend_store_queue", "gauge", "Rows that wait for the disk.",
                   (double)status->store_queue);
    exposition_one(text, "memtend_store_merged_ticks_total", "counter",
                   "Rounds that gave up their own time of who came and went, not their values.",
                   (double)status->store_losses.merged_ticks);
    exposition_one(text, "memtend_store_lost_ticks_total", "counter",
                   "Rounds for whose values there was no memory.",
                   (double)status->store_losses.ticks);
    exposition_one(text, "memtend_store_lost_logs_total", "counter",
                   "Ten minutes of one process that were given up: the file was away too long.",
                   (double)status->store_losses.logs);
    exposition_one(text, "memtend_store_refused_rows_total", "counter",
                   "Values of processes beyond those that there is room for.",
                   (double)status->store_losses.rows);
    exposition_one(text, "memtend_store_size_bytes", "gauge", "Size of the database.",
                   (double)status->store_size_bytes);
    if (status->self_private_bytes >= 0)
        exposition_one(text, "memtend_self_private_bytes", "gauge",
                       "Private dirty memory and swap of all roles.",
                       (double)status->self_private_bytes);
    if (status->self_rss_bytes >= 0)
        exposition_one(text, "memtend_self_rss_bytes", "gauge", "Resident set size of the daemon.",
                       (double)status->self_rss_bytes);
    if (status->self_cpu_permyriad >= 0)
        exposition_one(text, "memtend_self_cpu_ratio", "gauge", "Share of one core in use.",
                       (double)status->self_cpu_permyriad / 10000);
}

int metrics_write(struct buffer *buffer, const struct snapshot *snapshot, const char *version)
{
    struct exposition text = {.buffer = buffer};
    exposition_head(&text, "memtend_build_info", "gauge", "1, with the version as label.");
    exposition_labelled(&text, "memtend_build_info", "version", version, 1);
    metrics_ticks(&text, &snapshot->status);
    metrics_cost(&text, &snapshot->status);
    metrics_counts(&text, &snapshot->status);
    metrics_parts(&text, &snapshot->status);
    metrics_host(&text, &snapshot->host);
    if (text.result == 0)
        text.result = metrics_cgroups(buffer, snapshot);
    if (text.result == 0)
        text.result = metrics_groups(buffer, snapshot);
    return text.result;
}

void api_metrics(struct request *request, struct reply *reply)
{
    static const char *const names[] = {NULL};
    if (!query_check(request, names, reply) || !request_has_snapshot(request, reply))
        return;
    reply->status = 200;
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    if (metrics_write(&reply->body, request->snapshot, request->site->version) < 0)
        reply_no_memory(reply);
}
