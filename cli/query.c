/* SPDX-License-Identifier: MIT */
/*
 * `memtend query`: history. Series here; query_top.c and query_around.c for its two words.
 */
#include "query.h"

#include "base/text.h"
#include "model/metric.h"
#include "model/series.h"
#include "range.h"
#include "say.h"
#include "verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void query_say_metrics(const char *name)
{
    char known[512] = "";
    size_t used = 0;
    say("%s is not a metric with a history", name);
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        const char *other = metric_info(metric)->name;
        if (!metric_is_stored(metric))
            continue;
        if (text_distance(name, other, 2) <= 2)
            say_try("%s   %s", other, metric_info(metric)->help);
        used += text_copy(known + used, sizeof(known) - used, " ");
        used += text_copy(known + used, sizeof(known) - used, other);
    }
    say_plain("  there are:%s", known);
}

/* Here, where a typing error can still be guessed. */
static int query_check_metrics(const char *names)
{
    char *copy = say_no_memory(strdup(names)), *rest = copy, *name;
    int r = 0;
    while (r == 0 && (name = strsep(&rest, ","))) {
        enum metric metric;
        r = metric_find(name, &metric) < 0 || !metric_is_stored(metric) ? -EINVAL : 0;
        if (r < 0)
            query_say_metrics(name);
    }
    free(copy);
    return r;
}

static int query_check(const struct invocation *invocation)
{
    const char *aggregate = invocation->option[OPTION_AGG];
    enum series_aggregate found;
    if (aggregate && series_aggregate_find(aggregate, &found) < 0) {
        say("--agg takes avg, min, max, last or range, not %s", aggregate);
        return -EINVAL;
    }
    if (invocation->option[OPTION_CSV] && invocation->option[OPTION_JSON]) {
        say("--csv and --json exclude each other");
        return -EINVAL;
    }
    return 0;
}

static int query_build(const struct invocation *invocation, struct request *request)
{
    uint64_t points;
    struct range range;
    request_query(request, "target", invocation->operands[0]);
    request_query(request, "metric", invocation->operands[1]);
    if (range_read(invocation, QUERY_SINCE_DEFAULT_USEC, &range) < 0 ||
        options_number(invocation, OPTION_POINTS, 1, SERIES_POINTS_LIMIT, QUERY_POINTS_DEFAULT,
                       &points) < 0)
        return -EINVAL;
    range_query(&range, request);
    request_query_number(request, "points", points);
    if (invocation->option[OPTION_AGG])
        request_query(request, "agg", invocation->option[OPTION_AGG]);
    return 0;
}

static enum exit_code query_series(const struct invocation *invocation)
{
    struct client client = {0};
    struct request request;
    struct answer answer = {0};
    enum exit_code code = EXIT_CODE_USAGE;
    if (query_check_metrics(invocation->operands[1]) < 0)
        return code;
    request_init(&request, "GET", "/api/v1/series");
    if (query_build(invocation, &request) == 0) {
        code = client_open(invocation, &client);
        if (code == EXIT_CODE_OK)
            code = client_ask(&client, &request, &answer);
        if (code == EXIT_CODE_OK)
            query_print(invocation, answer.body);
    }
    request_finish(&request);
    answer_finish(&answer);
    client_finish(&client);
    return code;
}

enum exit_code query_main(const struct invocation *invocation)
{
    const char *first = invocation->operands[0];
    if (query_check(invocation) < 0)
        return EXIT_CODE_USAGE;
    if (strcmp(first, "top") == 0)
        return query_top_main(invocation);
    if (strcmp(first, "around") == 0)
        return query_around_main(invocation);
    if (invocation->operand_count == 2)
        return query_series(invocation);
    say("which metric of %s?", first);
    say_try("memtend query %s rss", first);
    return EXIT_CODE_USAGE;
}
