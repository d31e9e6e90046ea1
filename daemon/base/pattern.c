/* SPDX-License-Identifier: MIT */
#include "base/pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* 2^8 states take 800 KiB when a text goes through all of them. */
#define PATTERN_COUNT_SMALL 8

/* Sizes so far while walking over an expression. */
struct pattern_walk {
    size_t size; /* of the group under way */
    size_t last; /* of the last thing in it, to which a repetition applies */
};

/* Behind a bracket expression; at the end when it is never closed. */
static const char *pattern_skip_bracket(const char *at)
{
    at++;
    at += *at == '^';
    at += *at == ']';
    while (*at && *at != ']') {
        const char *close = NULL;
        if (*at == '[' && (at[1] == ':' || at[1] == '.' || at[1] == '=')) {
            const char end[] = {at[1], ']', '\0'};
            close = strstr(at + 2, end);
        }
        at = close ? close + 2 : at + 1;
    }
    return *at ? at + 1 : at;
}

/* Largest number of "{m,n}" and what is behind it; 1 when it is no repetition. */
static const char *pattern_read_repeat(const char *at, size_t *ret_times)
{
    size_t times = 0, number = 0;
    for (at++; *at && *at != '}'; at++) {
        bool digit = *at >= '0' && *at <= '9';
        number = digit ? number * 10 + (size_t)(*at - '0') : 0;
        if (number > PATTERN_SIZE_LIMIT)
            number = PATTERN_SIZE_LIMIT + 1;
        times = number > times ? number : times;
    }
    *ret_times = times > 0 ? times : 1;
    return *at ? at + 1 : at;
}

static void pattern_add(struct pattern_walk *walk, size_t size)
{
    walk->size += size;
    walk->last = size;
}

size_t pattern_size(const char *pattern)
{
    struct pattern_walk stack[PATTERN_LENGTH_LIMIT + 1] = {{0, 0}};
    size_t depth = 0, times;
    for (const char *at = pattern; *at;) {
        struct pattern_walk *walk = &stack[depth];
        if (*at == '(' && depth < PATTERN_LENGTH_LIMIT) {
            stack[++depth] = (struct pattern_walk){0, 0};
            at++;
        } else if (*at == ')' && depth > 0) {
            pattern_add(&stack[--depth], walk->size + 1);
            at++;
        } else if (*at == '[') {
            pattern_add(walk, 1);
            at = pattern_skip_bracket(at);
        } else if (*at == '{') {
            at = pattern_read_repeat(at, &times);
            walk->size += walk->last * (times - 1);
            walk->last *= times;
        } else {
            pattern_add(walk, 1);
            at += *at == '\\' && at[1] ? 2 : 1;
        }
        if (stack[depth].size > PATTERN_SIZE_LIMIT)
            return PATTERN_SIZE_LIMIT + 1;
    }
    return stack[0].size;
}

bool pattern_has_back_reference(const char *pattern)
{
    for (const char *at = pattern; *at; at++) {
        if (*at != '\\')
            continue;
        if (at[1] >= '1' && at[1] <= '9')
            return true;
        at += at[1] != '\0';
    }
    return false;
}

/* The expression goes on behind "{m,n}", "{m}" or "{m,}". */
static const char *pattern_judge_repeat(const char *at, bool *small, bool *endless)
{
    size_t times;
    const char *behind = pattern_read_repeat(at, &times);
    *small = *small && times <= PATTERN_COUNT_SMALL;
    *endless = *endless || (behind - at >= 3 && behind[-2] == ',');
    return behind;
}

bool pattern_wants_one_pass(const char *pattern)
{
    size_t depth = 0;
    bool small = true, endless = false;
    for (const char *at = pattern; *at;) {
        if (*at == '[') {
            at = pattern_skip_bracket(at);
        } else if (*at == '{') {
            at = pattern_judge_repeat(at, &small, &endless);
        } else if (*at == ')' && depth == 0) {
            return false;
        } else {
            depth += *at == '(';
            depth -= *at == ')';
            endless = endless || *at == '*' || *at == '+';
            at += *at == '\\' && at[1] ? 2 : 1;
        }
    }
    return small && endless;
}

/* Replaces the compiled expression by the form that is found faster; stays when there is none. */
static void pattern_one_pass(regex_t *regex, const char *pattern)
{
    char longer[PATTERN_LENGTH_LIMIT + 8];
    regex_t one_pass;
    if (!pattern_wants_one_pass(pattern))
        return;
    snprintf(longer, sizeof(longer), "^.*(%s)", pattern);
    if (regcomp(&one_pass, longer, REG_EXTENDED | REG_NOSUB) != 0)
        return;
    regfree(regex);
    *regex = one_pass;
}

int pattern_compile(const char *pattern, regex_t *ret_regex, struct error *error)
{
    regex_t regex;
    if (strlen(pattern) > PATTERN_LENGTH_LIMIT)
        return error_set(error, -EINVAL, "a regular expression is at most %d bytes long",
                         PATTERN_LENGTH_LIMIT);
    if (pattern_has_back_reference(pattern))
        return error_set(error, -EINVAL,
                         "back-references are not part of extended regular expressions");
    if (pattern_size(pattern) > PATTERN_SIZE_LIMIT)
        return error_set(error, -EINVAL,
                         "this repeats too much: at most %d characters when written out",
                         PATTERN_SIZE_LIMIT);
    int r = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (r == REG_ESPACE)
        return error_set(error, -ENOMEM, "out of memory");
    if (r != 0) {
        char text[120];
        regerror(r, &regex, text, sizeof(text));
        return error_set(error, -EINVAL, "invalid regular expression: %s", text);
    }
    pattern_one_pass(&regex, pattern);
    *ret_regex = regex;
    return 0;
}
