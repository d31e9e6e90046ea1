/* SPDX-License-Identifier: MIT */
/*
 * `memtend collect`, `trim`, `free`: ask for the steps, wait for the receipt, print it. Several
 * targets go one after the other; the first failure decides the exit code.
 */
#include "base/clock.h"
#include "base/text.h"
#include "card.h"
#include "client.h"
#include "model/step.h"
#include "model/target.h"
#include "say.h"
#include "verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ACT_WAIT_DEFAULT 30
#define ACT_WAIT_SERVER  30 /* the longest ?wait= that the daemon grants */
#define ACT_GRACE        10 /* on top, before the transport gives up */
#define ACT_POLL_NSEC    (500L * 1000 * 1000)

struct act_outcome {
    const char *outcome;
    enum exit_code code;
};

/* What is not listed is a failure: 1. */
static const struct act_outcome act_outcomes[] = {
    {"freed", EXIT_CODE_OK},         {"freed_nothing", EXIT_CODE_OK},     {"dry_run", EXIT_CODE_OK},
    {"target_gone", EXIT_CODE_GONE}, {"agent_silent", EXIT_CODE_TIMEOUT},
};

static enum exit_code outcome_code(const char *outcome)
{
    for (size_t i = 0; i < sizeof(act_outcomes) / sizeof(act_outcomes[0]); i++)
        if (strcmp(act_outcomes[i].outcome, outcome) == 0)
            return act_outcomes[i].code;
    return EXIT_CODE_FAILED;
}

static json_t *act_body(const struct invocation *invocation, const char *target)
{
    json_t *steps = say_no_memory(json_array());
    for (enum step_kind kind = 0; kind < STEP_KIND_COUNT; kind++)
        if (invocation->verb->steps & (UINT32_C(1) << kind))
            json_array_append_new(steps, json_string(step_info(kind)->name));
    return json_pack("{s:s, s:o, s:b}", "target", target, "steps", steps, "dry_run",
                     invocation->option[OPTION_DRY_RUN] != NULL);
}

static enum exit_code tell_refusal(const struct answer *answer)
{
    enum exit_code code = answer_judge(answer);
    if (answer_is_problem(answer, "no_agent"))
        say_try("memtend run -- COMMAND ARGUMENTS   starts the program with the in-process agent");
    else if (answer->status == 404)
        say_try("memtend ps");
    return code;
}

/* Where the receipt will be: by its id, else by the Location header. "" when neither is usable. */
static void receipt_id(struct answer *answer, char *ret_id, size_t size)
{
    const char *id = member_id(answer->body, "id");
    const char *slash = strrchr(answer->location, '/');
    text_copy(ret_id, size, *id || !slash ? id : slash + 1);
}

static enum exit_code poll_receipt(struct client *client, uint64_t deadline_usec,
                                   struct answer *answer)
{
    char id[64];
    receipt_id(answer, id, sizeof(id));
    while (*id && clock_mono_usec() < deadline_usec) {
        struct request request;
        nanosleep(&(struct timespec){.tv_nsec = ACT_POLL_NSEC}, NULL);
        answer_finish(answer);
        request_init(&request, "GET", "/api/v1/actions");
        request_segment(&request, id);
        enum exit_code code = client_ask(client, &request, answer);
        request_finish(&request);
        if (code != EXIT_CODE_OK || *member_text(answer->body, "outcome"))
            return code;
    }
    say("no receipt in time; what was begun goes on");
    if (*id)
        say_try("memtend receipts %s", id);
    return EXIT_CODE_TIMEOUT;
}

static enum exit_code act_ask(struct client *client, const struct invocation *invocation,
                              const char *target, uint64_t wait_seconds, struct answer *answer)
{
    struct request request;
    char wait[24];
    uint64_t deadline = clock_mono_usec() + wait_seconds * USEC_PER_SEC;
    uint64_t asked = wait_seconds < ACT_WAIT_SERVER ? wait_seconds : ACT_WAIT_SERVER;
    snprintf(wait, sizeof(wait), "%" PRIu64 "s", asked);
    request_init(&request, "POST", "/api/v1/actions");
    request_query(&request, "wait", wait);
    request_body(&request, act_body(invocation, target));
    request.timeout_seconds = asked + ACT_GRACE;
    enum exit_code code = client_send(client, &request, answer);
    request_finish(&request);
    if (code != EXIT_CODE_OK)
        return code;
    if (answer->status < 200 || answer->status > 299 || !answer->body)
        return tell_refusal(answer);
    if (*member_text(answer->body, "outcome"))
        return EXIT_CODE_OK;
    return poll_receipt(client, deadline, answer);
}

static enum exit_code act_one(struct client *client, const struct invocation *invocation,
                              const char *target, uint64_t wait_seconds)
{
    struct answer answer = {0};
    enum exit_code code = act_ask(client, invocation, target, wait_seconds, &answer);
    if (code == EXIT_CODE_OK) {
        if (invocation->option[OPTION_JSON])
            show_json(answer.body, true);
        else
            card_print(answer.body);
        fflush(stdout);
        code = outcome_code(member_text(answer.body, "outcome"));
    }
    answer_finish(&answer);
    return code;
}

/* Every target of every operand, checked before the first is touched. */
static int check_targets(const struct invocation *invocation)
{
    for (size_t i = 0; i < invocation->operand_count; i++) {
        char *copy = say_no_memory(strdup(invocation->operands[i])), *rest = copy, *one;
        struct target target;
        struct error error = {0};
        int r = 0;
        while (r == 0 && (one = strsep(&rest, ",")))
            if ((r = target_parse(one, &target, &error)) < 0)
                say("%s: %s", one, error.text);
        free(copy);
        if (r < 0) {
            say_try("memtend ps");
            return r;
        }
    }
    return 0;
}

static enum exit_code act_operand(struct client *client, const struct invocation *invocation,
                                  const char *operand, uint64_t wait_seconds)
{
    char *copy = say_no_memory(strdup(operand)), *rest = copy, *target;
    enum exit_code code = EXIT_CODE_OK;
    while ((target = strsep(&rest, ","))) {
        enum exit_code own = act_one(client, invocation, target, wait_seconds);
        code = code == EXIT_CODE_OK ? own : code;
    }
    free(copy);
    return code;
}

enum exit_code act_main(const struct invocation *invocation)
{
    struct client client = {0};
    uint64_t wait_seconds;
    if (options_duration(invocation, OPTION_WAIT, ACT_WAIT_DEFAULT, &wait_seconds) < 0 ||
        check_targets(invocation) < 0)
        return EXIT_CODE_USAGE;
    enum exit_code code = client_open(invocation, &client);
    if (code != EXIT_CODE_OK)
        return code;
    for (size_t i = 0; i < invocation->operand_count; i++) {
        enum exit_code own =
            act_operand(&client, invocation, invocation->operands[i], wait_seconds);
        code = code == EXIT_CODE_OK ? own : code;
    }
    client_finish(&client);
    return code;
}
