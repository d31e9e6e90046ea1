/* SPDX-License-Identifier: MIT */
#include "ps_groups.h"

#include "client.h"
#include "model/group.h"
#include "say.h"
#include "show.h"
#include "table.h"

#include <string.h>

#define PS_GROUPS_LIMIT_DEFAULT 100
#define PS_GROUPS_LIMIT_MAX     1000

static const char *check_sort(const struct invocation *invocation)
{
    const char *sort = invocation->option[OPTION_SORT];
    enum group_figure figure;
    if (!sort)
        return "rss";
    if (strcmp(sort, "name") == 0 || group_figure_find(sort, &figure) == 0)
        return sort;
    say("--sort: %s is not a number of a group", sort);
    say_try("rss, pss, uss, swap, cow_loss, peak_rss, limit, headroom, members, came or name");
    return NULL;
}

/* A sum over fewer members than there are is marked: the rest is not known. */
static void add_sum(struct table *table, json_t *group, const char *key, const char *counted)
{
    char text[SHOW_VALUE_SIZE];
    double members = 0, known = 0;
    member_number(group, "members", &members);
    member_number(group, counted, &known);
    table_add(table, COLOUR_NONE, "%s%s", show_bytes(group, key, text),
              known > 0 && known < members ? "+" : "");
}

static void print_table(json_t *items)
{
    static const struct table_column columns[] = {
        {"PROCS", true}, {"CAME", true},     {"RSS", true},   {"PSS", true},
        {"USS", true},   {"SWAP", true},     {"COW", true},   {"PEAK RSS", true},
        {"LIMIT", true}, {"HEADROOM", true}, {"KIND", false}, {"GROUP", false}};
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *group = json_array_get(items, i);
        char text[SHOW_VALUE_SIZE];
        table_add(&table, COLOUR_NONE, "%s", show_count(group, "members", text));
        table_add(&table, COLOUR_NONE, "%s", show_count(group, "came", text));
        table_add(&table, COLOUR_NONE, "%s", show_bytes(group, "rss_bytes", text));
        add_sum(&table, group, "pss_bytes", "pss_members");
        add_sum(&table, group, "uss_bytes", "uss_members");
        add_sum(&table, group, "swap_bytes", "swap_members");
        table_add(&table, COLOUR_NONE, "%s", show_bytes(group, "cow_loss_bytes", text));
        table_add(&table, COLOUR_NONE, "%s", show_bytes(group, "peak_rss_bytes", text));
        table_add(&table, COLOUR_NONE, "%s", show_bytes(group, "limit_bytes", text));
        table_add(&table, COLOUR_NONE, "%s", show_bytes(group, "headroom_bytes", text));
        table_add(&table, COLOUR_NONE, "%s", member_text(group, "kind"));
        table_add(&table, COLOUR_NONE, "%s", member_text(group, "name"));
    }
    table_print(&table);
    table_finish(&table);
}

enum exit_code ps_groups(const struct invocation *invocation)
{
    const char *sort = check_sort(invocation);
    struct client client = {0};
    struct answer answer = {0};
    struct request request;
    uint64_t limit;
    if (!sort || options_number(invocation, OPTION_LIMIT, 1, PS_GROUPS_LIMIT_MAX,
                                PS_GROUPS_LIMIT_DEFAULT, &limit) < 0)
        return EXIT_CODE_USAGE;
    if (invocation->option[OPTION_LOCAL]) {
        say("--groups needs the daemon: it has seen who came and went; leave --local out");
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = client_open(invocation, &client);
    if (code != EXIT_CODE_OK)
        return code;
    request_init(&request, "GET", "/api/v1/groups");
    request_query(&request, "sort", sort);
    request_query_number(&request, "limit", limit);
    if (invocation->option[OPTION_QUERY])
        request_query(&request, "q", invocation->option[OPTION_QUERY]);
    code = client_ask(&client, &request, &answer);
    if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON])
        show_json(answer.body, false);
    else if (code == EXIT_CODE_OK)
        print_table(member_array(answer.body, "items"));
    request_finish(&request);
    answer_finish(&answer);
    client_finish(&client);
    return code;
}
