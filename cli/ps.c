/* SPDX-License-Identifier: MIT */
/*
 * `memtend ps`: from the daemon, else from /proc. Both give the same JSON, so there is one way to
 * print it.
 */
#include "base/cleanup.h"
#include "client.h"
#include "local.h"
#include "ps_groups.h"
#include "say.h"
#include "show.h"
#include "table.h"
#include "verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PS_LIMIT_DEFAULT 100 /* when stdout is no terminal */
#define PS_LIMIT_MAX     1000
#define PS_LINES_AROUND  4 /* heading, prompt, messages */

struct ps_query {
    const char *text;
    enum metric sort;
    uint64_t limit;
};

static int parse(const struct invocation *invocation, struct ps_query *ret_query)
{
    const char *sort = invocation->option[OPTION_SORT];
    struct ps_query query = {.text = invocation->option[OPTION_QUERY], .sort = METRIC_RSS};
    size_t lines = show_lines();
    uint64_t fallback = lines > PS_LINES_AROUND ? lines - PS_LINES_AROUND : PS_LIMIT_DEFAULT;
    if (fallback > PS_LIMIT_MAX || invocation->option[OPTION_JSON])
        fallback = PS_LIMIT_DEFAULT;
    if (sort && (metric_find(sort, &query.sort) < 0 ||
                 metric_info(query.sort)->scope != METRIC_SCOPE_PROCESS)) {
        say("--sort: %s is not a metric of a process", sort);
        say_try("rss, pss, uss, swap, anon, cpu or age");
        return -1;
    }
    if (options_number(invocation, OPTION_LIMIT, 1, PS_LIMIT_MAX, fallback, &query.limit) < 0)
        return -1;
    *ret_query = query;
    return 0;
}

/* "NAME: COMMAND LINE", or what there is of it. */
static void add_command(struct table *table, json_t *process)
{
    const char *name = member_text(process, "name");
    const char *cmdline = member_text(process, "cmdline");
    if (!*cmdline)
        cmdline = member_text(process, "comm");
    table_add(table, COLOUR_NONE, "%s%s%s", name, *name ? ": " : "", cmdline);
}

/* Bytes, or in one word why there are none. */
static const char *show_deep(json_t *process, const char *key, const char *absence_key,
                             char ret_text[static SHOW_VALUE_SIZE])
{
    static const struct {
        const char *absence, *word;
    } words[] = {{"too_dear", "dear"}, {"denied", "denied"}, {"unreadable", "hung"}};
    const char *absence = member_text(process, absence_key);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(absence, words[i].absence) == 0)
            return words[i].word;
    return show_bytes(process, key, ret_text);
}

static void print_table(json_t *items)
{
    static const struct table_column columns[] = {
        {"PID", true},      {"RSS", true},  {"PSS", true}, {"USS", true},     {"LIMIT", true},
        {"HEADROOM", true}, {"%CPU", true}, {"AGE", true}, {"COMMAND", false}};
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *process = json_array_get(items, i);
        char text[SHOW_VALUE_SIZE];
        table_add(&table, COLOUR_NONE, "%s", show_count(process, "pid", text));
        table_add(&table, COLOUR_NONE, "%s", show_bytes(process, "rss_bytes", text));
        table_add(&table, COLOUR_NONE, "%s", show_deep(process, "pss_bytes", "pss_absent", text));
        table_add(&table, COLOUR_NONE, "%s", show_deep(process, "uss_bytes", "uss_absent", text));
        table_add(&table, COLOUR_NONE, "%s", show_bytes(process, "limit_bytes", text));
        table_add(&table, COLOUR_NONE, "%s", show_bytes(process, "headroom_bytes", text));
        table_add(&table, COLOUR_NONE, "%s", show_percent(process, "cpu_percent", text));
        table_add(&table, COLOUR_NONE, "%s", show_seconds(process, "age_seconds", text));
        add_command(&table, process);
    }
    table_print(&table);
    table_finish(&table);
}

static void say_gaps(const struct local_gaps *gaps)
{
    if (gaps->denied > 0) {
        say("PSS and USS of %zu of them may be read only by their own user or with CAP_SYS_PTRACE",
            gaps->denied);
        say_try("%s", geteuid() == 0 ? "again outside the container, or with --cap-add SYS_PTRACE"
                                     : "sudo memtend ps --local");
    }
    if (gaps->too_large > 0)
        say("PSS and USS of %zu of them were not read: reading them would stop large processes for "
            "too long",
            gaps->too_large);
    if (gaps->cut)
        say("there are more processes than were looked at");
}

static enum exit_code ps_local(const struct invocation *invocation, const struct ps_query *query)
{
    struct local_query local = {
        .text = query->text, .sort = query->sort, .limit = query->limit, .deep = true};
    struct local_gaps gaps;
    json_t *items;
    enum metric_source source = metric_info(query->sort)->source;
    if (source == METRIC_SOURCE_AGENT || source == METRIC_SOURCE_POOLS) {
        say("%s comes from the %s, by the daemon only", metric_info(query->sort)->name,
            source == METRIC_SOURCE_AGENT ? "in-process agent" : "scan of its memory");
        return EXIT_CODE_NO_DAEMON;
    }
    int r = local_processes(&local, &items, &gaps);
    if (r < 0) {
        say("cannot read /proc: %s", strerror(-r));
        return EXIT_CODE_FAILED;
    }
    if (invocation->option[OPTION_JSON]) {
        json_t *list = say_no_memory(json_pack("{s:O, s:n}", "items", items, "next_cursor"));
        show_json(list, false);
        json_decref(list);
    } else {
        print_table(items);
    }
    fflush(stdout);
    say_gaps(&gaps);
    json_decref(items);
    return EXIT_CODE_OK;
}

/* The daemon knows why it does not see something; it is asked only when something is missing. */
static void say_missing(struct client *client, json_t *items)
{
    size_t absent = 0;
    double value;
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *process = json_array_get(items, i);
        absent += !member_number(process, "pss_bytes", &value);
    }
    if (absent == 0)
        return;
    struct answer answer = {0};
    bool known = client_get(client, "/api/v1/status", &answer) == EXIT_CODE_OK;
    json_t *missing = member_array(answer.body, "missing");
    if (known && json_array_size(missing) > 0)
        for (size_t i = 0; i < json_array_size(missing); i++)
            say("%s", item_text(missing, i));
    else
        say("PSS and USS of %zu of them are not measured yet", absent);
    answer_finish(&answer);
}

static enum exit_code ps_daemon(const struct invocation *invocation, struct client *client,
                                const struct ps_query *query)
{
    struct request request;
    struct answer answer = {0};
    request_init(&request, "GET", "/api/v1/processes");
    request_query(&request, "sort", metric_info(query->sort)->name);
    request_query_number(&request, "limit", query->limit);
    if (query->text)
        request_query(&request, "q", query->text);
    enum exit_code code = client_ask(client, &request, &answer);
    if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON])
        show_json(answer.body, false);
    else if (code == EXIT_CODE_OK)
        print_table(member_array(answer.body, "items"));
    fflush(stdout);
    if (code == EXIT_CODE_OK)
        say_missing(client, member_array(answer.body, "items"));
    request_finish(&request);
    answer_finish(&answer);
    return code;
}

enum exit_code ps_main(const struct invocation *invocation)
{
    struct ps_query query;
    struct client client = {0};
    if (invocation->option[OPTION_GROUPS])
        return ps_groups(invocation);
    if (parse(invocation, &query) < 0)
        return EXIT_CODE_USAGE;
    if (invocation->option[OPTION_LOCAL])
        return ps_local(invocation, &query);
    enum exit_code code = client_open_quietly(invocation, &client);
    if (code == EXIT_CODE_USAGE)
        return client_open(invocation, &client); /* says what is wrong with the directory */
    if (code == EXIT_CODE_OK) {
        say("from the daemon at %s", client.socket);
        code = ps_daemon(invocation, &client, &query);
        client_finish(&client);
        if (code != EXIT_CODE_NO_DAEMON && code != EXIT_CODE_TIMEOUT)
            return code;
    } else if (code == EXIT_CODE_PERMISSION) {
        say("you may not use the daemon's socket");
        say_try("sudo memtend ps, or join the group memtend");
    }
    say("no daemon: read from /proc by this command; %%CPU is since each process started");
    return ps_local(invocation, &query);
}
