/* SPDX-License-Identifier: MIT */
/* However a rule searches for an expression, it finds what regexec() finds. */
#include "base/pattern.h"
#include "rules/rules.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 20000

static uint64_t chance_state = UINT64_C(0x243F6A8885A308D3); /* any seed: the run is repeatable */

static size_t chance(size_t below)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (size_t)(chance_state % below);
}

static void random_pattern(char *ret_pattern, size_t size)
{
    static const char *const pieces[] = {"a",    "b",   "ab", ".",   "[ab]", "[^a]", "[])]", "(",
                                         ")",    "|",   "*",  "+",   "?",    "^",    "$",    "{2}",
                                         "{1,}", "{9}", ".*", "\\.", "\\)",  "\\<"};
    ret_pattern[0] = '\0';
    for (size_t i = 0, count = 1 + chance(8); i < count; i++) {
        size_t length = strlen(ret_pattern);
        snprintf(ret_pattern + length, size - length, "%s",
                 pieces[chance(sizeof(pieces) / sizeof(pieces[0]))]);
    }
}

static void random_text(char *ret_text)
{
    static const char letters[] = "aabb.) ";
    size_t length = 1 + chance(12);
    for (size_t i = 0; i < length; i++)
        ret_text[i] = letters[chance(sizeof(letters) - 1)];
    ret_text[length] = '\0';
}

/* Does a rule with this expression concern a process with this command line? */
static bool finds(const struct rule *rule, const char *text)
{
    static const struct process process = {.comm = "x"};
    const struct rule_subject subject = {.process = &process, .full_cmdline = text};
    return !rule_excludes(rule, &subject);
}

static struct rule *rule_of(const char *pattern)
{
    char text[256];
    struct error error;
    struct rule *rule = NULL;
    size_t count = 0;
    snprintf(text, sizeof(text),
             "rule r for each process where cmdline ~ \"%s\": when rss > 1 MiB then trim", pattern);
    return rules_parse_one(text, strlen(text), &rule, &error, 1, &count) == 0 ? rule : NULL;
}

static void every_way_to_search_finds_the_same(void **state)
{
    size_t compared = 0, found = 0, one_pass = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char pattern[64], text[16];
        regex_t regex;
        random_pattern(pattern, sizeof(pattern));
        struct rule *rule = rule_of(pattern);
        if (!rule)
            continue;
        assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
        for (int i = 0; i < 10; i++) {
            random_text(text);
            bool expected = regexec(&regex, text, 0, NULL, 0) == 0;
            if (finds(rule, text) != expected)
                fail_msg("`%s' in `%s': %s", pattern, text, expected ? "missed" : "imagined");
            found += expected;
            compared++;
        }
        one_pass += pattern_wants_one_pass(pattern);
        regfree(&regex);
        rule_free(rule);
    }
    /* The generator makes something of everything. */
    assert_true(compared > ROUNDS && found > ROUNDS / 10 && compared - found > ROUNDS / 10);
    assert_true(one_pass > ROUNDS / 20);
}

static void which_expressions_want_one_pass(void **state)
{
    static const struct {
        const char *pattern;
        bool wanted;
    } cases[] = {
        {"python.*worker", true}, {"(a|aa)+$", true},
        {"a{1,}b", true},         {"[*]\\+", false},     /* nothing repeats */
        {"a{1,200}b", false},     {"x.*a.{20}b", false}, /* 2^20 states */
        {"a*.{8}b", true},        {"a)|b*", false},      /* "(a)|b*)" would be another expression */
        {"(a))*", false},         {"[)]*", true},
        {"\\)*", true},           {"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(pattern_wants_one_pass(cases[i].pattern), cases[i].wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_search_finds_the_same),
        cmocka_unit_test(which_expressions_want_one_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
