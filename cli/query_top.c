/* SPDX-License-Identifier: MIT */
/*
 * `memtend query top`: the largest processes of a time, those that are gone among them.
 */
#include "csv.h"
#include "query.h"
#include "range.h"
#include "say.h"
#include "show.h"
#include "table.h"
#include "verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define QUERY_TOP_DEFAULT 10
#define QUERY_TOP_MOST    1000

static void add_process(struct table *table, json_t *process)
{
    char time[SHOW_TIME_SIZE], text[SHOW_VALUE_SIZE];
    const char *name = member_text(process, "name"), *cmdline = member_text(process, "cmdline");
    enum colour colour = member_flag(process, "ended") ? COLOUR_DIM : COLOUR_NONE;
    table_add(table, colour, "%s", member_id(process, "id"));
    table_add(table, colour, "%s", show_bytes(process, "peak_bytes", text));
    table_add(table, colour, "%s", show_bytes(process, "average_bytes", text));
    table_add(table, colour, "%s", show_time(process, "first_seen", time));
    table_add(table, colour, "%s", show_time(process, "last_seen", time));
    table_add(table, colour, "%s", member_flag(process, "ended") ? "ended" : "");
    table_add(table, colour, "%s%s%s", name, *name ? ": " : "",
              *cmdline ? cmdline : member_text(process, "comm"));
}

static void print_processes(json_t *items)
{
    static const struct table_column columns[] = {
        {"ID", false},        {"PEAK", true}, {"AVERAGE", true}, {"FIRST SEEN", false},
        {"LAST SEEN", false}, {"", false},    {"COMMAND", false}};
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(items); i++)
        add_process(&table, json_array_get(items, i));
    table_print(&table);
    table_finish(&table);
    if (json_array_size(items) == 0)
        say("nothing is known of that time");
}

static void print_number(json_t *object, const char *key)
{
    int64_t value;
    putchar(',');
    if (member_integer(object, key, &value))
        printf("%" PRId64, value);
}

static void print_csv(json_t *items)
{
    static const char *const numbers[] = {"pid", "peak_bytes", "average_bytes"};
    static const char *const texts[] = {"first_seen", "last_seen", "comm",
                                        "name",       "unit",      "cmdline"};
    puts("id,pid,peak_bytes,average_bytes,first_seen,last_seen,comm,name,unit,cmdline,ended");
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *process = json_array_get(items, i);
        csv_print(member_id(process, "id"));
        for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
            print_number(process, numbers[k]);
        for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
            putchar(',');
            csv_print(member_text(process, texts[k]));
        }
        printf(",%s\n", member_flag(process, "ended") ? "true" : "false");
    }
}

static int build(const struct invocation *invocation, struct request *request)
{
    const char *aggregate = invocation->option[OPTION_AGG];
    uint64_t limit;
    struct range range;
    if (aggregate && strcmp(aggregate, "max") != 0 && strcmp(aggregate, "avg") != 0) {
        say("query top: --agg takes max (default) or avg, not %s", aggregate);
        return -1;
    }
    if (options_number(invocation, OPTION_LIMIT, 1, QUERY_TOP_MOST, QUERY_TOP_DEFAULT, &limit) <
            0 ||
        range_read(invocation, QUERY_SINCE_DEFAULT_USEC, &range) < 0)
        return -1;
    if (invocation->operand_count > 1)
        request_query(request, "metric", invocation->operands[1]);
    if (aggregate)
        request_query(request, "order", strcmp(aggregate, "avg") == 0 ? "average" : "peak");
    request_query_number(request, "limit", limit);
    range_query(&range, request);
    return 0;
}

static void print(const struct invocation *invocation, json_t *body)
{
    json_t *items = member_array(body, "items");
    if (invocation->option[OPTION_JSON])
        show_json(body, false);
    else if (invocation->option[OPTION_CSV])
        print_csv(items);
    else
        print_processes(items);
}

enum exit_code query_top_main(const struct invocation *invocation)
{
    struct client client = {0};
    struct request request;
    struct answer answer = {0};
    enum exit_code code = EXIT_CODE_USAGE;
    request_init(&request, "GET", "/api/v1/top");
    if (build(invocation, &request) == 0) {
        code = client_open(invocation, &client);
        if (code == EXIT_CODE_OK)
            code = client_ask(&client, &request, &answer);
        if (code == EXIT_CODE_OK)
            print(invocation, answer.body);
    }
    request_finish(&request);
    answer_finish(&answer);
    client_finish(&client);
    return code;
}
