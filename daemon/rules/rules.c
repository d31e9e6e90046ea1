/* SPDX-License-Identifier: MIT */
#include "rules/rules.h"

#include "base/text.h"
#include "rules/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rule_free(struct rule *rule)
{
    if (!rule)
        return;
    program_finish(&rule->where);
    program_finish(&rule->when);
    program_finish(&rule->until);
    program_finish(&rule->only);
    free(rule->text);
    free(rule);
}

void rule_set_free(struct rule_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++)
        rule_free(set->rules[i]);
    free(set->rules);
    free(set);
}

struct rule *rule_set_take(struct rule_set *set, size_t index)
{
    return STEAL(set->rules[index]);
}

void rules_format_steps(const enum step_kind *steps, size_t count,
                        char ret_text[static RULES_STEPS_SIZE])
{
    size_t length = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < count && length < RULES_STEPS_SIZE; i++) {
        int n = snprintf(ret_text + length, RULES_STEPS_SIZE - length, "%s%s", i > 0 ? ", " : "",
                         step_info(steps[i])->name);
        length += n > 0 ? (size_t)n : 0;
    }
}

void rules_format_plan(const struct rule *rule, char ret_text[static RULES_PLAN_SIZE])
{
    size_t length = 0;
    for (size_t i = 0; i < rule->stage_count && length < RULES_PLAN_SIZE; i++) {
        const struct rule_stage *stage = &rule->stages[i];
        char steps[RULES_STEPS_SIZE], after[QUANTITY_SIZE];
        rules_format_steps(stage->steps, stage->step_count, steps);
        quantity_format(
            (struct quantity){.kind = QUANTITY_USEC, .value = (int64_t)stage->after_usec}, after);
        int n = i == 0 ? snprintf(ret_text, RULES_PLAN_SIZE, "%s", steps)
                       : snprintf(ret_text + length, RULES_PLAN_SIZE - length,
                                  "; still after %s: %s", after, steps);
        length += n > 0 ? (size_t)n : 0;
    }
}

/* What is shown of a source line: a window of it around the column. */
#define RULES_LINE_SHOWN  160
#define RULES_LINE_BEFORE 100

struct rules_line {
    const char *at;
    size_t length;
    size_t column; /* offset of the error in it */
};

static bool rules_find_line(const char *source, size_t length, const struct error *error,
                            struct rules_line *ret_line)
{
    const char *at = source, *end = source + length;
    for (int line = 1; line < error->line; line++) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        if (!next)
            return false;
        at = next + 1;
    }
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t size = (size_t)((stop ? stop : end) - at);
    size -= size > 0 && at[size - 1] == '\r';
    size_t column = error->column > 0 ? (size_t)error->column - 1 : 0;
    *ret_line =
        (struct rules_line){.at = at, .length = size, .column = column < size ? column : size};
    return true;
}

/* Cut the line so that the column is inside; never inside a character. */
static void rules_cut_line(struct rules_line *line)
{
    if (line->column > RULES_LINE_BEFORE) {
        size_t skip = line->column - RULES_LINE_BEFORE;
        while (skip < line->column && ((unsigned char)line->at[skip] & 0xC0) == 0x80)
            skip++;
        line->at += skip;
        line->length -= skip;
        line->column -= skip;
    }
    while (line->length > RULES_LINE_SHOWN) {
        line->length = RULES_LINE_SHOWN;
        while (line->length > line->column &&
               ((unsigned char)line->at[line->length] & 0xC0) == 0x80)
            line->length--;
    }
}

/* Clean text of a span, tabs and carriage returns as blanks. */
static size_t rules_show(const char *at, size_t length, char *ret_text, size_t size)
{
    char copy[RULES_LINE_SHOWN];
    memcpy(copy, at, length);
    for (size_t i = 0; i < length; i++)
        if (copy[i] == '\t' || copy[i] == '\r')
            copy[i] = ' ';
    return text_clean(ret_text, size, copy, length);
}

static size_t rules_characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

/* U+FFFD takes three bytes where one stood. */
#define RULES_SHOWN_SIZE (3 * RULES_LINE_SHOWN + 1)

size_t rules_format_error(const char *source, size_t length, const struct error *error,
                          const char *file, char *ret_text, size_t size)
{
    struct rules_line line;
    char before[RULES_SHOWN_SIZE], rest[RULES_SHOWN_SIZE], mark[RULES_LINE_SHOWN + 1];
    if (error->line == 0 || !rules_find_line(source, length, error, &line)) {
        int n = snprintf(ret_text, size, "%s: error: %s\n", file, error->text);
        return n > 0 && (size_t)n < size ? (size_t)n : size - 1;
    }
    size_t span = lexer_span(line.at + line.column, line.length - line.column);
    rules_cut_line(&line);
    size_t blanks =
        rules_characters(before, rules_show(line.at, line.column, before, sizeof(before)));
    rules_show(line.at + line.column, line.length - line.column, rest, sizeof(rest));
    if (span > line.length - line.column)
        span = line.length > line.column ? line.length - line.column : 1;
    memset(mark, '~', span);
    mark[0] = '^';
    mark[span] = '\0';
    int n = snprintf(ret_text, size, "%s:%d:%d: error: %s\n%s%s\n%*s%s\n", file, error->line,
                     error->column, error->text, before, rest, (int)blanks, "", mark);
    return n > 0 && (size_t)n < size ? (size_t)n : size - 1;
}
