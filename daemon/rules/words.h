/* SPDX-License-Identifier: MIT */
/*
 * The words of the rule language: keywords, the texts of a process, and the words of the full
 * language that this version does not have, so that they get their own error; with "did you mean".
 * Constant data. Private to rules/.
 */
#ifndef MEMTEND_RULES_WORDS_H
#define MEMTEND_RULES_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Texts of a process that a rule may compare. */
enum words_field { WORDS_COMM, WORDS_CMDLINE, WORDS_UNIT, WORDS_NAME, WORDS_FIELD_COUNT };

/* Where a word stands. */
enum words_place {
    WORDS_IN_SCOPE,     /* after `for` or `for each` */
    WORDS_IN_CONDITION, /* a metric or a text */
    WORDS_IN_STEPS,
    WORDS_IN_CLAUSES,
};

/* Token of a keyword, 0 when it is none. */
int words_keyword(const char *at, size_t length);
bool words_is_keyword(int token);
/* How a token of the grammar is named in errors. */
const char *words_token_name(int token);
int words_field_find(const char *word, enum words_field *ret_field); /* -ENOENT */
const char *words_field_name(enum words_field field);
/* Part of the full language, not of this version. */
bool words_is_later(enum words_place place, const char *word);

/* The nearest known word, NULL when none is near enough to be meant. */
const char *words_near_operand(const char *word);
const char *words_near_step(const char *word);
/* Among tokens for which expected[token] is true. */
const char *words_near_keyword(const char *word, const bool *expected);

#endif
