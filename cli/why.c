/* SPDX-License-Identifier: MIT */
/*
 * `memtend why`: what holds the memory of one process, of the largest of a unit, or of the host.
 * From the daemon, which knows more, else from /proc by this command.
 */
#include "why.h"

#include "client.h"
#include "local.h"
#include "say.h"
#include "show.h"
#include "verb.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_UNIT_LIMIT 1000

void why_finish(struct why *why)
{
    json_decref(why->process);
    json_decref(why->ledger);
    json_decref(why->verdict);
    *why = (struct why){0};
}

/* ---- which process ---- */

/* "4711", "pid:4711" or "4711-88213". */
static bool parse_process(const char *text, struct process_id *ret_id)
{
    uint64_t pid;
    size_t used;
    if (process_id_parse(text, ret_id) == 0)
        return true;
    if (text_starts_with(text, "pid:"))
        text += strlen("pid:");
    if (text_scan_u64(text, strlen(text), &pid, &used) < 0 || text[used] != '\0' ||
        pid > INT32_MAX || pid == 0)
        return false;
    *ret_id = (struct process_id){.pid = (pid_t)pid};
    return true;
}

/* The largest process of the unit among the items, which are sorted; how many there are. */
static json_t *largest_of(json_t *items, const char *unit, size_t *ret_count, double *ret_rss)
{
    json_t *largest = NULL;
    *ret_count = 0;
    *ret_rss = 0;
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *process = json_array_get(items, i);
        double rss = 0;
        if (strcmp(member_text(process, "unit"), unit) != 0)
            continue;
        member_number(process, "rss_bytes", &rss);
        *ret_rss += rss;
        if ((*ret_count)++ == 0)
            largest = process;
    }
    return largest;
}

static enum exit_code list_processes(struct client *client, const char *unit, json_t **ret_items)
{
    if (!client->curl) {
        struct local_query query = {.text = unit, .sort = METRIC_RSS, .limit = WHY_UNIT_LIMIT};
        struct local_gaps gaps;
        int r = local_processes(&query, ret_items, &gaps);
        if (r < 0)
            say("cannot read /proc: %s", strerror(-r));
        return r < 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
    }
    struct request request;
    struct answer answer = {0};
    request_init(&request, "GET", "/api/v1/processes");
    request_query(&request, "q", unit);
    request_query(&request, "sort", "rss");
    request_query_number(&request, "limit", WHY_UNIT_LIMIT);
    enum exit_code code = client_ask(client, &request, &answer);
    if (code == EXIT_CODE_OK)
        *ret_items = json_incref(member_array(answer.body, "items"));
    request_finish(&request);
    answer_finish(&answer);
    return code;
}

static enum exit_code find_unit(struct client *client, const char *unit, struct process_id *ret_id)
{
    json_t *items = NULL;
    size_t count;
    double rss;
    char text[TEXT_BYTES_SIZE];
    enum exit_code code = list_processes(client, unit, &items);
    if (code != EXIT_CODE_OK)
        return code;
    json_t *largest = largest_of(items, unit, &count, &rss);
    if (!largest || process_id_parse(member_text(largest, "id"), ret_id) < 0) {
        say("no process of a unit %s", unit);
        say_try("memtend ps -q %s", unit);
        code = EXIT_CODE_GONE;
    } else if (count > 1) {
        text_format_bytes((int64_t)rss, text);
        say("%s has %zu processes, RSS %s in all; this is the largest", unit, count, text);
    }
    json_decref(items);
    return code;
}

/* ---- what is known of it ---- */

static enum exit_code ask_one(struct client *client, const char *id, const char *part,
                              json_t **ret_object)
{
    struct request request;
    struct answer answer = {0};
    request_init(&request, "GET", "/api/v1/processes");
    request_segment(&request, id);
    request_word(&request, part);
    enum exit_code code = client_ask(client, &request, &answer);
    if (code == EXIT_CODE_OK)
        *ret_object = json_incref(answer.body);
    request_finish(&request);
    answer_finish(&answer);
    return code;
}

static enum exit_code why_daemon(struct client *client, struct process_id id, struct why *ret_why)
{
    char text[PROCESS_ID_SIZE];
    if (id.start_ticks)
        process_id_format(id, text);
    else
        snprintf(text, sizeof(text), "%d", (int)id.pid);
    enum exit_code code = ask_one(client, text, "/ledger", &ret_why->ledger);
    if (code == EXIT_CODE_OK)
        code = ask_one(client, text, "/verdict", &ret_why->verdict);
    if (code == EXIT_CODE_OK)
        code = ask_one(client, text, "", &ret_why->process);
    return code;
}

enum exit_code why_find(struct client *client, struct process_id id, struct why *ret_why)
{
    return client ? why_daemon(client, id, ret_why) : why_local(id, ret_why);
}

static enum exit_code find_why(const char *target, struct client *client, struct why *why)
{
    struct process_id id;
    enum exit_code code = EXIT_CODE_OK;
    if (text_starts_with(target, "unit:"))
        code = find_unit(client, target + strlen("unit:"), &id);
    else if (!parse_process(target, &id))
        code = find_unit(client, target, &id);
    if (code != EXIT_CODE_OK)
        return code;
    return why_find(client->curl ? client : NULL, id, why);
}

static void print(const struct invocation *invocation, const struct why *why)
{
    if (!invocation->option[OPTION_JSON]) {
        why_print(stdout, why);
        return;
    }
    json_t *all = say_no_memory(json_pack("{s:O, s:O, s:O}", "process", why->process, "ledger",
                                          why->ledger, "verdict", why->verdict));
    show_json(all, false);
    json_decref(all);
}

enum exit_code why_main(const struct invocation *invocation)
{
    const char *target = invocation->operands[0];
    struct client client = {0};
    struct why why = {0};
    enum exit_code code = EXIT_CODE_NO_DAEMON;
    if (strcmp(target, "host") == 0)
        return why_host(invocation->option[OPTION_JSON] != NULL);
    if (!invocation->option[OPTION_LOCAL])
        code = client_open_quietly(invocation, &client);
    if (code == EXIT_CODE_USAGE)
        return client_open(invocation, &client); /* says what is wrong with the directory */
    if (code != EXIT_CODE_OK)
        say("%s: read from /proc by this command; a daemon and the agent know more",
            invocation->option[OPTION_LOCAL] ? "without a daemon" : "no daemon");
    code = find_why(target, &client, &why);
    if (code == EXIT_CODE_OK)
        print(invocation, &why);
    why_finish(&why);
    client_finish(&client);
    return code;
}
