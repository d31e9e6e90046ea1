/* SPDX-License-Identifier: MIT */
/*
 * `memtend rules`: one table of what can be done with rules.
 */
#include "base/file.h"
#include "base/text.h"
#include "client.h"
#include "rule_errors.h"
#include "say.h"
#include "show.h"
#include "table.h"
#include "verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RULES_FILE_LIMIT (60U << 10) /* with its JSON around it inside the daemon's 64 KiB */

struct rules_word {
    const char *name;
    size_t operands; /* behind the word */
    enum exit_code (*act)(const struct invocation *invocation, struct client *client);
};

static const char *operand(const struct invocation *invocation, size_t index)
{
    return invocation->operands[index];
}

static enum colour state_colour(const char *state)
{
    if (strcmp(state, "armed") == 0)
        return COLOUR_GOOD;
    return strcmp(state, "dry_run") == 0 ? COLOUR_NONE : COLOUR_WARN;
}

static void print_rules(json_t *items)
{
    static const struct table_column columns[] = {{"NAME", false},       {"STATE", false},
                                                  {"SOURCE", false},     {"FIRED", true},
                                                  {"LAST FIRED", false}, {"TEXT", false}};
    struct table table;
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *rule = json_array_get(items, i);
        char time[SHOW_TIME_SIZE], count[SHOW_VALUE_SIZE], line[160];
        const char *text = member_lines(rule, "text");
        const char *state = member_text(rule, "state");
        size_t length = strcspn(text, "\n");
        text_copy_span(line, sizeof(line), text, length);
        table_add(&table, COLOUR_NONE, "%s", member_text(rule, "name"));
        table_add(&table, state_colour(state), "%s", state);
        table_add(&table, COLOUR_NONE, "%s", member_text(rule, "source"));
        table_add(&table, COLOUR_NONE, "%s", show_count(rule, "fired_count", count));
        table_add(&table, COLOUR_NONE, "%s", show_time(rule, "last_fired", time));
        table_add(&table, COLOUR_NONE, "%s%s", line, text[length] ? " ..." : "");
    }
    table_print(&table);
    table_finish(&table);
    if (json_array_size(items) == 0)
        say("no rules yet; memtend rules put NAME FILE stores one");
}

static enum exit_code rules_list(const struct invocation *invocation, struct client *client)
{
    struct answer answer = {0};
    enum exit_code code = client_get(client, "/api/v1/rules", &answer);
    if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON])
        show_json(answer.body, false);
    else if (code == EXIT_CODE_OK)
        print_rules(member_array(answer.body, "items"));
    answer_finish(&answer);
    return code;
}

/* Caller frees; NULL after a message. */
static char *read_rule_file(const char *path)
{
    char *text;
    size_t length;
    int r = file_read_all(strcmp(path, "-") == 0 ? "/dev/stdin" : path, RULES_FILE_LIMIT, &text,
                          &length);
    if (r < 0) {
        say("%s: %s", path, strerror(-r));
        return NULL;
    }
    json_t *valid = json_stringn(text, length);
    json_decref(valid);
    if (valid && strlen(text) == length)
        return text;
    say("%s: not a text in UTF-8", path);
    free(text);
    return NULL;
}

/* A request with {"text":…} from the file; 422 with positions is shown beside the file's lines. */
static enum exit_code send_file(struct client *client, struct request *request, const char *path,
                                struct answer *ret_answer)
{
    char *text = read_rule_file(path);
    if (!text)
        return EXIT_CODE_USAGE;
    request_body(request, json_pack("{s:s}", "text", text));
    enum exit_code code = client_send(client, request, ret_answer);
    if (code == EXIT_CODE_OK && rule_errors_count(ret_answer->body) > 0) {
        rule_errors_print(ret_answer->body, path, text);
        code = EXIT_CODE_USAGE;
    } else if (code == EXIT_CODE_OK) {
        code = answer_judge(ret_answer);
    }
    free(text);
    return code;
}

static enum exit_code rules_check(const struct invocation *invocation, struct client *client)
{
    struct request request;
    struct answer answer = {0};
    const char *path = operand(invocation, 1);
    request_init(&request, "POST", "/api/v1/rules/check");
    enum exit_code code = send_file(client, &request, path, &answer);
    if (invocation->option[OPTION_JSON] && answer.body)
        show_json(answer.body, false);
    else if (code == EXIT_CODE_OK)
        printf("%s: no errors\n", strcmp(path, "-") == 0 ? "standard input" : "ok");
    request_finish(&request);
    answer_finish(&answer);
    return code;
}

/* What is not a target but a rule: 404 is a plain failure. */
static enum exit_code rule_code(enum exit_code code)
{
    if (code != EXIT_CODE_GONE)
        return code;
    say_try("memtend rules list");
    return EXIT_CODE_FAILED;
}

/* One change of one rule, said in a line. Takes the body; NULL: none. */
static enum exit_code change(const struct invocation *invocation, struct client *client,
                             const char *method, const char *tail, json_t *body, const char *done)
{
    struct request request;
    struct answer answer = {0};
    request_init(&request, method, "/api/v1/rules");
    request_segment(&request, operand(invocation, 1));
    request_word(&request, tail);
    if (body)
        request_body(&request, body);
    enum exit_code code = rule_code(client_ask(client, &request, &answer));
    if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON] && answer.body)
        show_json(answer.body, false);
    else if (code == EXIT_CODE_OK)
        say("rule %s %s", operand(invocation, 1), done);
    request_finish(&request);
    answer_finish(&answer);
    return code;
}

static enum exit_code rules_disarm(const struct invocation *invocation, struct client *client)
{
    return change(invocation, client, "POST", "/disarm", NULL,
                  "is disarmed: it only writes what it "
                  "would do");
}

static enum exit_code rules_delete(const struct invocation *invocation, struct client *client)
{
    return change(invocation, client, "DELETE", "", NULL, "is deleted");
}

static enum exit_code rules_put(const struct invocation *invocation, struct client *client)
{
    struct request request;
    struct answer answer = {0};
    request_init(&request, "PUT", "/api/v1/rules");
    request_segment(&request, operand(invocation, 1));
    enum exit_code code = rule_code(send_file(client, &request, operand(invocation, 2), &answer));
    if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON] && answer.body)
        show_json(answer.body, false);
    else if (code == EXIT_CODE_OK) {
        say("rule %s is stored; it does not act before it is armed", operand(invocation, 1));
        say_try("memtend rules arm %s", operand(invocation, 1));
    }
    request_finish(&request);
    answer_finish(&answer);
    return code;
}

/* The rule of that name in the list; NULL when there is none. */
static json_t *find_rule(json_t *items, const char *name)
{
    for (size_t i = 0; i < json_array_size(items); i++) {
        json_t *rule = json_array_get(items, i);
        if (strcmp(member_text(rule, "name"), name) == 0)
            return rule;
    }
    return NULL;
}

static bool agrees(void)
{
    char line[16] = "";
    fprintf(stderr, "Let this rule act? [y/N] ");
    if (!fgets(line, sizeof(line), stdin))
        return false;
    return line[0] == 'y' || line[0] == 'Y';
}

static enum exit_code rules_arm(const struct invocation *invocation, struct client *client)
{
    struct answer answer = {0};
    json_t *seen = NULL; /* binds the arming to the text that was shown */
    const char *name = operand(invocation, 1);
    enum exit_code code = client_get(client, "/api/v1/rules", &answer);
    json_t *rule = find_rule(member_array(answer.body, "items"), name);
    if (code == EXIT_CODE_OK && !rule) {
        say("there is no rule %s", name);
        say_try("memtend rules list");
        code = EXIT_CODE_FAILED;
    } else if (code == EXIT_CODE_OK) {
        if (!invocation->option[OPTION_JSON])
            printf("%s\n", member_lines(rule, "text"));
        fflush(stdout);
        bool asks = !invocation->option[OPTION_YES] && isatty(STDIN_FILENO) == 1;
        if (asks && !agrees()) {
            say("rule %s stays as it is", name);
            code = EXIT_CODE_FAILED;
        }
        seen = json_pack("{s:s}", "sha256", member_text(rule, "sha256"));
    }
    answer_finish(&answer);
    if (code != EXIT_CODE_OK) {
        json_decref(seen);
        return code;
    }
    return change(invocation, client, "POST", "/arm", seen, "is armed: it acts from now on");
}

static const struct rules_word rules_words[] = {
    {"list", 0, rules_list},     {"check", 1, rules_check}, {"arm", 1, rules_arm},
    {"disarm", 1, rules_disarm}, {"put", 2, rules_put},     {"delete", 1, rules_delete},
};

static const struct rules_word *rules_word_find(const char *name)
{
    for (size_t i = 0; i < sizeof(rules_words) / sizeof(rules_words[0]); i++)
        if (strcmp(rules_words[i].name, name) == 0)
            return &rules_words[i];
    return NULL;
}

enum exit_code rules_main(const struct invocation *invocation)
{
    struct client client = {0};
    bool bare = invocation->operand_count == 0;
    const struct rules_word *word = rules_word_find(bare ? "list" : operand(invocation, 0));
    if (!word || (!bare && invocation->operand_count != word->operands + 1)) {
        say("usage: memtend rules %s", invocation->verb->synopsis);
        say_try("memtend rules --help");
        return EXIT_CODE_USAGE;
    }
    enum exit_code code = client_open(invocation, &client);
    if (code == EXIT_CODE_OK)
        code = word->act(invocation, &client);
    client_finish(&client);
    return code;
}
