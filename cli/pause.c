/* SPDX-License-Identifier: MIT */
/*
 * `memtend pause` and `memtend resume`, of all rules or of one.
 */
#include "client.h"
#include "say.h"
#include "show.h"
#include "verb.h"

#include <string.h>

static json_t *pause_body(const char *rule, uint64_t seconds)
{
    json_t *body = say_no_memory(json_object());
    if (seconds > 0)
        json_object_set_new(body, "for_seconds", json_integer((json_int_t)seconds));
    /* Not valid UTF-8: no body, which fails the request. */
    if (rule && json_object_set_new(body, "rule", json_string(rule)) < 0) {
        json_decref(body);
        return NULL;
    }
    return body;
}

static void tell(bool resumes, const char *rule, uint64_t seconds)
{
    char text[DURATION_TEXT_SIZE];
    if (resumes) {
        say("%s%s may act again", rule ? "rule " : "", rule ? rule : "rules");
        return;
    }
    duration_format((double)seconds, text);
    say("%s%s paused%s%s", rule ? "rule " : "rules are", rule ? rule : "",
        seconds > 0 ? " for "
        : rule      ? ""
                    : " until resumed",
        seconds > 0 ? text : "");
    say_try("memtend resume%s%s   when they may act again", rule ? " " : "", rule ? rule : "");
}

enum exit_code pause_main(const struct invocation *invocation)
{
    struct client client = {0};
    struct request request;
    struct answer answer = {0};
    uint64_t seconds;
    const char *rule = invocation->operand_count > 0 ? invocation->operands[0] : NULL;
    bool resumes = strcmp(invocation->verb->name, "resume") == 0;
    if (options_duration(invocation, OPTION_FOR, 0, &seconds) < 0)
        return EXIT_CODE_USAGE;
    enum exit_code code = client_open(invocation, &client);
    if (code != EXIT_CODE_OK)
        return code;
    request_init(&request, "POST", resumes ? "/api/v1/resume" : "/api/v1/pause");
    request_body(&request, pause_body(rule, seconds));
    code = client_ask(&client, &request, &answer);
    if (code == EXIT_CODE_GONE) {
        say_try("memtend rules list");
        code = EXIT_CODE_FAILED;
    } else if (code == EXIT_CODE_OK && invocation->option[OPTION_JSON] && answer.body) {
        show_json(answer.body, false);
    } else if (code == EXIT_CODE_OK) {
        tell(resumes, rule, seconds);
    }
    request_finish(&request);
    answer_finish(&answer);
    client_finish(&client);
    return code;
}
