/* SPDX-License-Identifier: MIT */
/*
 * What series look like: a line with the shape of each, or every point.
 */
#include "query.h"

#include "base/clock.h"
#include "csv.h"
#include "model/metric.h"
#include "say.h"
#include "show.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define QUERY_SPARKS 40 /* characters of the shape */

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
        csv_print(member_text(series, "target"));
        putchar(',');
        csv_print(member_text(series, "metric"));
        if (point.gap)
            fputs(range ? ",," : ",", stdout);
        else if (range)
            printf(",%.15g,%.15g", point.value, point.max);
        else
            printf(",%.15g", point.value);
        putchar('\n');
    }
}

static void print_csv(json_t *list, bool range)
{
    printf("time,target,metric,%s\n", range ? "min,max" : "value");
    for (size_t i = 0; i < json_array_size(list); i++)
        print_csv_series(json_array_get(list, i), range);
}

void query_print(const struct invocation *invocation, json_t *body)
{
    const char *aggregate = invocation->option[OPTION_AGG];
    json_t *list = member_array(body, "series");
    if (invocation->option[OPTION_JSON])
        show_json(body, false);
    else if (invocation->option[OPTION_CSV])
        print_csv(list, aggregate && strcmp(aggregate, "range") == 0);
    else
        print_table(list);
}
