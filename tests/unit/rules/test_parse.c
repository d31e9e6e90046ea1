/* SPDX-License-Identifier: MIT */
/* What a parsed rule holds, and the limits of what may be written. Sentences and their errors are
 * in tests/rules. */
#include "rules/rules.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct error errors[RULES_ERROR_LIMIT];
static size_t error_count;

static int parse(const char *text, struct rule_set **ret_set)
{
    error_count = 0;
    return rules_parse(text, strlen(text), ret_set, errors, RULES_ERROR_LIMIT, &error_count);
}

static int parse_one(const char *text, struct rule **ret_rule)
{
    error_count = 0;
    return rules_parse_one(text, strlen(text), ret_rule, errors, RULES_ERROR_LIMIT, &error_count);
}

static void what_a_rule_holds(void **state)
{
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    (void)state;
    static const char text[] = "# first\n"
                               "rule one for each process where comm = \"a\":\n"
                               "  when pss > 1 MiB and anon > 1 MiB for 90s  # why\n"
                               "  then collect, trim\n"
                               "  at most once per 1h\n"
                               "  pause at most 20ms\n"
                               "  dry-run  # the end\n"
                               "\n"
                               "  rule two for each process: when py.blocks > 5 then trim armed";
    assert_int_equal(parse(text, &set), 0);
    assert_int_equal(error_count, 0);
    assert_int_equal(set->count, 2);
    const struct rule *one = set->rules[0], *two = set->rules[1];
    assert_string_equal(one->name, "one");
    assert_int_equal(one->line, 2);
    assert_int_equal(one->column, 1);
    assert_int_equal(one->for_usec, 90000000);
    assert_int_equal(one->cooldown_usec, UINT64_C(3600000000));
    assert_int_equal(one->pause_budget_usec, 20000);
    assert_int_equal(one->stages[0].step_count, 2);
    assert_int_equal(one->stages[0].steps[0], STEP_COLLECT);
    assert_int_equal(one->stages[0].steps[1], STEP_TRIM);
    assert_int_equal(one->mode, RULE_MODE_DRY_RUN);
    assert_int_equal(one->text_count, 1);
    assert_true(one->wants_slow && one->wants_deep && !one->wants_agent);
    /* From `rule` to its last word: what stands between rules belongs to none. */
    assert_memory_equal(one->text, text + strlen("# first\n"), strlen(one->text));
    assert_string_equal(one->text + strlen(one->text) - strlen("dry-run"), "dry-run");
    assert_string_equal(two->name, "two");
    assert_int_equal(two->line, 9);
    assert_int_equal(two->column, 3);
    assert_int_equal(two->for_usec, 0);
    assert_int_equal(two->cooldown_usec, RULES_COOLDOWN_DEFAULT_USEC);
    assert_int_equal(two->pause_budget_usec, 0);
    assert_int_equal(two->mode, RULE_MODE_ARMED);
    assert_int_equal(two->where.count, 0);
    assert_true(!two->wants_slow && !two->wants_deep && two->wants_agent && !two->wants_pools);
    assert_string_equal(two->text, "rule two for each process: when py.blocks > 5 then trim armed");
}

static void the_digest_is_that_of_the_text(void **state)
{
    _cleanup_(rule_freep) struct rule *rule = NULL;
    char hex[DIGEST_HEX_SIZE];
    (void)state;
    assert_int_equal(
        parse_one("\n# a\nrule r for each process: when rss > 1MiB then trim # b\n \n", &rule), 0);
    assert_string_equal(rule->text, "# a\nrule r for each process: when rss > 1MiB then trim # b");
    digest_sha256(rule->text, strlen(rule->text), hex);
    assert_string_equal(rule->sha256, hex);
}

static void no_rule_at_all(void **state)
{
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    struct rule *rule = NULL;
    (void)state;
    assert_int_equal(parse("", &set), 0);
    assert_int_equal(set->count, 0);
    assert_int_equal(parse_one(" # nothing\n", &rule), -EINVAL);
    assert_int_equal(error_count, 1);
    assert_string_equal(errors[0].text, "there is no rule in this text");
    assert_null(rule);
}

static void one_rule_at_a_time(void **state)
{
    struct rule *rule = NULL;
    (void)state;
    assert_int_equal(parse_one("rule a for each process: when rss > 1MiB then trim\n"
                               "  rule b for each process: when rss > 1MiB then trim\n",
                               &rule),
                     -EINVAL);
    assert_int_equal(errors[0].line, 2);
    assert_int_equal(errors[0].column, 3);
    assert_null(rule);
}

static void only_so_many_errors(void **state)
{
    struct rule_set *set = NULL;
    char text[4096] = "";
    (void)state;
    for (int i = 0; i < 60; i++) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof(text) - length, "rule r%d for each process: when x\n", i);
    }
    assert_int_equal(parse(text, &set), -EINVAL);
    assert_int_equal(error_count, RULES_ERROR_LIMIT);
    assert_int_equal(errors[RULES_ERROR_LIMIT - 1].line, RULES_ERROR_LIMIT);
    size_t count = 99;
    struct error error;
    assert_int_equal(rules_parse(text, strlen(text), &set, &error, 1, &count), -EINVAL);
    assert_int_equal(count, 1);
    assert_int_equal(rules_parse(text, strlen(text), &set, NULL, 0, &count), -EINVAL);
    assert_int_equal(count, 0);
    assert_null(set);
}

/* text = before + count times unit + after; the caller frees. */
static char *repeat(const char *before, const char *unit, size_t count, const char *after)
{
    size_t size = strlen(before) + count * strlen(unit) + strlen(after) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    size_t length = (size_t)snprintf(text, size, "%s", before);
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, size - length, "%s", unit);
    snprintf(text + length, size - length, "%s", after);
    return text;
}

static void nest(size_t depth, int expected)
{
    _cleanup_(freep) char *open = repeat("rule r for each process: when ", "(", depth, "rss > 1B");
    _cleanup_(freep) char *text = repeat(open, ")", depth, " then trim");
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    assert_int_equal(parse(text, &set), expected);
}

static void parentheses_nest_so_deep(void **state)
{
    (void)state;
    nest(RULES_NESTING_LIMIT, 0);
    nest(RULES_NESTING_LIMIT + 1, -EINVAL);
    assert_int_equal(error_count, 1);
    assert_int_equal(errors[0].column, 31 + RULES_NESTING_LIMIT);
    nest(4000, -EINVAL);
}

static void everything_pending_at_the_deepest_place(void **state)
{
    (void)state;
    _cleanup_(freep) char *open =
        repeat("rule r for each process: when ", "rss > 1B or pss > 1B and (", RULES_NESTING_LIMIT,
               "rss > 1B or pss > 1B and uss > 1B");
    _cleanup_(freep) char *text = repeat(open, ")", RULES_NESTING_LIMIT, " then trim");
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    assert_int_equal(parse(text, &set), 0);
    struct process process = {.id = {.pid = 1, .start_ticks = 1}};
    struct rule_progress progress = {0};
    struct rule_subject subject = {.process = &process, .identity = 1, .period_usec = 1000000};
    assert_int_equal(rule_evaluate(set->rules[0], &subject, &progress, 1000000), RULE_IDLE);
    sample_set(&process.sample, METRIC_RSS, 2, 2000000);
    assert_int_equal(rule_evaluate(set->rules[0], &subject, &progress, 2000000), RULE_FIRE);
}

static void many_nots_are_refused(void **state)
{
    _cleanup_(freep) char *many =
        repeat("rule r for each process: when ", "not ", 1000, "rss > 1B then trim");
    _cleanup_(freep) char *mixed = repeat("rule r for each process: when ",
                                          "not not not not not ("
                                          "not not not not (",
                                          14, "rss > 1B then trim");
    struct rule_set *set = NULL;
    (void)state;
    assert_int_equal(parse(many, &set), -EINVAL);
    assert_int_equal(error_count, 1);
    assert_int_equal(parse(mixed, &set), -EINVAL);
    assert_null(set);
}

static void long_chains_are_fine(void **state)
{
    _cleanup_(freep) char *text =
        repeat("rule r for each process: when rss>1B", " or rss>1B", 700, " then trim");
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    (void)state;
    assert_int_equal(parse(text, &set), 0);
    assert_int_equal(set->rules[0]->when.count, 1401);
}

static void a_rule_is_so_long(void **state)
{
    static const char rule[] = "rule r for each process: when rss > 1B then trim";
    _cleanup_(freep) char *fits = repeat("rule r for each process: when rss > 1B then ", " ",
                                         RULE_TEXT_LIMIT - (sizeof(rule) - 1), "trim");
    _cleanup_(freep) char *longer = repeat("rule r for each process: when rss > 1B then ", " ",
                                           RULE_TEXT_LIMIT - (sizeof(rule) - 1) + 1, "trim");
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    struct rule_set *none = NULL;
    (void)state;
    assert_int_equal(parse(fits, &set), 0);
    assert_int_equal(parse(longer, &none), -EINVAL);
    assert_string_equal(errors[0].text, "a rule is at most 8192 bytes long");
    assert_int_equal(errors[0].column, 6);
    struct rule *rule_none = NULL;
    assert_int_equal(parse_one(longer, &rule_none), -E2BIG);
    assert_int_equal(error_count, 1);
}

static void a_rule_has_so_many_words(void **state)
{
    _cleanup_(freep) char *text =
        repeat("rule r for each process: when ", ",", RULES_TOKEN_LIMIT, "");
    _cleanup_(freep) char *steps =
        repeat("rule r for each process: when rss>1B then trim", ",a", 2100, "");
    struct rule_set *set = NULL;
    (void)state;
    assert_int_equal(parse(text, &set), -EINVAL);
    assert_int_equal(parse(steps, &set), -EINVAL);
    assert_int_equal(error_count, RULES_ERROR_LIMIT);
    assert_null(set);
}

static void so_many_comparisons_with_texts(void **state)
{
    _cleanup_(freep) char *fits = repeat("rule r for each process: when comm=\"a\"",
                                         " or comm=\"b\"", RULES_TEXTS_LIMIT - 1, " then trim");
    _cleanup_(freep) char *more = repeat("rule r for each process: when comm=\"a\"",
                                         " or comm=\"b\"", RULES_TEXTS_LIMIT, " then trim");
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    struct rule_set *none = NULL;
    (void)state;
    assert_int_equal(parse(fits, &set), 0);
    assert_int_equal(parse(more, &none), -EINVAL);
    assert_int_equal(error_count, 1);
}

static void a_text_is_so_long(void **state)
{
    _cleanup_(freep) char *fits =
        repeat("rule r for each process: when comm ~ \"", "a", RULES_PATTERN_LIMIT, "\" then trim");
    _cleanup_(freep) char *more = repeat("rule r for each process: when comm ~ \"", "a",
                                         RULES_PATTERN_LIMIT + 1, "\" then trim");
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    struct rule_set *none = NULL;
    (void)state;
    assert_int_equal(parse(fits, &set), 0);
    assert_int_equal(parse(more, &none), -EINVAL);
    assert_string_equal(errors[0].text, "a text is at most 256 bytes long");
}

static void so_many_rules(void **state)
{
    static char text[(RULES_SET_LIMIT + 1) * 64];
    size_t length = 0;
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    struct rule_set *none = NULL;
    (void)state;
    for (int i = 0; i < RULES_SET_LIMIT; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "rule r%d for each process: when rss > 1B then trim\n", i);
    assert_int_equal(parse(text, &set), 0);
    assert_int_equal(set->count, RULES_SET_LIMIT);
    snprintf(text + length, sizeof(text) - length,
             "rule more for each process: when rss > 1B then trim\n");
    assert_int_equal(parse(text, &none), -EINVAL);
    assert_string_equal(errors[0].text, "more than 256 rules");
}

static void a_source_is_so_long(void **state)
{
    _cleanup_(freep) char *text = repeat("#", "\n", RULES_SOURCE_LIMIT, "");
    struct rule_set *set = NULL;
    (void)state;
    assert_int_equal(parse(text, &set), -E2BIG);
    assert_int_equal(error_count, 1);
    assert_int_equal(errors[0].line, 0);
}

/* The text need not end with NUL, and may hold any byte. */
static void bytes_that_do_not_belong(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        int line, column;
    } cases[] = {
        {"rule r\0 for each process: when rss > 1B then trim", 50, 1, 7},
        {"rule r for each process: # \xff\n when rss > 1B then trim", 54, 1, 28},
        {"rule r for each process: # \x1b[31m\n when rss > 1B then trim", 58, 1, 28},
        {"rule r for each process where comm = \"a\x01\": when rss > 1B then trim", 66, 1, 40},
        {"rule r for each process where comm = \"\xe5\x86\": when rss > 1B then trim", 67, 1, 39},
        {"rule r for each process: when rss > 1B then trim \x80", 50, 1, 50},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rule_set *set = NULL;
        char *exact = malloc(cases[i].length);
        assert_non_null(exact);
        memcpy(exact, cases[i].text, cases[i].length);
        assert_int_equal(
            rules_parse(exact, cases[i].length, &set, errors, RULES_ERROR_LIMIT, &error_count),
            -EINVAL);
        assert_int_equal(errors[0].line, cases[i].line);
        assert_int_equal(errors[0].column, cases[i].column);
        free(exact);
    }
}

static void expressions_that_would_explode(void **state)
{
    static const struct {
        const char *pattern;
        int result;
    } cases[] = {
        {"a{1001}", -EINVAL},
        {"(a{40}){40}", -EINVAL},
        {"(a{0,60}){60}", -EINVAL},
        {"a{99}{99}{99}", -EINVAL},
        {"a{99999999999999999999}", -EINVAL},
        {"((((a{9}){9}){9}){9}){9}", -EINVAL},
        {"(a{500}|b{500})c", -EINVAL},
        {"(a)\\1", -EINVAL},
        {"a\\\\\\1", -EINVAL},
        {"[]a]{600}[[:alpha:]{]{600}", -EINVAL},
        {"a{1000}", 0},
        {"(a{20}){20}", 0},
        {"a\\{5000\\}", 0},
        {"[{5000}]x", 0},
        {"a\\\\1", 0},
        {"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[160];
        struct rule_set *set = NULL;
        snprintf(text, sizeof(text), "rule r for each process: when comm ~ \"%s\" then trim",
                 cases[i].pattern);
        assert_int_equal(parse(text, &set), cases[i].result);
        rule_set_free(set);
    }
}

static void the_identity_follows_the_texts(void **state)
{
    struct process process = {.comm = "a", .unit = "b"};
    uint64_t first = rule_identity(&process, "a b");
    (void)state;
    assert_true(first != 0);
    assert_int_equal(first, rule_identity(&process, "a b"));
    assert_int_not_equal(first, rule_identity(&process, "a c"));
    assert_int_not_equal(first, rule_identity(&process, NULL));
    struct process moved = {.comm = "ab"};
    assert_int_not_equal(first, rule_identity(&moved, "a b"));
    process.exec_count++;
    assert_int_not_equal(first, rule_identity(&process, "a b"));
}

static void a_value_near_the_end_of_the_range_does_not_overflow(void **state)
{
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    struct process process = {.id = {.pid = 1, .start_ticks = 1}};
    struct rule_progress progress = {0};
    struct rule_subject subject = {.process = &process, .identity = 1, .period_usec = 1000000};
    (void)state;
    assert_int_equal(
        parse("rule r for each process: when heap.free < 10000% of heap.total then trim", &set), 0);
    sample_set(&process.sample, METRIC_HEAP_FREE, 1, 1000000);
    sample_set(&process.sample, METRIC_HEAP_TOTAL, INT64_MAX, 1000000);
    assert_int_equal(rule_evaluate(set->rules[0], &subject, &progress, 1000000), RULE_IDLE);
    sample_set(&process.sample, METRIC_HEAP_TOTAL, INT64_MIN, 1000000);
    assert_int_equal(rule_evaluate(set->rules[0], &subject, &progress, 1000000), RULE_IDLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_rule_holds),
        cmocka_unit_test(the_digest_is_that_of_the_text),
        cmocka_unit_test(no_rule_at_all),
        cmocka_unit_test(one_rule_at_a_time),
        cmocka_unit_test(only_so_many_errors),
        cmocka_unit_test(parentheses_nest_so_deep),
        cmocka_unit_test(everything_pending_at_the_deepest_place),
        cmocka_unit_test(many_nots_are_refused),
        cmocka_unit_test(long_chains_are_fine),
        cmocka_unit_test(a_rule_is_so_long),
        cmocka_unit_test(a_rule_has_so_many_words),
        cmocka_unit_test(so_many_comparisons_with_texts),
        cmocka_unit_test(a_text_is_so_long),
        cmocka_unit_test(so_many_rules),
        cmocka_unit_test(a_source_is_so_long),
        cmocka_unit_test(bytes_that_do_not_belong),
        cmocka_unit_test(expressions_that_would_explode),
        cmocka_unit_test(the_identity_follows_the_texts),
        cmocka_unit_test(a_value_near_the_end_of_the_range_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
