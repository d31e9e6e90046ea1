/* SPDX-License-Identifier: MIT */
#include "rules/rules.h"

#include "rules/grammar.h"
#include "rules/grammar_parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One text on its way through lexer, grammar and build. */
struct parse {
    struct lexer lexer;
    struct build build;
    void *grammar; /* lemon's, NULL between rules */
    struct rule_set *set;
    const char *begin, *end; /* source of the rule under way */
    size_t tokens;           /* of it */
    size_t depth;            /* parentheses open */
    size_t nots;             /* `not` in a row */
    bool stray;              /* text outside of any rule has been reported */
};

static void parse_finish(struct parse *parse)
{
    build_finish(&parse->build);
    grammar_Free(parse->grammar, free);
    rule_set_free(parse->set);
}

static const struct rule *parse_find(const struct rule_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->rules[i]->name, name) == 0)
            return set->rules[i];
    return NULL;
}

static void parse_keep(struct parse *parse, struct rule *rule)
{
    struct rule_set *set = parse->set;
    _cleanup_(rule_freep) struct rule *owned = rule;
    const struct rule *same = parse_find(set, rule->name);
    if (same) {
        build_error(&parse->build, &parse->build.name, "rule `%s' is already there at line %d",
                    rule->name, same->line);
        return;
    }
    if (set->count == RULES_SET_LIMIT) {
        build_error(&parse->build, &parse->build.name, "more than %d rules", RULES_SET_LIMIT);
        return;
    }
    set->rules[set->count++] = STEAL(owned);
}

static void parse_feed(struct parse *parse, const struct token *token)
{
    size_t before = parse->build.count;
    grammar_(parse->grammar, token->kind, *token);
    parse->build.previous = *token;
    parse->build.count_before = before;
}

/* The rule under way is over; so is the text when nothing is. */
static void parse_end_rule(struct parse *parse)
{
    struct build *build = &parse->build;
    if (!parse->grammar)
        return;
    if (!build->lost) {
        struct token end = build->previous;
        end.kind = LEXER_END;
        end.column += (int)end.length;
        end.length = 0;
        parse_feed(parse, &end);
    }
    grammar_Free(parse->grammar, free);
    parse->grammar = NULL;
    struct rule *rule = build_end(build, parse->begin, (size_t)(parse->end - parse->begin));
    if (rule)
        parse_keep(parse, rule);
}

static void parse_begin_rule(struct parse *parse, const struct token *token)
{
    build_begin(&parse->build, token);
    parse->begin = token->at;
    parse->tokens = 0;
    parse->depth = 0;
    parse->nots = 0;
    parse->stray = false;
    parse->grammar = grammar_Alloc(malloc, &parse->build);
    if (!parse->grammar)
        build_no_memory(&parse->build);
}

/* Keeps what the grammar must hold at one time inside its stack. */
static bool parse_is_too_deep(struct parse *parse, const struct token *token)
{
    parse->nots = token->kind == TOKEN_NOT ? parse->nots + 1 : 0;
    if (token->kind == TOKEN_OPEN)
        parse->depth++;
    else if (token->kind == TOKEN_CLOSE && parse->depth > 0)
        parse->depth--;
    return parse->depth > RULES_NESTING_LIMIT || parse->nots > RULES_NESTING_LIMIT;
}

static void parse_token(struct parse *parse, const struct token *token, const struct error *error)
{
    struct build *build = &parse->build;
    if (token->kind == TOKEN_RULE) {
        parse_end_rule(parse);
        parse_begin_rule(parse, token);
    }
    if (!parse->grammar) {
        if (!parse->stray)
            build_error(build, token, "%s",
                        token->kind == LEXER_ERROR ? error->text : "a rule begins with `rule'");
        parse->stray = true;
        return;
    }
    parse->end = token->at + token->length;
    if (build->lost)
        return;
    if (token->kind == LEXER_ERROR) {
        build_error(build, token, "%s", error->text);
        build->lost = true;
    } else if (++parse->tokens > RULES_TOKEN_LIMIT) {
        build_error(build, token, "a rule has at most %d words and signs", RULES_TOKEN_LIMIT);
        build->lost = true;
    } else if (parse_is_too_deep(parse, token)) {
        build_too_deep(build, token);
    } else {
        parse_feed(parse, token);
    }
}

static int parse_all(struct parse *parse)
{
    const struct build *build = &parse->build;
    for (;;) {
        struct token token;
        struct error error;
        lexer_next(&parse->lexer, &token, &error);
        if (token.kind == LEXER_END)
            break;
        parse_token(parse, &token, &error);
        if (build->code < 0 || (build->count > 0 && build->count == build->limit))
            break;
    }
    parse_end_rule(parse);
    return build->code;
}

static int parse_init(struct parse *parse, const char *text, size_t length, struct error *errors,
                      size_t limit)
{
    *parse = (struct parse){.build = {.errors = errors, .limit = limit}};
    lexer_init(&parse->lexer, text, length);
    parse->set = calloc(1, sizeof(*parse->set));
    if (!parse->set)
        return -ENOMEM;
    parse->set->rules = calloc(RULES_SET_LIMIT, sizeof(struct rule *));
    return parse->set->rules ? 0 : -ENOMEM;
}

/* Some errors of a rule show only at its end, but stand before others. */
static void parse_sort(struct error *errors, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct error error = errors[i];
        size_t at = i;
        for (; at > 0; at--) {
            const struct error *before = &errors[at - 1];
            if (before->line < error.line ||
                (before->line == error.line && before->column <= error.column))
                break;
            errors[at] = *before;
        }
        errors[at] = error;
    }
}

/* The set when all is well. */
static int parse_text(const char *text, size_t length, struct rule_set **ret_set,
                      struct error *errors, size_t limit, size_t *ret_count)
{
    struct parse parse;
    int r = parse_init(&parse, text, length, errors, limit);
    if (r == 0)
        r = parse_all(&parse);
    if (r == 0 && parse.build.any)
        r = -EINVAL;
    parse_sort(errors, parse.build.count);
    *ret_count = parse.build.count;
    if (r == 0)
        *ret_set = STEAL(parse.set);
    parse_finish(&parse);
    return r;
}

/* An error about the text as a whole. */
static int parse_refuse(int code, int line, int column, const char *text, struct error *errors,
                        size_t limit, size_t *ret_count)
{
    *ret_count = limit > 0;
    if (limit > 0)
        error_set_at(errors, code, line, column, "%s", text);
    return code;
}

int rules_parse(const char *text, size_t length, struct rule_set **ret_set, struct error *errors,
                size_t limit, size_t *ret_count)
{
    if (length > RULES_SOURCE_LIMIT)
        return parse_refuse(-E2BIG, 0, 0, "the text is longer than 2 MiB", errors, limit,
                            ret_count);
    return parse_text(text, length, ret_set, errors, limit, ret_count);
}

/* The rule's text becomes the whole source without blanks around it. */
static int parse_widen(struct rule *rule, const char *text, size_t length)
{
    static const char blanks[] = " \t\r\n";
    while (length > 0 && memchr(blanks, *text, sizeof(blanks) - 1)) {
        text++;
        length--;
    }
    while (length > 0 && memchr(blanks, text[length - 1], sizeof(blanks) - 1))
        length--;
    char *copy = strndup(text, length);
    if (!copy)
        return -ENOMEM;
    free(rule->text);
    rule->text = copy;
    digest_sha256(copy, length, rule->sha256);
    return 0;
}

int rules_parse_one(const char *text, size_t length, struct rule **ret_rule, struct error *errors,
                    size_t limit, size_t *ret_count)
{
    _cleanup_(rule_set_freep) struct rule_set *set = NULL;
    if (length > RULE_TEXT_LIMIT)
        return parse_refuse(-E2BIG, 0, 0, "a rule is at most 8192 bytes long", errors, limit,
                            ret_count);
    int r = parse_text(text, length, &set, errors, limit, ret_count);
    if (r != 0)
        return r;
    if (set->count == 0)
        return parse_refuse(-EINVAL, 1, 1, "there is no rule in this text", errors, limit,
                            ret_count);
    if (set->count > 1)
        return parse_refuse(-EINVAL, set->rules[1]->line, set->rules[1]->column,
                            "one rule at a time: here begins a second one", errors, limit,
                            ret_count);
    r = parse_widen(set->rules[0], text, length);
    if (r == 0)
        *ret_rule = rule_set_take(set, 0);
    return r;
}
