/* SPDX-License-Identifier: MIT */
/*
 * `memtend doctor`: every check, with the command that mends it under it.
 */
#include "checkup.h"
#include "local.h"
#include "say.h"
#include "show.h"
#include "verb.h"

#include <stdio.h>
#include <string.h>

#define DOCTOR_PROCESSES 1000 /* the daemon's own limit of a list */

struct doctor_mark {
    const char *state, *mark;
    enum colour colour;
};

static void print_check(json_t *check)
{
    static const struct doctor_mark marks[] = {{"ok", "ok  ", COLOUR_GOOD},
                                               {"warning", "warn", COLOUR_WARN},
                                               {"failure", "FAIL", COLOUR_BAD}};
    const char *state = member_text(check, "state"), *fix = member_text(check, "fix");
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (strcmp(marks[i].state, state) == 0)
            printf("%s%s%s  %-7s %s\n", show_colour(marks[i].colour), marks[i].mark, show_plain(),
                   member_text(check, "section"), member_text(check, "text"));
    if (*fix)
        printf("              fix: %s\n", fix);
}

static void print_checkup(const struct checkup *checkup)
{
    for (size_t i = 0; i < json_array_size(checkup->checks); i++) {
        json_t *check = json_array_get(checkup->checks, i);
        print_check(check);
    }
    printf("%zu ok, %zu warnings, %zu failures\n", checkup->counts[FINDING_OK],
           checkup->counts[FINDING_WARNING], checkup->counts[FINDING_FAILURE]);
}

static void print_json(const struct checkup *checkup)
{
    json_t *all = json_pack("{s:O, s:I, s:I, s:I}", "checks", checkup->checks, "ok",
                            (json_int_t)checkup->counts[FINDING_OK], "warnings",
                            (json_int_t)checkup->counts[FINDING_WARNING], "failures",
                            (json_int_t)checkup->counts[FINDING_FAILURE]);
    show_json(say_no_memory(all), false);
    json_decref(all);
}

static void check_answering(struct checkup *checkup, struct client *client)
{
    struct answer status = {0}, processes = {0};
    struct request request;
    if (client_get(client, "/api/v1/status", &status) != EXIT_CODE_OK) {
        checkup_add(checkup, "daemon", "status", FINDING_FAILURE,
                    "the daemon does not say how it is");
        checkup_fix(checkup, "journalctl -u memtendd");
        answer_finish(&status);
        return;
    }
    checkup_daemon(checkup, status.body);
    request_init(&request, "GET", "/api/v1/processes");
    request_query(&request, "q", "python");
    request_query_number(&request, "limit", DOCTOR_PROCESSES);
    if (client_ask(client, &request, &processes) == EXIT_CODE_OK)
        checkup_agents(checkup, status.body, member_array(processes.body, "items"));
    request_finish(&request);
    answer_finish(&processes);
    answer_finish(&status);
}

/* Without a daemon agents have nobody to talk to: Python programs are only counted. */
static void check_alone(struct checkup *checkup)
{
    struct local_query query = {.text = "python", .sort = METRIC_RSS, .limit = DOCTOR_PROCESSES};
    struct local_gaps gaps;
    json_t *items;
    if (local_processes(&query, &items, &gaps) < 0)
        return;
    checkup_add(checkup, "agents", "python", FINDING_OK,
                "%zu processes look like Python; an agent in them waits for a daemon",
                json_array_size(items));
    json_decref(items);
}

enum exit_code doctor_main(const struct invocation *invocation)
{
    struct checkup checkup;
    struct client client = {0};
    checkup_init(&checkup);
    checkup_kernel(&checkup);
    checkup_rights(&checkup);
    checkup_places(&checkup, invocation);
    if (client_open_quietly(invocation, &client) == EXIT_CODE_OK)
        check_answering(&checkup, &client);
    else
        check_alone(&checkup);
    client_finish(&client);
    if (invocation->option[OPTION_JSON])
        print_json(&checkup);
    else
        print_checkup(&checkup);
    bool strict = invocation->option[OPTION_STRICT];
    bool bad = checkup.counts[FINDING_FAILURE] > 0 || (strict && checkup.counts[FINDING_WARNING]);
    checkup_finish(&checkup);
    return bad ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}
