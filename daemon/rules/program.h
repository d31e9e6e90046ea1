/* SPDX-License-Identifier: MIT */
/*
 * A condition as it is evaluated: postfix, three-valued. Private to rules/.
 */
#ifndef MEMTEND_RULES_PROGRAM_H
#define MEMTEND_RULES_PROGRAM_H

#include "rules/lexer.h"
#include "rules/rules.h"
#include "rules/words.h"

#include <regex.h>

/* Each open parenthesis leaves at most `a or b and` waiting: two values, and one on top. */
#define PROGRAM_STACK (2 * (RULES_NESTING_LIMIT + 1) + 1)

/* Shares above this make no sense and would overflow sooner. */
#define PROGRAM_SHARE_LIMIT 1000000 /* 10,000 % */

enum rule_op_kind { RULE_OP_COMPARE, RULE_OP_TEXT, RULE_OP_AND, RULE_OP_OR, RULE_OP_NOT };

/* A literal, or a share of a metric. */
struct rule_operand {
    bool literal;
    enum metric metric;
    int64_t value; /* of a literal in the metric's unit; of a metric its share in permyriad */
};

struct rule_op {
    enum rule_op_kind kind;
    enum lexer_operator sign;
    struct rule_operand left, right; /* COMPARE */
    enum words_field field;          /* TEXT */
    unsigned text_index;             /* TEXT: bit in the cache */
    char *text;                      /* TEXT: compared whole; owned */
    regex_t *regex;                  /* TEXT: instead of text; owned */
};

void program_finish(struct rule_program *program);

#endif
