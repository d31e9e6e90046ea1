/* SPDX-License-Identifier: MIT */
/*
 * The largest processes of a time, those that are gone among them.
 */
#include "http/api.h"
#include "http/query.h"
#include "http/render.h"
#include "http/sheet.h"

#include <string.h>

static bool top_read_by(const struct request *request, struct reply *reply, enum top_by *ret_by)
{
    static const enum top_by ways[2][2] = {{TOP_PEAK_RSS, TOP_MEAN_RSS},
                                           {TOP_PEAK_PSS, TOP_MEAN_PSS}};
    const char *name = query_text(request, "metric"), *order = query_text(request, "order");
    enum metric metric = METRIC_RSS;
    if (name && (metric_find(name, &metric) < 0 || (metric != METRIC_RSS && metric != METRIC_PSS)))
        reply_problem(reply, 422, "bad_query", "metric must be rss or pss, not %.64s", name);
    else if (order && strcmp(order, "peak") != 0 && strcmp(order, "average") != 0)
        reply_problem(reply, 422, "bad_query", "order must be peak or average, not %.32s", order);
    else {
        *ret_by = ways[metric == METRIC_PSS][order && order[0] == 'a'];
        return true;
    }
    return false;
}

void api_top_get(struct request *request, struct reply *reply)
{
    static const char *const names[] = {"metric", "order", "from", "to", "limit", NULL};
    struct top_query query = {0};
    if (!query_check(request, names, reply) ||
        !query_range(request, HTTP_HISTORY_USEC, reply, &query.from_wall_usec,
                     &query.to_wall_usec) ||
        !query_limit(request, reply, &query.limit) || !top_read_by(request, reply, &query.by))
        return;
    request->command = request_command(request, COMMAND_TOP, reply);
    if (request->command)
        request->command->top = query;
}

void api_top_answer(struct request *request, const struct command *command, struct reply *reply)
{
    (void)request;
    struct list list;
    list_begin(&list, reply);
    for (size_t i = 0; i < command->top_count; i++)
        list_item(&list, render_top(&command->top_processes[i]));
    list_end(&list, "");
}
