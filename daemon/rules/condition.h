/* SPDX-License-Identifier: MIT */
/*
 * Conditions: binds words to metrics and texts, brings literals to the metric's unit and appends
 * to the program of the rule under way, so that evaluation only compares numbers. Private to
 * rules/.
 */
#ifndef MEMTEND_RULES_CONDITION_H
#define MEMTEND_RULES_CONDITION_H

#include "rules/build.h"

enum condition_kind {
    CONDITION_BAD,  /* said already; what it takes part in is not judged any more */
    CONDITION_WORD, /* not looked up yet */
    CONDITION_METRIC,
    CONDITION_NUMBER,
    CONDITION_FIELD,
    CONDITION_STRING,
};

struct condition_operand {
    enum condition_kind kind;
    struct token token; /* where it begins */
    enum metric metric;
    int64_t share_permyriad; /* METRIC: 10000 = all of it */
    enum words_field field;
};

void condition_word(const struct token *word, struct condition_operand *ret_operand);
void condition_number(const struct token *number, struct condition_operand *ret_operand);
void condition_share(struct build *build, const struct token *number, const struct token *word,
                     struct condition_operand *ret_operand);
void condition_string(const struct token *string, struct condition_operand *ret_operand);
/* Looks the words of both sides up. */
void condition_compare(struct build *build, struct condition_operand *left,
                       const struct token *sign, struct condition_operand *right);
void condition_logic(struct build *build, enum rule_op_kind kind);

#endif
