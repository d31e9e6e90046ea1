/* SPDX-License-Identifier: MIT */
/*
 * `memtend census`: what the Python objects of a process are, as its agent finds them now.
 */
#include "client.h"
#include "say.h"
#include "show.h"
#include "table.h"
#include "verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CENSUS_TOP_MAX      40
#define CENSUS_TOP_DEFAULT  20
#define CENSUS_SECONDS      20 /* more than the daemon takes */
#define CENSUS_NUMBER_SIZE  32
#define CENSUS_GROWTH_SIZE  80
#define CENSUS_HOLDERS_SIZE 512

/* "1,234,567"; "-" when absent. */
static const char *census_number(json_t *object, const char *key,
                                 char ret_text[static CENSUS_NUMBER_SIZE])
{
    int64_t value;
    char digits[CENSUS_NUMBER_SIZE];
    if (!member_integer(object, key, &value) || value < 0)
        return "-";
    size_t count = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, value), at = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            ret_text[at++] = ',';
        ret_text[at++] = digits[i];
    }
    ret_text[at] = '\0';
    return ret_text;
}

static bool census_is_text(json_t *finding)
{
    static const char *const types[] = {"str", "bytes", "bytearray", "unicode"};
    const char *type = member_text(finding, "type");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

/* "+1,200 in 3 looks" */
static const char *census_growth(json_t *finding, char ret_text[static CENSUS_GROWTH_SIZE])
{
    int64_t rises;
    char growth[CENSUS_NUMBER_SIZE];
    ret_text[0] = '\0';
    if (member_integer(finding, "rises", &rises) && rises > 0 && rises < INT32_MAX)
        snprintf(ret_text, CENSUS_GROWTH_SIZE, "+%s in %" PRId64 " looks",
                 census_number(finding, "growth", growth), rises + 1);
    return ret_text;
}

/* Beside the name it is known by. */
static const char *census_holders(json_t *finding, char ret_text[static CENSUS_HOLDERS_SIZE])
{
    json_t *holders = member_array(finding, "holders");
    size_t length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < json_array_size(holders) && length < CENSUS_HOLDERS_SIZE - 1; i++) {
        const char *name = item_text(holders, i);
        if (*name && strcmp(name, member_text(finding, "path")) != 0)
            length += (size_t)snprintf(ret_text + length, CENSUS_HOLDERS_SIZE - length, "%s%s",
                                       length > 0 ? ", " : "", name);
    }
    return ret_text;
}

static void census_print_containers(json_t *findings)
{
    static const struct table_column columns[] = {
        {"NAME", false},   {"TYPE", false}, {"LENGTH", true},       {"", false},
        {"GROWTH", false}, {"REFS", true},  {"ALSO HELD BY", false}};
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(findings); i++) {
        json_t *one = json_array_get(findings, i);
        char number[CENSUS_NUMBER_SIZE], growth[CENSUS_GROWTH_SIZE], holders[CENSUS_HOLDERS_SIZE];
        enum colour colour = *census_growth(one, growth) ? COLOUR_WARN : COLOUR_NONE;
        table_add(&table, colour, "%s", member_text(one, "path"));
        table_add(&table, COLOUR_NONE, "%s", member_text(one, "type"));
        table_add(&table, COLOUR_NONE, "%s", census_number(one, "count", number));
        table_add(&table, COLOUR_DIM, "%s", census_is_text(one) ? "bytes" : "entries");
        table_add(&table, colour, "%s", growth);
        table_add(&table, COLOUR_NONE, "%s", census_number(one, "references", number));
        table_add(&table, COLOUR_DIM, "%s", census_holders(one, holders));
    }
    table_print(&table);
    table_finish(&table);
}

static void census_print_types(json_t *findings)
{
    static const struct table_column columns[] = {{"OBJECTS", true}, {"TYPE", false}};
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(findings); i++) {
        json_t *one = json_array_get(findings, i);
        char number[CENSUS_NUMBER_SIZE];
        table_add(&table, COLOUR_NONE, "%s", census_number(one, "count", number));
        table_add(&table, COLOUR_NONE, "%s", member_text(one, "type"));
    }
    table_print(&table);
    table_finish(&table);
}

static void census_print_suspects(json_t *findings)
{
    for (size_t i = 0; i < json_array_size(findings); i++) {
        json_t *one = json_array_get(findings, i);
        char number[CENSUS_NUMBER_SIZE];
        printf("%s%s%s: %s\n", show_colour(COLOUR_WARN), member_text(one, "path"), show_plain(),
               census_number(one, "count", number));
        printf("    %s\n", member_text(one, "text"));
    }
}

static void census_print(json_t *census, const char *mode)
{
    json_t *findings = member_array(census, "findings");
    char objects[CENSUS_NUMBER_SIZE];
    double hold_seconds;
    if (json_array_size(findings) == 0)
        printf(strcmp(mode, "suspects") == 0 ? "no known cause of growth\n" : "nothing large\n");
    else if (strcmp(mode, "suspects") == 0)
        census_print_suspects(findings);
    else if (strcmp(mode, "full") == 0)
        census_print_types(findings);
    else
        census_print_containers(findings);
    printf("%s%s objects looked at", show_colour(COLOUR_DIM),
           census_number(census, "objects", objects));
    if (member_number(census, "hold_seconds", &hold_seconds))
        printf(", the program stood still for %.1f ms", hold_seconds * 1000);
    printf("%s%s\n",
           member_flag(census, "truncated") ? "; the time was over: there may be more" : "",
           show_plain());
}

static enum exit_code census_ask(const struct invocation *invocation, struct client *client,
                                 const char *mode, uint64_t top)
{
    struct request request;
    struct answer answer = {0};
    request_init(&request, "GET", "/api/v1/processes");
    request_segment(&request, invocation->operands[0]);
    request_word(&request, "/census");
    request_query(&request, "mode", mode);
    request_query_number(&request, "top", top);
    if (invocation->option[OPTION_MAX_OBJECTS])
        request_query(&request, "max_objects", invocation->option[OPTION_MAX_OBJECTS]);
    request.timeout_seconds = CENSUS_SECONDS;
    enum exit_code code = client_ask(client, &request, &answer);
    if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON])
        show_json(answer.body, false);
    else if (code == EXIT_CODE_OK)
        census_print(answer.body, mode);
    else if (code == EXIT_CODE_GONE)
        say_try("memtend ps");
    else if (answer_is_problem(&answer, "too_many_objects"))
        say_try("memtend census %s   or a larger --max-objects", invocation->operands[0]);
    answer_finish(&answer);
    request_finish(&request);
    return code;
}

static bool census_knows_mode(const char *mode)
{
    static const char *const modes[] = {"roots", "suspects", "full"};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(mode, modes[i]) == 0)
            return true;
    say("--mode must be roots, suspects or full, not %s", mode);
    return false;
}

enum exit_code census_main(const struct invocation *invocation)
{
    const char *mode = invocation->option[OPTION_MODE] ? invocation->option[OPTION_MODE] : "roots";
    struct client client = {0};
    uint64_t top;
    if (!census_knows_mode(mode) ||
        options_number(invocation, OPTION_TOP, 1, CENSUS_TOP_MAX, CENSUS_TOP_DEFAULT, &top) < 0)
        return EXIT_CODE_USAGE;
    enum exit_code code = client_open(invocation, &client);
    if (code == EXIT_CODE_OK)
        code = census_ask(invocation, &client, mode, top);
    client_finish(&client);
    return code;
}
