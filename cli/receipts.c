/* SPDX-License-Identifier: MIT */
/*
 * `memtend receipts`: the list, or one as a card.
 */
#include "card.h"
#include "client.h"
#include "say.h"
#include "show.h"
#include "table.h"
#include "verb.h"

#define RECEIPTS_DEFAULT 20

static void print_list(json_t *items)
{
    static const struct table_column columns[] = {
        {"TIME", false}, {"TARGET", false},  {"COMMAND", false},  {"STEPS", false}, {"FREED", true},
        {"PAUSE", true}, {"OUTCOME", false}, {"ASKED BY", false}, {"ID", false},
    };
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *receipt = json_array_get(items, i);
        char time[SHOW_TIME_SIZE], text[SHOW_VALUE_SIZE], pause[DURATION_TEXT_SIZE], steps[128];
        const char *outcome = member_text(receipt, "outcome");
        card_steps(receipt, steps, sizeof(steps));
        table_add(&table, COLOUR_NONE, "%s", show_time(receipt, "time", time));
        table_add(&table, COLOUR_NONE, "%s", member_text(receipt, "target"));
        table_add(&table, COLOUR_NONE, "%s", member_text(receipt, "comm"));
        table_add(&table, COLOUR_NONE, "%s", steps);
        table_add(&table, COLOUR_NONE, "%s", show_bytes(receipt, "freed_bytes", text));
        table_add(&table, COLOUR_NONE, "%s", card_pause(receipt, pause));
        table_add(&table, card_colour(outcome), "%s", *outcome ? outcome : "running");
        table_add(&table, COLOUR_NONE, "%s", member_text(receipt, "asked_by"));
        table_add(&table, COLOUR_NONE, "%s", member_id(receipt, "id"));
    }
    table_print(&table);
    table_finish(&table);
    if (json_array_size(items) == 0)
        say("no receipts yet; memtend free TARGET makes one");
}

static enum exit_code print_answer(const struct invocation *invocation, struct client *client,
                                   struct request *request)
{
    struct answer answer = {0};
    enum exit_code code = client_ask(client, request, &answer);
    if (code == EXIT_CODE_GONE) {
        say_try("memtend receipts");
        code = EXIT_CODE_FAILED; /* no such receipt is not a target that is gone */
    } else if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON]) {
        show_json(answer.body, false);
    } else if (code == EXIT_CODE_OK && invocation->operand_count > 0) {
        card_print(answer.body);
    } else if (code == EXIT_CODE_OK) {
        print_list(member_array(answer.body, "items"));
    }
    answer_finish(&answer);
    return code;
}

enum exit_code receipts_main(const struct invocation *invocation)
{
    struct client client = {0};
    struct request request;
    uint64_t limit;
    if (options_number(invocation, OPTION_LIMIT, 1, 1000, RECEIPTS_DEFAULT, &limit) < 0)
        return EXIT_CODE_USAGE;
    enum exit_code code = client_open(invocation, &client);
    if (code != EXIT_CODE_OK)
        return code;
    request_init(&request, "GET", "/api/v1/actions");
    if (invocation->operand_count > 0)
        request_segment(&request, invocation->operands[0]);
    else
        request_query_number(&request, "limit", limit);
    code = print_answer(invocation, &client, &request);
    request_finish(&request);
    client_finish(&client);
    return code;
}
