/* SPDX-License-Identifier: MIT */
#include "rules/condition.h"

#include "base/pattern.h"
#include "base/text.h"
#include "rules/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONDITION_WHOLE 10000 /* permyriad */

/* Room for a pattern that is too long, so that it can be told from one that just fits. */
#define CONDITION_TEXT_SIZE (RULES_PATTERN_LIMIT + 2)

static struct rule_op *condition_op(struct build *build, enum rule_op_kind kind)
{
    struct rule_program *program = build->program;
    size_t count = program->count;
    /* Doubled at each power of two; a program has at most as many ops as its rule has tokens. */
    if ((count & (count - 1)) == 0) {
        size_t capacity = count ? count * 2 : 1;
        struct rule_op *ops = reallocarray(program->ops, capacity, sizeof(*ops));
        if (!ops) {
            build_no_memory(build);
            return NULL;
        }
        program->ops = ops;
    }
    struct rule_op *op = &program->ops[program->count++];
    *op = (struct rule_op){.kind = kind};
    return op;
}

void condition_logic(struct build *build, enum rule_op_kind kind)
{
    condition_op(build, kind);
}

/* What a word stands for. */
static void condition_bind(struct build *build, const struct token *word,
                           struct condition_operand *operand)
{
    char text[48];
    lexer_copy(word, text, sizeof(text));
    const char *near = words_near_operand(text);
    operand->kind = CONDITION_BAD;
    if (metric_find(text, &operand->metric) == 0 &&
        strcmp(metric_info(operand->metric)->name, text) == 0)
        operand->kind = CONDITION_METRIC;
    else if (words_field_find(text, &operand->field) == 0)
        operand->kind = CONDITION_FIELD;
    else if (words_is_later(WORDS_IN_CONDITION, text))
        build_error(build, word, "`%s' is not in this version", text);
    else if (near)
        build_error(build, word, "unknown metric `%s' (did you mean `%s'?)", text, near);
    else
        build_error(build, word, "unknown metric `%s'", text);
}

void condition_word(const struct token *word, struct condition_operand *ret_operand)
{
    *ret_operand = (struct condition_operand){
        .kind = CONDITION_WORD, .token = *word, .share_permyriad = CONDITION_WHOLE};
}

void condition_number(const struct token *number, struct condition_operand *ret_operand)
{
    *ret_operand = (struct condition_operand){.kind = CONDITION_NUMBER, .token = *number};
}

void condition_string(const struct token *string, struct condition_operand *ret_operand)
{
    *ret_operand = (struct condition_operand){.kind = CONDITION_STRING, .token = *string};
}

void condition_share(struct build *build, const struct token *number, const struct token *word,
                     struct condition_operand *ret_operand)
{
    char text[48];
    *ret_operand = (struct condition_operand){.token = *word};
    condition_bind(build, word, ret_operand);
    ret_operand->token = *number;
    lexer_copy(number, text, sizeof(text));
    if (number->number.kind != QUANTITY_PERMYRIAD) {
        build_error(build, number, "`%s' is not a percentage: write 20%% of METRIC", text);
        ret_operand->kind = CONDITION_BAD;
    } else if (number->number.value > PROGRAM_SHARE_LIMIT) {
        build_error(build, number, "`%s' is out of range: at most %d%%", text,
                    PROGRAM_SHARE_LIMIT / 100);
        ret_operand->kind = CONDITION_BAD;
    } else if (ret_operand->kind == CONDITION_FIELD) {
        build_error(build, word, "`%s' is a text", words_field_name(ret_operand->field));
        ret_operand->kind = CONDITION_BAD;
    }
    ret_operand->share_permyriad = number->number.value;
}

static const struct {
    enum quantity_kind kind;
    const char *is;
} condition_units[] = {
    [METRIC_UNIT_BYTES] = {QUANTITY_BYTES, "is in bytes"},
    [METRIC_UNIT_PERMYRIAD] = {QUANTITY_PERMYRIAD, "is a percentage"},
    [METRIC_UNIT_USEC] = {QUANTITY_USEC, "is a time"},
    [METRIC_UNIT_COUNT] = {QUANTITY_PLAIN, "is a plain number"},
    [METRIC_UNIT_FLAG] = {QUANTITY_PLAIN, "is 0 or 1"},
};

/* Does this literal fit the metric on the other side? */
static bool condition_check_number(struct build *build, const struct condition_operand *number,
                                   enum metric metric)
{
    const struct metric_info *info = metric_info(metric);
    const struct quantity *quantity = &number->token.number;
    enum quantity_kind kind = condition_units[info->unit].kind;
    char text[48];
    lexer_copy(&number->token, text, sizeof(text));
    bool flag = info->unit == METRIC_UNIT_FLAG && quantity->value > 1;
    if (quantity->kind == kind && !flag)
        return true;
    if (quantity->kind == QUANTITY_PLAIN && !flag)
        build_error(build, &number->token, "`%s' needs a unit: %sMiB, %ss, %s%%", text, text, text,
                    text);
    else if (quantity->kind == QUANTITY_PERMYRIAD && kind == QUANTITY_BYTES)
        build_error(build, &number->token, "`%s' %s: write `%s of METRIC'", info->name,
                    condition_units[info->unit].is, text);
    else
        build_error(build, &number->token, "`%s' %s: `%s' does not fit", info->name,
                    condition_units[info->unit].is, text);
    return false;
}

static void condition_want(struct rule *rule, enum metric metric)
{
    enum metric_source source = metric_info(metric)->source;
    rule->wants_stat |= source == METRIC_SOURCE_STAT;
    rule->wants_slow |= source == METRIC_SOURCE_SLOW;
    rule->wants_cgroup |= source == METRIC_SOURCE_CGROUP;
    rule->wants_deep |= source == METRIC_SOURCE_DEEP;
    rule->wants_agent |= source == METRIC_SOURCE_AGENT || source == METRIC_SOURCE_POOLS;
    rule->wants_pools |= source == METRIC_SOURCE_POOLS;
}

static struct rule_operand condition_compile(struct build *build,
                                             const struct condition_operand *operand)
{
    if (operand->kind == CONDITION_NUMBER)
        return (struct rule_operand){.literal = true, .value = operand->token.number.value};
    condition_want(build->rule, operand->metric);
    return (struct rule_operand){.metric = operand->metric, .value = operand->share_permyriad};
}

static bool condition_fits(struct build *build, const struct condition_operand *left,
                           const struct condition_operand *right)
{
    if (left->kind == CONDITION_NUMBER && right->kind == CONDITION_NUMBER) {
        build_error(build, &left->token, "one side of a comparison is a metric");
        return false;
    }
    if (left->kind == CONDITION_NUMBER)
        return condition_check_number(build, left, right->metric);
    if (right->kind == CONDITION_NUMBER)
        return condition_check_number(build, right, left->metric);
    const struct metric_info *a = metric_info(left->metric), *b = metric_info(right->metric);
    if (a->unit == b->unit)
        return true;
    build_error(build, &right->token, "`%s' %s and `%s' %s", a->name, condition_units[a->unit].is,
                b->name, condition_units[b->unit].is);
    return false;
}

static void condition_numbers(struct build *build, const struct condition_operand *left,
                              const struct token *sign, const struct condition_operand *right)
{
    if (sign->sign == LEXER_MATCH || sign->sign == LEXER_NOT_MATCH) {
        build_error(build, sign, "`~' matches a text: comm, cmdline, unit or name");
        return;
    }
    if (!condition_fits(build, left, right))
        return;
    struct rule_op *op = condition_op(build, RULE_OP_COMPARE);
    if (!op)
        return;
    op->sign = sign->sign;
    op->left = condition_compile(build, left);
    op->right = condition_compile(build, right);
}

/* Without the quotes, \" made "; every other backslash stays. */
static size_t condition_unquote(const struct token *string, char *ret_text, size_t size)
{
    size_t length = 0;
    for (size_t i = 1; i + 1 < string->length && length + 1 < size; i++) {
        if (string->at[i] == '\\' && string->at[i + 1] == '"')
            i++;
        ret_text[length++] = string->at[i];
    }
    ret_text[length] = '\0';
    return length;
}

static void condition_regex(struct build *build, const struct token *string, const char *pattern,
                            regex_t **ret_regex)
{
    struct error error;
    _cleanup_(freep) regex_t *regex = malloc(sizeof(*regex));
    int r = regex ? pattern_compile(pattern, regex, &error) : -ENOMEM;
    if (r == -ENOMEM)
        build_no_memory(build);
    else if (r < 0)
        build_error(build, string, "%s", error.text);
    else
        *ret_regex = STEAL(regex);
}

static bool condition_check_text(struct build *build, const struct condition_operand *left,
                                 const struct token *sign, const struct condition_operand *right)
{
    if (left->kind == CONDITION_STRING) {
        build_error(build, &left->token, "the text stands on the right: comm = \"python3\"");
    } else if (left->kind != CONDITION_FIELD && right->kind == CONDITION_FIELD) {
        build_error(build, &right->token, "`%s' is a text: write it on the left",
                    words_field_name(right->field));
    } else if (left->kind != CONDITION_FIELD) {
        build_error(build, &right->token, "a text is compared with comm, cmdline, unit or name");
    } else if (sign->sign < LEXER_EQUAL) {
        build_error(build, sign, "texts are compared with = != ~ or !~");
    } else if (build->rule->text_count == RULES_TEXTS_LIMIT) {
        build_error(build, &left->token, "more than %d comparisons with a text", RULES_TEXTS_LIMIT);
    } else {
        return true;
    }
    return false;
}

static void condition_texts(struct build *build, const struct condition_operand *left,
                            const struct token *sign, const struct condition_operand *right)
{
    if (!condition_check_text(build, left, sign, right))
        return;
    char text[CONDITION_TEXT_SIZE];
    regex_t *regex = NULL;
    size_t length = condition_unquote(&right->token, text, sizeof(text));
    bool match = sign->sign == LEXER_MATCH || sign->sign == LEXER_NOT_MATCH;
    if (length > RULES_PATTERN_LIMIT) {
        build_error(build, &right->token, "a text is at most %d bytes long", RULES_PATTERN_LIMIT);
        return;
    }
    if (match)
        condition_regex(build, &right->token, text, &regex);
    if (match && !regex)
        return;
    struct rule_op *op = condition_op(build, RULE_OP_TEXT);
    if (!op) {
        if (regex)
            regfree(regex);
        free(regex);
        return;
    }
    op->sign = sign->sign;
    op->field = left->field;
    op->text_index = (unsigned)build->rule->text_count++;
    op->regex = regex;
    op->text = match ? NULL : strdup(text);
    if (!match && !op->text)
        build_no_memory(build);
}

static bool condition_is_text(const struct condition_operand *operand)
{
    return operand->kind == CONDITION_FIELD || operand->kind == CONDITION_STRING;
}

void condition_compare(struct build *build, struct condition_operand *left,
                       const struct token *sign, struct condition_operand *right)
{
    if (left->kind == CONDITION_WORD)
        condition_bind(build, &left->token, left);
    if (left->kind == CONDITION_FIELD && right->kind != CONDITION_STRING) {
        build_error(build, &right->token, "`%s' is compared with a text in double quotes",
                    words_field_name(left->field));
        return;
    }
    if (right->kind == CONDITION_WORD)
        condition_bind(build, &right->token, right);
    if (left->kind == CONDITION_BAD || right->kind == CONDITION_BAD)
        return;
    if (condition_is_text(left) || condition_is_text(right))
        condition_texts(build, left, sign, right);
    else
        condition_numbers(build, left, sign, right);
}
