/* SPDX-License-Identifier: MIT */
#include "http/api.h"

#include "base/text.h"
#include "http/query.h"
#include "http/render.h"
#include "http/sheet.h"

#include <string.h>

/* A process is named by pid once: later the pid may be another's. */
static bool series_resolve(const struct request *request, struct target *target,
                           struct reply *reply)
{
    const struct process *process = target->kind == TARGET_PROCESS || target->kind == TARGET_PID
                                        ? snapshot_find_pid(request->snapshot, target->id.pid)
                                        : NULL;
    if (target->kind == TARGET_PID && !process) {
        reply_problem(reply, 404, "not_found", "there is no process %d (any more)",
                      (int)target->id.pid);
        return false;
    }
    if (target->kind == TARGET_PID)
        *target = (struct target){.kind = TARGET_PROCESS, .id = process->id};
    /* The history of a process that is gone is for the reader to judge: it knows its uid. */
    bool other =
        process && process_id_equal(process->id, target->id) && !request_may_see(request, process);
    bool shared = target->kind == TARGET_UNIT || target->kind == TARGET_GROUP;
    if (!other && !(shared && !request->asker.all))
        return true;
    reply_problem(reply, 403, "forbidden", "that belongs to another user");
    return false;
}

/* Calls take for each part of "a,b,c"; at most limit parts, none empty. */
static bool series_split(const char *text, size_t limit, const char *name, struct reply *reply,
                         bool (*take)(const char *part, void *context), void *context)
{
    char part[TARGET_SIZE + 8];
    size_t count = 0;
    while (*text) {
        size_t length = strcspn(text, ",");
        if (length == 0 || length >= sizeof(part) || ++count > limit)
            break;
        text_copy_span(part, sizeof(part), text, length);
        if (!take(part, context))
            return false;
        text += length;
        if (*text == ',' && *++text == '\0')
            text--;
    }
    if (!*text && count > 0)
        return true;
    reply_problem(reply, 422, "bad_query", "%s must be 1 to %d names, separated by commas", name,
                  (int)limit);
    return false;
}

struct series_reading {
    const struct request *request;
    struct series_query *query;
    struct reply *reply;
};

static bool series_take_target(const char *part, void *context)
{
    struct series_reading *reading = context;
    struct target *target = &reading->query->targets[reading->query->target_count];
    struct error error = {0};
    if (target_parse(part, target, &error) < 0) {
        reply_problem(reading->reply, 422, "bad_target", "%.64s: %s", part, error.text);
        return false;
    }
    reading->query->target_count++;
    return series_resolve(reading->request, target, reading->reply);
}

/* Says which there are. */
static void series_unknown_metric(struct reply *reply, const char *name)
{
    char known[512] = "";
    size_t used = 0;
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        if (!metric_is_stored(metric))
            continue;
        if (used > 0)
            used += text_copy(known + used, sizeof(known) - used, ", ");
        used += text_copy(known + used, sizeof(known) - used, metric_info(metric)->name);
    }
    reply_problem(reply, 422, "bad_query", "%.64s is not a metric; there are %s", name, known);
}

static bool series_take_metric(const char *part, void *context)
{
    struct series_reading *reading = context;
    enum metric *metric = &reading->query->metrics[reading->query->metric_count];
    if (metric_find(part, metric) < 0) {
        series_unknown_metric(reading->reply, part);
        return false;
    }
    if (!metric_is_stored(*metric)) {
        reply_problem(reading->reply, 422, "bad_query",
                      "%.64s has no history: it is of the control group (/api/v1/cgroups)", part);
        return false;
    }
    reading->query->metric_count++;
    return true;
}

static bool series_read_names(struct series_reading *reading)
{
    const char *targets = query_text(reading->request, "target");
    const char *metrics = query_text(reading->request, "metric");
    if (!targets || !metrics) {
        reply_problem(reading->reply, 422, "bad_query", "target and metric are needed");
        return false;
    }
    return series_split(targets, SERIES_TARGETS_LIMIT, "target", reading->reply, series_take_target,
                        reading) &&
           series_split(metrics, SERIES_METRICS_LIMIT, "metric", reading->reply, series_take_metric,
                        reading);
}

static bool series_read_points(const struct request *request, struct reply *reply,
                               size_t *ret_points)
{
    const char *text = query_text(request, "points");
    uint64_t points = HTTP_SERIES_POINTS;
    if (text && (text_parse_u64(text, &points) < 0 || points < 1 || points > SERIES_POINTS_LIMIT)) {
        reply_problem(reply, 422, "bad_query", "points must be 1 to %d, not %.32s",
                      SERIES_POINTS_LIMIT, text);
        return false;
    }
    *ret_points = (size_t)points;
    return true;
}

static bool series_read_shape(struct series_reading *reading)
{
    const struct request *request = reading->request;
    struct series_query *query = reading->query;
    if (!query_range(request, HTTP_HISTORY_USEC, reading->reply, &query->from_wall_usec,
                     &query->to_wall_usec) ||
        !series_read_points(request, reading->reply, &query->points))
        return false;
    const char *text = query_text(request, "agg");
    if (!text || series_aggregate_find(text, &query->aggregate) == 0)
        return true;
    reply_problem(reading->reply, 422, "bad_query",
                  "agg must be avg, min, max, last or range, not %.32s", text);
    return false;
}

void api_series_get(struct request *request, struct reply *reply)
{
    static const char *const names[] = {"target", "metric", "from", "to", "points", "agg", NULL};
    struct series_query query = {0};
    struct series_reading reading = {.request = request, .query = &query, .reply = reply};
    if (!query_check(request, names, reply) || !request_has_snapshot(request, reply) ||
        !series_read_shape(&reading) || !series_read_names(&reading))
        return;
    struct command *command = request_command(request, COMMAND_SERIES, reply);
    if (!command)
        return;
    command->series = query;
    request->command = command;
}

/* Series by series: all points of a large answer at once would be tens of megabytes of heap. */
void api_series_answer(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    const struct series_result *result = &command->series_result;
    struct buffer *body = &reply->body;
    json_t *step = json_real(result->step_seconds);
    reply->status = 200;
    reply->content_type = "application/json";
    int r = buffer_append_text(body, "{\"step_seconds\":");
    r |= sheet_dump(body, step);
    r |= buffer_append_text(body, ",\"series\":[");
    json_decref(step);
    for (size_t i = 0; i < result->count && r == 0; i++) {
        json_t *series = render_series(&result->series[i], command->series.aggregate);
        if (i > 0)
            r |= buffer_append_text(body, ",");
        r |= sheet_dump(body, series);
        json_decref(series);
    }
    r |= buffer_append_text(body, "]}");
    if (r != 0)
        reply_no_memory(reply);
}
