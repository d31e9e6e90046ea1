/* SPDX-License-Identifier: MIT */
/*
 * `memtend query around`: what was when an event happened, or something was done. Of an event that
 * has them the samples that are kept for it, also when retention has taken the others; else series
 * of its process.
 */
#include "base/clock.h"
#include "csv.h"
#include "model/metric.h"
#include "model/series.h"
#include "query.h"
#include "say.h"
#include "show.h"
#include "table.h"
#include "verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* To either side: what led there, and how it grew again. */
#define AROUND_USEC    (300 * USEC_PER_SEC)
#define AROUND_METRICS "rss,pss,uss,swap"

struct around {
    const struct invocation *invocation;
    struct client client;
    const char *id, *metrics;
    uint64_t points;
};

/* ---- the samples of an event ---- */

static void print_kept_sample(json_t *process, json_t *sample)
{
    for (enum metric metric = 0; metric < METRIC_PROCESS_COUNT; metric++) {
        char name[METRIC_JSON_NAME_SIZE];
        double value;
        metric_json_name(metric, name);
        if (!member_number(sample, name, &value))
            continue;
        csv_print(member_text(sample, "time"));
        putchar(',');
        csv_print(member_id(process, "id"));
        printf(",%s,%.15g\n", name, value);
    }
}

static void print_kept_csv(json_t *items)
{
    puts("time,target,metric,value");
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *process = json_array_get(items, i), *samples = member_array(process, "samples");
        for (size_t k = 0; k < json_array_size(samples); k++)
            print_kept_sample(process, json_array_get(samples, k));
    }
}

static void add_kept(struct table *table, json_t *process)
{
    char first[SHOW_VALUE_SIZE] = "-", last[SHOW_VALUE_SIZE] = "-", swap[SHOW_VALUE_SIZE] = "-";
    json_t *samples = member_array(process, "samples");
    size_t count = json_array_size(samples);
    if (count > 0) {
        json_t *newest = json_array_get(samples, count - 1);
        show_bytes(json_array_get(samples, 0), "rss_bytes", first);
        show_bytes(newest, "rss_bytes", last);
        show_bytes(newest, "swap_bytes", swap);
    }
    table_add(table, COLOUR_NONE, "%s", member_id(process, "id"));
    table_add(table, COLOUR_NONE, "%s", first);
    table_add(table, COLOUR_NONE, "%s", last);
    table_add(table, COLOUR_NONE, "%s", swap);
    table_add(table, COLOUR_NONE, "%s", member_flag(process, "victim") ? "victim" : "");
    table_add(table, COLOUR_NONE, "%s", member_text(process, "comm"));
}

static void print_kept(json_t *items)
{
    static const struct table_column columns[] = {{"ID", false},  {"RSS FIRST", true},
                                                  {"LAST", true}, {"SWAP", true},
                                                  {"", false},    {"COMMAND", false}};
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(items); i++)
        add_kept(&table, json_array_get(items, i));
    table_print(&table);
    table_finish(&table);
}

/* ---- series around a time ---- */

static int read_time(json_t *object, const char *key, uint64_t *ret_wall_usec)
{
    const char *text = member_text(object, key);
    return *text ? clock_parse_rfc3339(text, ret_wall_usec) : -1;
}

static enum exit_code print_series(struct around *around, const char *target, uint64_t first_usec,
                                   uint64_t last_usec)
{
    struct request request;
    struct answer answer = {0};
    char text[CLOCK_RFC3339_SIZE];
    request_init(&request, "GET", "/api/v1/series");
    request_query(&request, "target", target);
    request_query(&request, "metric", around->metrics);
    clock_format_rfc3339(first_usec > AROUND_USEC ? first_usec - AROUND_USEC : 0, text);
    request_query(&request, "from", text);
    clock_format_rfc3339(last_usec + AROUND_USEC, text);
    request_query(&request, "to", text);
    request_query_number(&request, "points", around->points);
    if (around->invocation->option[OPTION_AGG])
        request_query(&request, "agg", around->invocation->option[OPTION_AGG]);
    enum exit_code code = client_ask(&around->client, &request, &answer);
    if (code == EXIT_CODE_OK)
        query_print(around->invocation, answer.body);
    request_finish(&request);
    answer_finish(&answer);
    return code;
}

static enum exit_code print_around(struct around *around, json_t *object, const char *target)
{
    uint64_t first, last;
    if (read_time(object, "time", &first) < 0) {
        say("the daemon does not say when that was");
        return EXIT_CODE_FAILED;
    }
    if (read_time(object, "finished_at", &last) < 0 || last < first)
        last = first;
    return print_series(around, *target ? target : "host", first, last);
}

static enum exit_code print_event(struct around *around, json_t *window)
{
    json_t *items = member_array(window, "items"), *event = member_object(window, "event");
    const char *target = member_text(event, "target");
    if (json_array_size(items) == 0) {
        if (!*target)
            around->metrics = "mem.available,swap.free,psi.some.avg10";
        return print_around(around, event, target);
    }
    if (around->invocation->option[OPTION_JSON])
        show_json(window, false);
    else if (around->invocation->option[OPTION_CSV])
        print_kept_csv(items);
    else
        print_kept(items);
    return EXIT_CODE_OK;
}

/* ---- which of the two ---- */

static enum exit_code ask(struct around *around)
{
    bool event = around->id[strspn(around->id, "0123456789")] == '\0';
    struct request request;
    struct answer answer = {0};
    request_init(&request, "GET", event ? "/api/v1/events" : "/api/v1/actions");
    request_segment(&request, around->id);
    if (event)
        request_word(&request, "/window");
    enum exit_code code = client_ask(&around->client, &request, &answer);
    if (code == EXIT_CODE_GONE) {
        say_try(event ? "memtend events" : "memtend receipts");
        code = EXIT_CODE_FAILED; /* no such event is not a target that is gone */
    } else if (code == EXIT_CODE_OK) {
        code = event ? print_event(around, answer.body)
                     : print_around(around, answer.body, member_text(answer.body, "target"));
    }
    request_finish(&request);
    answer_finish(&answer);
    return code;
}

enum exit_code query_around_main(const struct invocation *invocation)
{
    struct around around = {.invocation = invocation, .metrics = AROUND_METRICS};
    if (invocation->operand_count < 2 || !*invocation->operands[1]) {
        say("around which event or receipt?");
        say_try("memtend events, memtend receipts");
        return EXIT_CODE_USAGE;
    }
    around.id = invocation->operands[1];
    if (options_number(invocation, OPTION_POINTS, 1, SERIES_POINTS_LIMIT, QUERY_POINTS_DEFAULT,
                       &around.points) < 0)
        return EXIT_CODE_USAGE;
    enum exit_code code = client_open(invocation, &around.client);
    if (code == EXIT_CODE_OK)
        code = ask(&around);
    client_finish(&around.client);
    return code;
}
