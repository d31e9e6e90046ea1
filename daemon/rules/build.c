/* SPDX-License-Identifier: MIT */
#include "rules/build.h"

#include "base/text.h"
#include "rules/grammar.h"
#include "rules/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than any condition or cool-down that makes sense; keeps sums far from overflow. */
#define BUILD_DURATION_LIMIT_USEC (INT64_C(365) * 86400 * 1000000)
/* At most once a second: a tick is rarely shorter, and a step is never over sooner. */
#define BUILD_COOLDOWN_MIN_USEC INT64_C(1000000)
/* A program that stands still for longer than a minute is not being tended. */
#define BUILD_PAUSE_LIMIT_USEC INT64_C(60000000)

void build_no_memory(struct build *build)
{
    build->code = -ENOMEM;
    build->failed = true;
    build->lost = true;
}

void build_error(struct build *build, const struct token *at, const char *format, ...)
{
    build->failed = true;
    build->any = true;
    if (build->count >= build->limit)
        return;
    char text[sizeof(build->errors->text)];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof(text), format, list);
    va_end(list);
    error_set_at(&build->errors[build->count++], 0, at->line, at->column, "%s", text);
}

void build_begin(struct build *build, const struct token *first)
{
    build->failed = false;
    build->lost = false;
    build->said_cooldown = build->said_hours = false;
    build->program = NULL;
    build->name = *first;
    build->previous = *first;
    build->count_before = build->count;
    build->rule = calloc(1, sizeof(*build->rule));
    if (!build->rule) {
        build_no_memory(build);
        return;
    }
    build->rule->line = first->line;
    build->rule->column = first->column;
    build->rule->cooldown_usec = RULES_COOLDOWN_DEFAULT_USEC;
    build->rule->times = 1;
    build->rule->stage_count = 1;
}

struct rule *build_end(struct build *build, const char *text, size_t length)
{
    _cleanup_(rule_freep) struct rule *rule = STEAL(build->rule);
    if (!rule)
        return NULL;
    if (length > RULE_TEXT_LIMIT)
        build_error(build, &build->name, "a rule is at most %d bytes long", RULE_TEXT_LIMIT);
    if (build->failed)
        return NULL;
    rule->text = strndup(text, length);
    if (!rule->text) {
        build_no_memory(build);
        return NULL;
    }
    digest_sha256(text, length, rule->sha256);
    return STEAL(rule);
}

void build_finish(struct build *build)
{
    rule_free(build->rule);
    build->rule = NULL;
}

void build_name(struct build *build, const struct token *name)
{
    build->name = *name;
    lexer_copy(name, build->rule->name, sizeof(build->rule->name));
    if (name->length > RULE_NAME_LIMIT)
        build_error(build, name, "a name is at most %d bytes long", RULE_NAME_LIMIT);
    else if (!text_is_name(build->rule->name, RULE_NAME_LIMIT))
        build_error(build, name, "a name begins with a letter, a digit or `_'");
}

void build_scope(struct build *build, const struct token *word)
{
    char text[32];
    lexer_copy(word, text, sizeof(text));
    if (words_is_later(WORDS_IN_SCOPE, text))
        build_error(build, word, "`%s' is not in this version: for each process", text);
    else
        build_error(build, word, "unknown scope `%s': for each process", text);
}

void build_begin_where(struct build *build)
{
    build->program = &build->rule->where;
}

void build_begin_when(struct build *build)
{
    build->program = &build->rule->when;
}

static void build_begin_clause(struct build *build, const struct token *clause, const char *what,
                               struct rule_program *program)
{
    if (program->count > 0)
        build_error(build, clause, "`%s' is said twice", what);
    build->program = program;
}

void build_begin_until(struct build *build, const struct token *clause)
{
    build_begin_clause(build, clause, "until", &build->rule->until);
}

void build_begin_only(struct build *build, const struct token *clause)
{
    build_begin_clause(build, clause, "only when", &build->rule->only);
}

/* False: said. */
static bool build_duration(struct build *build, const struct token *token, int64_t low,
                           int64_t high, uint64_t *ret_usec)
{
    char shown[32], low_text[QUANTITY_SIZE], high_text[QUANTITY_SIZE];
    lexer_copy(token, shown, sizeof(shown));
    if (token->number.kind == QUANTITY_PLAIN) {
        build_error(build, token, "`%s' needs a unit: %sms, %ss, %sm, %sh, %sd", shown, shown,
                    shown, shown, shown, shown);
        return false;
    }
    if (token->number.kind != QUANTITY_USEC) {
        build_error(build, token, "`%s' is not a time such as 20s or 5m", shown);
        return false;
    }
    if (token->number.value < low || token->number.value > high) {
        quantity_format((struct quantity){.kind = QUANTITY_USEC, .value = low}, low_text);
        quantity_format((struct quantity){.kind = QUANTITY_USEC, .value = high}, high_text);
        build_error(build, token, "`%s' is out of range: %s to %s", shown, low_text, high_text);
        return false;
    }
    *ret_usec = (uint64_t)token->number.value;
    return true;
}

void build_for(struct build *build, const struct token *duration)
{
    build_duration(build, duration, 0, BUILD_DURATION_LIMIT_USEC, &build->rule->for_usec);
}

void build_for_of(struct build *build, const struct token *duration, const struct token *window)
{
    struct rule *rule = build->rule;
    char text[QUANTITY_SIZE];
    if (!build_duration(build, window, 1000, BUILD_DURATION_LIMIT_USEC, &rule->window_usec) ||
        !build_duration(build, duration, 1000, BUILD_DURATION_LIMIT_USEC, &rule->for_usec))
        return;
    uint64_t part_usec = (rule->window_usec + RULES_WINDOW_PARTS - 1) / RULES_WINDOW_PARTS;
    quantity_format((struct quantity){.kind = QUANTITY_USEC, .value = (int64_t)part_usec}, text);
    if (rule->for_usec > rule->window_usec)
        build_error(build, duration, "it cannot hold for longer than the time that is looked at");
    else if (rule->for_usec < part_usec)
        build_error(build, duration, "too short in this window: at least %s, a %dth of it", text,
                    RULES_WINDOW_PARTS);
}

static void build_list_steps(char ret_text[static RULES_STEPS_SIZE])
{
    enum step_kind kinds[STEP_KIND_COUNT];
    for (enum step_kind kind = 0; kind < STEP_KIND_COUNT; kind++)
        kinds[kind] = kind;
    rules_format_steps(kinds, STEP_KIND_COUNT, ret_text);
}

void build_step(struct build *build, const struct token *word)
{
    char text[32];
    enum step_kind kind;
    struct rule_stage *stage = &build->rule->stages[build->rule->stage_count - 1];
    lexer_copy(word, text, sizeof(text));
    char all[RULES_STEPS_SIZE];
    const char *near = words_near_step(text);
    build_list_steps(all);
    if (words_is_later(WORDS_IN_STEPS, text)) {
        build_error(build, word, "step `%s' is not in this version: %s", text, all);
    } else if (step_find(text, &kind) < 0) {
        if (near)
            build_error(build, word, "unknown step `%s' (did you mean `%s'?)", text, near);
        else
            build_error(build, word, "unknown step `%s': %s", text, all);
    } else if (stage->step_count == STEP_LIMIT) {
        build_error(build, word, "more than %d steps", STEP_LIMIT);
    } else {
        stage->steps[stage->step_count++] = kind;
    }
}

void build_stage(struct build *build, const struct token *duration)
{
    struct rule *rule = build->rule;
    if (rule->stage_count == RULES_STAGE_LIMIT) {
        build_error(build, duration, "more than %d times `if still after'", RULES_STAGE_LIMIT - 1);
        return;
    }
    struct rule_stage *stage = &rule->stages[rule->stage_count++];
    build_duration(build, duration, BUILD_COOLDOWN_MIN_USEC, BUILD_DURATION_LIMIT_USEC,
                   &stage->after_usec);
}

static void build_times(struct build *build, const struct token *number)
{
    int64_t times = number->number.value;
    if (number->number.kind != QUANTITY_PLAIN)
        build_error(build, number, "how often is a plain number: at most 3 per 1d");
    else if (times < 1 || times > RULES_TIMES_LIMIT)
        build_error(build, number, "at most 1 to %d times", RULES_TIMES_LIMIT);
    else
        build->rule->times = (unsigned)times;
}

void build_cooldown(struct build *build, const struct token *clause, const struct token *number,
                    const struct token *duration)
{
    if (build->said_cooldown)
        build_error(build, clause, "`at most' how often is said twice");
    build->said_cooldown = true;
    if (number)
        build_times(build, number);
    build_duration(build, duration, BUILD_COOLDOWN_MIN_USEC, BUILD_DURATION_LIMIT_USEC,
                   &build->rule->cooldown_usec);
}

void build_pause(struct build *build, const struct token *clause, const struct token *duration)
{
    if (build->rule->pause_budget_usec > 0)
        build_error(build, clause, "`pause at most' is said twice");
    build_duration(build, duration, 1000, BUILD_PAUSE_LIMIT_USEC, &build->rule->pause_budget_usec);
}

void build_hours(struct build *build, const struct token *clause, const struct token *from,
                 const struct token *to)
{
    if (build->said_hours)
        build_error(build, clause, "`only between' is said twice");
    if (from->minute == to->minute)
        build_error(build, to, "from %.*s to %.*s is no time at all", (int)from->length, from->at,
                    (int)to->length, to->at);
    build->said_hours = true;
    build->rule->from_minute = from->minute;
    build->rule->to_minute = to->minute;
}

void build_mode(struct build *build, const struct token *word, enum rule_mode mode)
{
    if (build->rule->mode == mode)
        build_error(build, word, "`%s' is said twice", words_token_name(word->kind));
    else if (build->rule->mode != RULE_MODE_UNSAID)
        build_error(build, word, "a rule is either `armed' or `dry-run'");
    build->rule->mode = mode;
}

void build_too_deep(struct build *build, const struct token *token)
{
    build_error(build, token, "conditions are nested too deeply: at most %d parentheses",
                RULES_NESTING_LIMIT);
    build->lost = true;
}

/* What a person would call these tokens together; NULL: name them one by one. */
static const char *build_expected_group(const bool *expected)
{
    if (expected[TOKEN_WORD] && expected[TOKEN_OPEN])
        return "a condition";
    if (expected[TOKEN_WORD] && expected[TOKEN_STRING] && expected[TOKEN_NUMBER])
        return "a metric, a quantity or a text";
    return NULL;
}

static void build_format_expected(const bool *expected, int tokens, char *ret_text, size_t size)
{
    const char *group = build_expected_group(expected);
    size_t length = 0;
    ret_text[0] = '\0';
    if (group)
        text_copy(ret_text, size, group);
    for (int token = 0; !group && token < tokens; token++) {
        if (!expected[token])
            continue;
        bool keyword = words_is_keyword(token);
        int n = snprintf(ret_text + length, size - length, "%s%s%s%s", length > 0 ? ", " : "",
                         keyword ? "`" : "", words_token_name(token), keyword ? "'" : "");
        if (n < 0 || (size_t)n >= size - length)
            return;
        length += (size_t)n;
    }
}

/* What the full language has and this grammar knows nothing of. */
static bool build_is_later(struct build *build, const struct token *token, const char *text)
{
    char before[48];
    const struct token *previous = &build->previous;
    lexer_copy(previous, before, sizeof(before));
    if (token->kind == TOKEN_WORD && words_is_later(WORDS_IN_CLAUSES, text))
        build_error(build, token, "`%s' is not in this version", text);
    else if (token->kind == TOKEN_OPEN && previous->kind == TOKEN_WORD)
        build_error(build, previous, "`%s(...)' is not in this version", before);
    else
        return false;
    return true;
}

/* `rule for each process`: what was taken for the name is the next word of the sentence. */
static bool build_is_nameless(const struct build *build, const struct token *token)
{
    const struct token *name = &build->previous;
    return name->kind == TOKEN_NAME && token->kind != TOKEN_FOR &&
           words_keyword(name->at, name->length);
}

void build_unexpected(struct build *build, const struct token *token, const bool *expected,
                      int tokens)
{
    char text[48], list[160];
    build->lost = true;
    /* What is wrong with the token before explains this one as well. */
    if (build->failed && build->count > build->count_before)
        return;
    lexer_copy(token, text, sizeof(text));
    const char *near = token->kind == TOKEN_WORD ? words_near_keyword(text, expected) : NULL;
    build_format_expected(expected, tokens, list, sizeof(list));
    if (build_is_later(build, token, text))
        return;
    if (build_is_nameless(build, token))
        build_error(build, &build->previous, "the rule has no name");
    else if (near)
        build_error(build, token, "unexpected `%s' (did you mean `%s'?)", text, near);
    else if (token->kind == LEXER_END)
        build_error(build, token, "the rule ends too early: expected %s", list);
    else
        build_error(build, token, "unexpected `%s': expected %s", text, list);
}
