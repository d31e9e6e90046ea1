/* SPDX-License-Identifier: MIT */
/*
 * `memtend query`: history. A line per series with its shape, or every point as CSV.
 */
#include "base/clock.h"
#include "client.h"
#include "model/metric.h"
#include "model/series.h"
#include "say.h"
#include "show.h"
#include "table.h"
#include "verb.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_SINCE_DEFAULT  3600
#define QUERY_POINTS_DEFAULT 60
#define QUERY_SPARKS         40 /* characters of the shape */

struct point {
    int64_t wall_msec;
    bool gap;
    double value, max; /* max = value unless agg is range */
};

/* What a series comes to. */
struct summary {
    size_t count; /* known points */
    double first, least, greatest, last;
    char sparks[QUERY_SPARKS * 3 + 1]; /* three bytes each */
};

/* false: not a point. */
static bool point_read(json_t *item, struct point *ret_point)
{
    json_t *time = json_array_get(item, 0), *value = json_array_get(item, 1);
    json_t *max = json_array_get(item, 2);
    if (!json_is_number(time) || fabs(json_number_value(time)) > 0x1p62)
        return false;
    *ret_point = (struct point){.wall_msec = (int64_t)json_number_value(time),
                                .gap = !json_is_number(value) && !json_is_boolean(value),
                                .value = json_is_boolean(value) ? json_is_true(value)
                                                                : json_number_value(value)};
    ret_point->max = json_is_number(max) ? json_number_value(max) : ret_point->value;
    return isfinite(ret_point->value) && isfinite(ret_point->max);
}

static void summary_values(json_t *points, struct summary *summary)
{
    for (size_t i = 0; i < json_array_size(points); i++) {
        json_t *item = json_array_get(points, i);
        struct point point;
        if (!point_read(item, &point) || point.gap)
            continue;
        if (summary->count++ == 0) {
            summary->first = summary->least = point.value;
            summary->greatest = point.max;
        }
        summary->least = point.value < summary->least ? point.value : summary->least;
        summary->greatest = point.max > summary->greatest ? point.max : summary->greatest;
        summary->last = point.max;
    }
}

/* The greatest of the points behind each character, as one of eight heights; a gap is a blank. */
static void summary_sparks(json_t *points, struct summary *summary)
{
    static const char *const blocks[] = {"\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};
    size_t count = json_array_size(points), used = 0;
    size_t sparks = count < QUERY_SPARKS ? count : QUERY_SPARKS;
    double span = summary->greatest - summary->least;
    for (size_t i = 0; i < sparks; i++) {
        bool known = false;
        double greatest = 0;
        for (size_t k = i * count / sparks; k < (i + 1) * count / sparks; k++) {
            struct point point;
            if (!point_read(json_array_get(points, k), &point) || point.gap)
                continue;
            greatest = !known || point.max > greatest ? point.max : greatest;
            known = true;
        }
        double height = span > 0 ? (greatest - summary->least) / span * 7 : 0;
        const char *block = known ? blocks[(size_t)(height < 0   ? 0
                                                    : height > 7 ? 7
                                                                 : height)]
                                  : " ";
        used += text_copy(summary->sparks + used, sizeof(summary->sparks) - used, block);
    }
}

/* By the unit of the metric, which its JSON name says. */
static void format_value(const char *name, double value, char ret_text[static SHOW_VALUE_SIZE])
{
    enum metric metric;
    enum metric_unit unit =
        metric_find(name, &metric) < 0 ? METRIC_UNIT_COUNT : metric_info(metric)->unit;
    if (unit == METRIC_UNIT_BYTES && fabs(value) < 0x1p62)
        text_format_bytes((int64_t)value, ret_text);
    else if (unit == METRIC_UNIT_USEC)
        duration_format(value, ret_text);
    else if (unit == METRIC_UNIT_PERMYRIAD)
        snprintf(ret_text, SHOW_VALUE_SIZE, "%.1f %%", value);
    else
        snprintf(ret_text, SHOW_VALUE_SIZE, "%.10g", value);
}

static void add_series(struct table *table, json_t *series)
{
    struct summary summary = {0};
    json_t *points = member_array(series, "points");
    const char *name = member_text(series, "metric");
    summary_values(points, &summary);
    summary_sparks(points, &summary);
    const double values[] = {summary.first, summary.least, summary.greatest, summary.last};
    table_add(table, COLOUR_NONE, "%s", member_text(series, "target"));
    table_add(table, COLOUR_NONE, "%s", name);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[SHOW_VALUE_SIZE] = "-";
        if (summary.count > 0)
            format_value(name, values[i], text);
        table_add(table, COLOUR_NONE, "%s", text);
    }
    table_add(table, COLOUR_NONE, "%s", summary.sparks);
}

static void print_table(json_t *list)
{
    static const struct table_column columns[] = {
        {"TARGET", false},  {"METRIC", false}, {"FIRST", true},  {"LEAST", true},
        {"GREATEST", true}, {"LAST", true},    {"SHAPE", false},
    };
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *series = json_array_get(list, i);
        add_series(&table, series);
    }
    table_print(&table);
    table_finish(&table);
    if (json_array_size(list) == 0)
        say("nothing is known of that in this time");
}

/* RFC 4180: quoted when it has to be. Texts are clean, so there is no newline inside. */
static void print_field(const char *text)
{
    if (!strpbrk(text, ",\"")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void print_csv_series(json_t *series, bool range)
{
    for (size_t i = 0; i < json_array_size(member_array(series, "points")); i++) {
        json_t *item = json_array_get(member_array(series, "points"), i);
        struct point point;
        char time[CLOCK_RFC3339_SIZE];
        if (!point_read(item, &point) || point.wall_msec < 0)
            continue;
        clock_format_rfc3339((uint64_t)point.wall_msec * USEC_PER_MSEC, time);
        printf("%s,", time);
        print_field(member_text(series, "target"));
        putchar(',');
        print_field(member_text(series, "metric"));
        if (point.gap)
            fputs(range ? ",," : ",", stdout);
        else if (range)
            printf(",%.15g,%.15g", point.value, point.max);
        else
            printf(",%.15g", point.value);
        putchar('\n');
    }
}

static void print_csv(const struct invocation *invocation, json_t *list)
{
    const char *aggregate = invocation->option[OPTION_AGG];
    bool range = aggregate && strcmp(aggregate, "range") == 0;
    printf("time,target,metric,%s\n", range ? "min,max" : "value");
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *series = json_array_get(list, i);
        print_csv_series(series, range);
    }
}

/* Metrics are checked here, where a typing error can still be guessed. */
static int check_metrics(const char *names)
{
    char *copy = say_no_memory(strdup(names)), *rest = copy, *name;
    int r = 0;
    while (r == 0 && (name = strsep(&rest, ","))) {
        enum metric metric;
        r = metric_find(name, &metric);
        if (r == 0)
            continue;
        say("%s is not a metric", name);
        for (metric = 0; metric < METRIC_COUNT; metric++)
            if (text_distance(name, metric_info(metric)->name, 2) <= 2)
                say_try("%s   %s", metric_info(metric)->name, metric_info(metric)->help);
    }
    free(copy);
    return r;
}

static int check(const struct invocation *invocation, uint64_t *ret_seconds, uint64_t *ret_points)
{
    const char *aggregate = invocation->option[OPTION_AGG];
    enum series_aggregate found;
    if (aggregate && series_aggregate_find(aggregate, &found) < 0) {
        say("--agg takes avg, min, max, last or range, not %s", aggregate);
        return -1;
    }
    if (invocation->option[OPTION_CSV] && invocation->option[OPTION_JSON]) {
        say("--csv and --json exclude each other");
        return -1;
    }
    if (check_metrics(invocation->operands[1]) < 0)
        return -1;
    if (options_duration(invocation, OPTION_SINCE, QUERY_SINCE_DEFAULT, ret_seconds) < 0)
        return -1;
    return options_number(invocation, OPTION_POINTS, 1, SERIES_POINTS_LIMIT, QUERY_POINTS_DEFAULT,
                          ret_points);
}

static void build(const struct invocation *invocation, uint64_t seconds, uint64_t points,
                  struct request *request)
{
    char from[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(clock_wall_usec() - seconds * USEC_PER_SEC, from);
    request_init(request, "GET", "/api/v1/series");
    request_query(request, "target", invocation->operands[0]);
    request_query(request, "metric", invocation->operands[1]);
    request_query(request, "from", from);
    request_query_number(request, "points", points);
    if (invocation->option[OPTION_AGG])
        request_query(request, "agg", invocation->option[OPTION_AGG]);
}

enum exit_code query_main(const struct invocation *invocation)
{
    struct client client = {0};
    struct request request;
    struct answer answer = {0};
    uint64_t seconds, points;
    if (check(invocation, &seconds, &points) < 0)
        return EXIT_CODE_USAGE;
    enum exit_code code = client_open(invocation, &client);
    if (code != EXIT_CODE_OK)
        return code;
    build(invocation, seconds, points, &request);
    code = client_ask(&client, &request, &answer);
    if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON])
        show_json(answer.body, false);
    else if (code == EXIT_CODE_OK && invocation->option[OPTION_CSV])
        print_csv(invocation, member_array(answer.body, "series"));
    else if (code == EXIT_CODE_OK)
        print_table(member_array(answer.body, "series"));
    request_finish(&request);
    answer_finish(&answer);
    client_finish(&client);
    return code;
}
