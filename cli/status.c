/* SPDX-License-Identifier: MIT */
/*
 * `memtend status` and `memtend host`: what the daemon says of itself and of the machine.
 */
#include "client.h"
#include "model/metric.h"
#include "say.h"
#include "show.h"
#include "verb.h"

#include <stdio.h>
#include <string.h>

static enum colour state_colour(const char *state)
{
    if (strcmp(state, "ok") == 0)
        return COLOUR_GOOD;
    return strcmp(state, "down") == 0 || strcmp(state, "off") == 0 ? COLOUR_BAD : COLOUR_WARN;
}

static void print_part(json_t *status, const char *name)
{
    json_t *part = member_object(status, name);
    const char *state = member_text(part, "state"), *detail = member_text(part, "detail");
    if (!part)
        return;
    printf("%-10s %s%s%s%s%s\n", name, show_colour(state_colour(state)), state, show_plain(),
           *detail ? ": " : "", detail);
}

/* What the store was given and does not have; nothing when it has all. */
static void print_losses(json_t *store)
{
    static const struct {
        const char *name, *what;
    } losses[] = {
        {"dropped_ticks", "ticks dropped"},
        {"lost_ticks", "ticks lost"},
        {"lost_logs", "logs lost"},
        {"refused_rows", "values refused"},
    };
    bool any = false;
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        char text[SHOW_VALUE_SIZE];
        int64_t count = 0;
        if (!member_integer(store, losses[i].name, &count) || count == 0)
            continue;
        printf("%s%s %s", any ? ", " : "           ", show_count(store, losses[i].name, text),
               losses[i].what);
        any = true;
    }
    if (any)
        printf("\n");
}

/* "NAME  COUNT, GOOD WORD"; nothing when the daemon does not say. */
static void print_count(json_t *status, const char *name, const char *good, const char *word)
{
    char count[SHOW_VALUE_SIZE], part[SHOW_VALUE_SIZE];
    int64_t number;
    if (!member_integer(status, name, &number))
        return;
    printf("%-10s %s", name, show_count(status, name, count));
    if (good && member_integer(status, good, &number))
        printf(", %s %s", show_count(status, good, part), word);
    printf("\n");
}

static void print_status(json_t *status)
{
    char text[SHOW_VALUE_SIZE], time[SHOW_TIME_SIZE];
    json_t *missing = member_array(status, "missing");
    printf("%-10s memtendd %s", "daemon", member_text(status, "version"));
    if (strcmp(show_seconds(status, "uptime_seconds", text), "-") != 0)
        printf(", up %s", text);
    printf("\n");
    if (member_flag(status, "paused")) {
        const char *until = show_time(status, "paused_until", time);
        printf("%-10s %syes%s, until %s\n", "paused", show_colour(COLOUR_WARN), show_plain(),
               strcmp(until, "-") == 0 ? "resumed" : until);
    }
    print_part(status, "probe");
    print_part(status, "store");
    print_losses(member_object(status, "store"));
    print_count(status, "processes", NULL, NULL);
    print_count(status, "agents", "agents_ready", "ready");
    print_count(status, "rules", "rules_armed", "armed");
    for (size_t i = 0; i < json_array_size(missing); i++)
        printf("%-10s %s\n", i == 0 ? "missing" : "", item_text(missing, i));
}

/* Every host metric the daemon knows, by the one table of metrics. */
static void print_host(json_t *host)
{
    for (enum metric metric = METRIC_HOST_FIRST; metric < METRIC_COUNT; metric++) {
        const struct metric_info *info = metric_info(metric);
        char key[METRIC_JSON_NAME_SIZE], text[SHOW_VALUE_SIZE];
        double number;
        metric_json_name(metric, key);
        if (!member_number(host, key, &number))
            continue;
        const char *value = info->unit == METRIC_UNIT_BYTES       ? show_bytes(host, key, text)
                            : info->unit == METRIC_UNIT_PERMYRIAD ? show_percent(host, key, text)
                                                                  : show_count(host, key, text);
        printf("%-18s %12s%s  %s%s%s\n", info->name, value,
               info->unit == METRIC_UNIT_PERMYRIAD ? " %" : "  ", show_colour(COLOUR_DIM),
               info->help, show_plain());
    }
}

static enum exit_code show_resource(const struct invocation *invocation, const char *path,
                                    void (*print)(json_t *body))
{
    struct client client = {0};
    struct answer answer = {0};
    enum exit_code code = client_open(invocation, &client);
    if (code == EXIT_CODE_OK)
        code = client_get(&client, path, &answer);
    if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON])
        show_json(answer.body, false);
    else if (code == EXIT_CODE_OK)
        print(answer.body);
    answer_finish(&answer);
    client_finish(&client);
    return code;
}

enum exit_code status_main(const struct invocation *invocation)
{
    return show_resource(invocation, "/api/v1/status", print_status);
}

enum exit_code host_main(const struct invocation *invocation)
{
    return show_resource(invocation, "/api/v1/host", print_host);
}
