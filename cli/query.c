/* SPDX-License-Identifier: MIT */
/*
 * `memtend query`: history. Series here; query_top.c and query_around.c for its two words.
 */
#include "query.h"

#include "base/clock.h"
#include "base/quantity.h"
#include "model/metric.h"
#include "model/series.h"
#include "say.h"
#include "show.h"
#include "verb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_SINCE_DEFAULT (3600 * USEC_PER_SEC)

/* "2h" ago, or a time. */
static int query_time(const struct invocation *invocation, enum option_id id, uint64_t now_usec,
                      uint64_t fallback_usec, uint64_t *ret_wall_usec)
{
    const char *given = invocation->option[id];
    int64_t ago;
    uint64_t wall = now_usec - fallback_usec;
    int r = 0;
    if (given && strchr(given, 'T'))
        r = clock_parse_rfc3339(given, &wall);
    else if (given) {
        r = quantity_parse(given, QUANTITY_USEC, &ago, NULL);
        if (r == 0 && (ago < 0 || (uint64_t)ago > now_usec))
            r = -EINVAL;
        if (r == 0)
            wall = now_usec - (uint64_t)ago;
    }
    if (r < 0) {
        say("--%s takes a duration like 30s, 5m, 2h or 1d, or a time like 2026-11-22T10:41:18Z, "
            "not %s",
            option_info(id)->name, given);
        say_try("memtend query --help");
        return -EINVAL;
    }
    *ret_wall_usec = wall;
    return 0;
}

int query_range(const struct invocation *invocation, struct request *request)
{
    uint64_t now = clock_wall_usec(), from = 0, to = now;
    char text[CLOCK_RFC3339_SIZE];
    int r = query_time(invocation, OPTION_SINCE, now, QUERY_SINCE_DEFAULT, &from);
    if (r == 0)
        r = query_time(invocation, OPTION_UNTIL, now, 0, &to);
    if (r < 0)
        return r;
    if (from >= to) {
        say("--since must be before --until");
        say_try("memtend query ... --since 2h --until 1h");
        return -EINVAL;
    }
    clock_format_rfc3339(from, text);
    request_query(request, "from", text);
    if (!invocation->option[OPTION_UNTIL])
        return 0;
    clock_format_rfc3339(to, text);
    request_query(request, "to", text);
    return 0;
}

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
int query_check_metrics(const char *names)
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

void query_print(const struct invocation *invocation, json_t *body)
{
    const char *aggregate = invocation->option[OPTION_AGG];
    json_t *list = member_array(body, "series");
    if (invocation->option[OPTION_JSON])
        show_json(body, false);
    else if (invocation->option[OPTION_CSV])
        query_print_csv(list, aggregate && strcmp(aggregate, "range") == 0);
    else
        query_print_table(list);
}

static int query_build(const struct invocation *invocation, struct request *request)
{
    uint64_t points;
    request_query(request, "target", invocation->operands[0]);
    request_query(request, "metric", invocation->operands[1]);
    int r = query_range(invocation, request);
    if (r == 0)
        r = options_number(invocation, OPTION_POINTS, 1, SERIES_POINTS_LIMIT, QUERY_POINTS_DEFAULT,
                           &points);
    if (r < 0)
        return r;
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
