/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a rule text: every error has a place inside of the text and can be shown; every rule
 * that is accepted can be evaluated, known values or not, and its text parses to itself again.
 */
#include "rules/rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static void show(const char *text, size_t length, const struct error *error)
{
    char shown[RULES_FORMAT_SIZE];
    size_t written = rules_format_error(text, length, error, "t.rules", shown, sizeof(shown));
    check(written == strlen(shown) && written > 0 && shown[written - 1] == '\n');
    check(error->text[0] && error->line >= 0 && error->column >= 0);
    check(error->line == 0 || (size_t)error->column <= length + 1);
}

static void evaluate(const struct rule *rule)
{
    struct process process = {.id = {.pid = 1, .start_ticks = 1}, .comm = "python3"};
    struct sample host = {0};
    struct rule_progress progress = {0};
    struct rule_subject subject = {
        .process = &process, .host = &host, .identity = 1, .period_usec = 1000000};
    check(rule_evaluate(rule, &subject, &progress, 1000000) != RULE_COOLING);
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
        sample_set(metric < METRIC_HOST_FIRST ? &process.sample : &host, metric,
                   metric % 2 ? INT64_MAX : INT64_MIN, 2000000);
    subject.full_cmdline = "python3 /srv/etl.py --secret=x";
    subject.identity = 2;
    bool excluded = rule_excludes(rule, &subject);
    enum rule_outcome outcome = rule_evaluate(rule, &subject, &progress, 2000000);
    check(!excluded || outcome == RULE_IDLE);
}

static void again(const struct rule *rule)
{
    struct rule *copy = NULL;
    struct error error;
    size_t count = 0;
    check(rules_parse_one(rule->text, strlen(rule->text), &copy, &error, 1, &count) == 0);
    check(strcmp(copy->sha256, rule->sha256) == 0 && strcmp(copy->name, rule->name) == 0);
    rule_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error errors[RULES_ERROR_LIMIT];
    size_t count = 0;
    struct rule_set *set = NULL;
    const char *text = (const char *)data;
    int r = rules_parse(text, size, &set, errors, RULES_ERROR_LIMIT, &count);
    check((r == 0) == (count == 0) && (r == 0) == (set != NULL));
    for (size_t i = 0; i < count; i++)
        show(text, size, &errors[i]);
    for (size_t i = 0; set && i < set->count; i++) {
        evaluate(set->rules[i]);
        again(set->rules[i]);
    }
    rule_set_free(set);
    struct rule *rule = NULL;
    if (rules_parse_one(text, size, &rule, errors, RULES_ERROR_LIMIT, &count) == 0)
        again(rule);
    rule_free(rule);
    return 0;
}
