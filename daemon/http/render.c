/* SPDX-License-Identifier: MIT */
#include "http/render.h"

#include "base/clock.h"
#include "base/text.h"
#include "http/sheet.h"

#include <stdio.h>
#include <string.h>

#define PERMYRIAD_PER_PERCENT 100.0

json_t *render_value(enum metric metric, int64_t value)
{
    switch (metric_info(metric)->unit) {
    case METRIC_UNIT_PERMYRIAD:
        return json_real((double)value / PERMYRIAD_PER_PERCENT);
    case METRIC_UNIT_USEC:
        return json_real((double)value / (double)USEC_PER_SEC);
    case METRIC_UNIT_FLAG:
        return json_boolean(value != 0);
    case METRIC_UNIT_BYTES:
    case METRIC_UNIT_COUNT:
        break;
    }
    return json_integer(value);
}

/* "rss.peak" -> "rss_peak_age_seconds" */
static void render_age_key(enum metric metric, char ret_key[static METRIC_JSON_NAME_SIZE + 16])
{
    snprintf(ret_key, METRIC_JSON_NAME_SIZE + 16, "%s_age_seconds", metric_info(metric)->name);
    for (char *dot = strchr(ret_key, '.'); dot; dot = strchr(dot, '.'))
        *dot = '_';
}

/* Every present metric of a scope, and the age of those that a tick did not renew. */
static void render_sample(struct sheet *sheet, const struct sample *sample, enum metric first,
                          enum metric end, const struct snapshot *snapshot)
{
    for (enum metric metric = first; metric < end; metric++) {
        int64_t value;
        char key[METRIC_JSON_NAME_SIZE + 16];
        if (!sample_get(sample, metric, &value))
            continue;
        metric_json_name(metric, key);
        sheet_value(sheet, key, render_value(metric, value));
        uint64_t read_usec = sample_time(sample, metric);
        uint64_t age_usec = snapshot->mono_usec > read_usec ? snapshot->mono_usec - read_usec : 0;
        if (age_usec <= snapshot->status.tick_usec)
            continue;
        render_age_key(metric, key);
        sheet_seconds(sheet, key, age_usec);
    }
}

json_t *render_host(const struct snapshot *snapshot)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_time(&sheet, "time", snapshot->wall_usec);
    render_sample(&sheet, &snapshot->host, METRIC_HOST_FIRST, METRIC_COUNT, snapshot);
    return sheet_take(&sheet);
}

static json_t *render_agent(const struct agent_info *agent)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "state", agent_state_name(agent->state));
    sheet_text(&sheet, "runtime", agent->runtime);
    sheet_text(&sheet, "allocator", agent->allocator);
    if (agent->state == AGENT_STATE_NONE)
        sheet_value(&sheet, "version", json_null());
    else
        sheet_integer(&sheet, "version", agent->version);
    return sheet_take(&sheet);
}

/* Why PSS and USS are absent, each only while it is. */
static void render_absences(struct sheet *sheet, const struct process *process)
{
    if (!sample_has(&process->sample, METRIC_PSS))
        sheet_text(sheet, "pss_absent", absence_name(process->pss_absence));
    if (!sample_has(&process->sample, METRIC_USS))
        sheet_text(sheet, "uss_absent", absence_name(process->uss_absence));
}

static void render_membership(struct sheet *sheet, const struct process *process,
                              const struct snapshot *snapshot)
{
    const struct group_record *group = snapshot_group_of(snapshot, process);
    sheet_text(sheet, "group", group ? group->name : "");
    sheet_text(sheet, "role", process_role_name(process->role));
    if (group && process->cow_loss_bytes >= 0)
        sheet_integer(sheet, "cow_loss_bytes", process->cow_loss_bytes);
}

json_t *render_process(const struct process *process, const struct snapshot *snapshot)
{
    char id[PROCESS_ID_SIZE];
    struct sheet sheet;
    sheet_init(&sheet);
    process_id_format(process->id, id);
    sheet_text(&sheet, "id", id);
    sheet_integer(&sheet, "pid", process->id.pid);
    sheet_integer(&sheet, "ppid", process->ppid);
    sheet_text(&sheet, "comm", process->comm);
    sheet_text(&sheet, "name", process_name(process));
    sheet_text(&sheet, "cmdline", process_cmdline(process));
    sheet_integer(&sheet, "uid", process->uid);
    sheet_text(&sheet, "unit", process_unit(process));
    sheet_integer(&sheet, "exec_count", process->exec_count);
    process_id_format(process->family, id);
    sheet_text(&sheet, "family", id);
    sheet_integer(&sheet, "family_size", process->family_size);
    render_membership(&sheet, process, snapshot);
    const struct cgroup *cgroup = snapshot_cgroup(snapshot, process);
    sheet_text(&sheet, "cgroup", cgroup ? cgroup->path : "");
    sheet_value(&sheet, "container", cgroup ? render_container(&cgroup->owner) : json_null());
    sheet_value(&sheet, "agent", render_agent(process_agent(process)));
    render_sample(&sheet, &process->sample, 0, METRIC_PROCESS_COUNT, snapshot);
    render_absences(&sheet, process);
    return sheet_take(&sheet);
}

static void render_measure(struct sheet *sheet, const struct measure *measure,
                           enum measure_field field, const char *key)
{
    int64_t bytes;
    if (measure_get(measure, field, &bytes))
        sheet_integer(sheet, key, bytes);
}

static json_t *render_step(const struct receipt_step *step)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "step", step_info(step->kind)->name);
    if (step->outcome != RECEIPT_OUTCOME_NONE)
        sheet_text(&sheet, "outcome", receipt_outcome_name(step->outcome));
    render_measure(&sheet, &step->before, MEASURE_RSS, "rss_before_bytes");
    render_measure(&sheet, &step->after, MEASURE_RSS, "rss_after_bytes");
    render_measure(&sheet, &step->before, MEASURE_USS, "uss_before_bytes");
    render_measure(&sheet, &step->after, MEASURE_USS, "uss_after_bytes");
    render_measure(&sheet, &step->before, MEASURE_PSS, "pss_before_bytes");
    render_measure(&sheet, &step->after, MEASURE_PSS, "pss_after_bytes");
    if (step->pause_usec >= 0)
        sheet_seconds(&sheet, "pause_seconds", (uint64_t)step->pause_usec);
    if (step->objects >= 0)
        sheet_integer(&sheet, "objects", step->objects);
    sheet_text(&sheet, "note", step->note);
    return sheet_take(&sheet);
}

static json_t *render_steps(const struct receipt *receipt)
{
    json_t *steps = json_array();
    size_t count = receipt->step_count < STEP_LIMIT ? receipt->step_count : STEP_LIMIT;
    for (size_t i = 0; steps && i < count; i++) {
        if (json_array_append_new(steps, render_step(&receipt->steps[i])) < 0) {
            json_decref(steps);
            steps = NULL;
        }
    }
    return steps;
}

static void render_finished(struct sheet *sheet, const struct receipt *receipt)
{
    sheet_integer(sheet, "freed_bytes", receipt->freed_bytes);
    sheet_integer(sheet, "moved_to_swap_bytes", receipt->moved_to_swap_bytes);
    sheet_text(sheet, "outcome", receipt_outcome_name(receipt->outcome));
}

json_t *render_receipt(const struct receipt *receipt)
{
    char id[PROCESS_ID_SIZE];
    struct sheet sheet;
    sheet_init(&sheet);
    process_id_format(receipt->target, id);
    sheet_text(&sheet, "id", receipt->id);
    sheet_text(&sheet, "target", id);
    sheet_text(&sheet, "comm", receipt->comm);
    sheet_text(&sheet, "rule", receipt->rule);
    sheet_text(&sheet, "asked_by", receipt->asked_by);
    sheet_time(&sheet, "time", receipt->wall_usec);
    sheet_time(&sheet, "finished_at", receipt->finished_usec);
    sheet_text(&sheet, "basis", receipt_basis_name(receipt->basis));
    sheet_integer(&sheet, "family_size", receipt->family_size);
    sheet_value(&sheet, "predicted_bytes",
                json_pack("[I,I]", (json_int_t)receipt->predicted_low_bytes,
                          (json_int_t)receipt->predicted_high_bytes));
    if (receipt->predicted_pause_usec >= 0)
        sheet_seconds(&sheet, "predicted_pause_seconds", (uint64_t)receipt->predicted_pause_usec);
    sheet_integer(&sheet, "predicted_unshared_bytes", receipt->predicted_unshared_bytes);
    sheet_value(&sheet, "steps", render_steps(receipt));
    render_measure(&sheet, &receipt->before, MEASURE_RSS, "rss_before_bytes");
    render_measure(&sheet, &receipt->after, MEASURE_RSS, "rss_after_bytes");
    if (receipt->outcome != RECEIPT_OUTCOME_NONE)
        render_finished(&sheet, receipt);
    sheet_bool(&sheet, "durable", receipt->durable);
    sheet_text(&sheet, "note", receipt->note);
    return sheet_take(&sheet);
}

json_t *render_rule(const struct rule_record *rule)
{
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_text(&sheet, "name", rule->name);
    sheet_text(&sheet, "text", rule->text ? rule->text : "");
    sheet_text(&sheet, "source", rule_source_name(rule->source));
    sheet_text(&sheet, "state", rule_state_name(rule->state));
    sheet_text(&sheet, "sha256", rule->sha256);
    sheet_time(&sheet, "last_fired", rule->last_fired_wall_usec);
    sheet_integer(&sheet, "fired_count", (int64_t)rule->fired_count);
    return sheet_take(&sheet);
}

json_t *render_top(const struct top_process *process)
{
    char id[PROCESS_ID_SIZE];
    struct sheet sheet;
    sheet_init(&sheet);
    process_id_format(process->id, id);
    sheet_text(&sheet, "id", id);
    sheet_integer(&sheet, "pid", process->id.pid);
    sheet_text(&sheet, "comm", process->comm);
    sheet_text(&sheet, "name", process->name);
    sheet_text(&sheet, "cmdline", process->cmdline);
    sheet_text(&sheet, "unit", process->unit);
    sheet_integer(&sheet, "peak_bytes", process->peak_bytes);
    sheet_integer(&sheet, "average_bytes", process->average_bytes);
    sheet_time(&sheet, "first_seen", process->first_wall_usec);
    sheet_time(&sheet, "last_seen", process->last_wall_usec);
    sheet_bool(&sheet, "ended", process->ended);
    return sheet_take(&sheet);
}

/* [ms, value], [ms, min, max], or [ms, null] for a gap. */
static json_t *render_point(const struct series_point *point, enum metric metric, bool range)
{
    json_t *pair = json_array();
    if (!pair)
        return NULL;
    int r = json_array_append_new(pair, json_integer(point->wall_msec));
    r |= json_array_append_new(pair, point->gap ? json_null() : render_value(metric, point->value));
    if (range && !point->gap)
        r |= json_array_append_new(pair, render_value(metric, point->max));
    if (r == 0)
        return pair;
    json_decref(pair);
    return NULL;
}

static void render_target(const struct target *target, char ret_text[static TARGET_SIZE + 8])
{
    const size_t size = TARGET_SIZE + 8;
    switch (target->kind) {
    case TARGET_HOST:
        text_copy(ret_text, size, "host");
        break;
    case TARGET_PROCESS:
        process_id_format(target->id, ret_text);
        break;
    case TARGET_PID:
        snprintf(ret_text, size, "pid:%d", (int)target->id.pid);
        break;
    case TARGET_UNIT:
        snprintf(ret_text, size, "unit:%s", target->name);
        break;
    case TARGET_GROUP:
        snprintf(ret_text, size, "group:%s", target->name);
        break;
    }
}

json_t *render_series(const struct series *series, enum series_aggregate aggregate)
{
    char target[TARGET_SIZE + 8], metric[METRIC_JSON_NAME_SIZE];
    struct sheet sheet;
    sheet_init(&sheet);
    render_target(&series->target, target);
    metric_json_name(series->metric, metric);
    sheet_text(&sheet, "target", target);
    sheet_text(&sheet, "metric", metric);
    json_t *points = json_array();
    for (size_t i = 0; points && i < series->count; i++) {
        json_t *point = render_point(&series->points[i], series->metric, aggregate == SERIES_RANGE);
        if (json_array_append_new(points, point) < 0)
            sheet.failed = true;
    }
    sheet_value(&sheet, "points", points);
    return sheet_take(&sheet);
}
