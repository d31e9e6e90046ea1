/* SPDX-License-Identifier: MIT */
/*
 * `memtend events`: the timeline, oldest first, and on as it grows.
 */
#include "base/clock.h"
#include "client.h"
#include "model/event.h"
#include "range.h"
#include "say.h"
#include "show.h"
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EVENTS_DEFAULT 20
#define EVENTS_PAGE    1000  /* the daemon's own limit of a list */
#define EVENTS_MOST    10000 /* with --since and without -n: more nobody reads */

struct event_query {
    const char *kind;              /* NULL = all */
    char from[CLOCK_RFC3339_SIZE]; /* "" = from the beginning */
    uint64_t want;
    int64_t after_id; /* only newer ones; 0 = all */
};

static void page_request(struct request *request, const struct event_query *query, size_t have,
                         const char *cursor)
{
    uint64_t left = query->want - have;
    request_init(request, "GET", "/api/v1/events");
    request_query_number(request, "limit", left < EVENTS_PAGE ? left : EVENTS_PAGE);
    if (query->kind)
        request_query(request, "kind", query->kind);
    if (*query->from)
        request_query(request, "from", query->from);
    if (*cursor)
        request_query(request, "cursor", cursor);
}

static int64_t event_id(json_t *event)
{
    int64_t id = 0;
    if (!member_integer(event, "id", &id))
        id = strtoll(member_text(event, "id"), NULL, 10);
    return id;
}

/* false: the page holds the end of what is wanted. */
static bool take_page(json_t *page, const struct event_query *query, json_t *events)
{
    for (size_t i = 0; i < json_array_size(page); i++) {
        json_t *event = json_array_get(page, i);
        if (query->after_id > 0 && event_id(event) <= query->after_id)
            return false;
        if (json_array_size(events) >= query->want)
            return false;
        json_array_append(events, event);
    }
    return json_array_size(page) > 0;
}

/* Newest first, page by page. */
static enum exit_code fetch(struct client *client, const struct event_query *query, json_t *events)
{
    char cursor[128] = "";
    enum exit_code code = EXIT_CODE_OK;
    bool more = true;
    while (code == EXIT_CODE_OK && more && json_array_size(events) < query->want) {
        struct request request;
        struct answer answer = {0};
        page_request(&request, query, json_array_size(events), cursor);
        code = client_ask(client, &request, &answer);
        request_finish(&request);
        if (code == EXIT_CODE_OK) {
            const char *next = member_text(answer.body, "next_cursor");
            more = take_page(member_array(answer.body, "items"), query, events) && *next &&
                   strcmp(next, cursor) != 0;
            text_copy(cursor, sizeof(cursor), next);
        }
        answer_finish(&answer);
    }
    return code;
}

static enum colour kind_colour(const char *kind)
{
    static const struct {
        const char *kind;
        enum colour colour;
    } colours[] = {
        {"oom_kill", COLOUR_BAD}, {"pressure", COLOUR_BAD}, {"rule_fired", COLOUR_GOOD},
        {"pause", COLOUR_WARN},   {"probe", COLOUR_WARN},   {"store", COLOUR_WARN},
        {"disarm", COLOUR_WARN},
    };
    for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
        if (strcmp(colours[i].kind, kind) == 0)
            return colours[i].colour;
    return COLOUR_NONE;
}

static void print_event(json_t *event)
{
    char time[SHOW_TIME_SIZE];
    const char *kind = member_text(event, "kind");
    const char *target = member_text(event, "target");
    const char *rule = member_text(event, "rule");
    const char *receipt = member_id(event, "receipt");
    printf("%s  %s%-15s%s  %-16s  %s", show_time(event, "time", time),
           show_colour(kind_colour(kind)), kind, show_plain(), *target ? target : "-",
           member_text(event, "text"));
    if (*rule)
        printf("  [rule %s]", rule);
    if (*receipt)
        printf("  [receipt %s]", receipt);
    putchar('\n');
}

/* Oldest first; the newest id goes to newest_id when there is one. */
static void print_events(const struct invocation *invocation, json_t *events, int64_t *newest_id)
{
    for (size_t i = json_array_size(events); i > 0; i--) {
        json_t *event = json_array_get(events, i - 1);
        *newest_id = event_id(event) > *newest_id ? event_id(event) : *newest_id;
        if (invocation->option[OPTION_JSON])
            show_json(event, true);
        else
            print_event(event);
    }
    fflush(stdout);
}

static void wait_for_daemon(const struct client *client)
{
    say("waiting for the daemon to come back");
    while (place_probe(client->socket) < 0)
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    say("the daemon is back");
}

/* Until interrupted, or until nobody reads any more. */
static enum exit_code follow(const struct invocation *invocation, struct client *client,
                             struct event_query *query)
{
    query->want = EVENTS_PAGE;
    *query->from = '\0';
    while (!ferror(stdout)) {
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        json_t *events = say_no_memory(json_array());
        enum exit_code code = fetch(client, query, events);
        if (code == EXIT_CODE_OK)
            print_events(invocation, events, &query->after_id);
        json_decref(events);
        if (code == EXIT_CODE_NO_DAEMON)
            wait_for_daemon(client);
        else if (code == EXIT_CODE_PERMISSION || code == EXIT_CODE_USAGE)
            return code;
    }
    return EXIT_CODE_FAILED;
}

static int check_kind(const char *kind)
{
    enum event_kind found;
    if (!kind || event_kind_find(kind, &found) == 0)
        return 0;
    say("--kind: there is no kind of event called %s", kind);
    for (enum event_kind i = 0; i < EVENT_KIND_COUNT; i++)
        if (text_distance(kind, event_kind_name(i), 2) <= 2)
            say_try("--kind %s", event_kind_name(i));
    return -1;
}

static int parse(const struct invocation *invocation, struct event_query *ret_query)
{
    struct event_query query = {.kind = invocation->option[OPTION_KIND]};
    bool since = invocation->option[OPTION_SINCE];
    struct range range;
    if (check_kind(query.kind) < 0 || range_read(invocation, RANGE_NO_END, &range) < 0 ||
        options_number(invocation, OPTION_LIMIT, 1, EVENTS_PAGE,
                       since ? EVENTS_MOST : EVENTS_DEFAULT, &query.want) < 0)
        return -1;
    if (since)
        clock_format_rfc3339(range.from_wall_usec, query.from);
    *ret_query = query;
    return 0;
}

enum exit_code events_main(const struct invocation *invocation)
{
    struct event_query query;
    struct client client = {0};
    if (parse(invocation, &query) < 0)
        return EXIT_CODE_USAGE;
    enum exit_code code = client_open(invocation, &client);
    if (code != EXIT_CODE_OK)
        return code;
    json_t *events = say_no_memory(json_array());
    code = fetch(&client, &query, events);
    if (code == EXIT_CODE_OK)
        print_events(invocation, events, &query.after_id);
    json_decref(events);
    if (code == EXIT_CODE_OK && invocation->option[OPTION_FOLLOW])
        code = follow(invocation, &client, &query);
    client_finish(&client);
    return code;
}
