/* SPDX-License-Identifier: MIT */
/*
 * What a rule's sentence means: the actions of the grammar fill one struct rule and collect
 * errors. One struct build serves a whole text. Private to rules/.
 */
#ifndef MEMTEND_RULES_BUILD_H
#define MEMTEND_RULES_BUILD_H

#include "rules/lexer.h"
#include "rules/program.h"
#include "rules/rules.h"

struct build {
    struct error *errors; /* the caller's */
    size_t limit, count;
    bool any; /* there was an error, kept or not */
    int code; /* 0, or -ENOMEM: give up */

    struct rule *rule;            /* under way, owned; NULL between rules */
    struct rule_program *program; /* where or when of it */
    bool failed;                  /* this rule has an error */
    bool lost;                    /* a syntax error: skip to the next rule */
    bool said_cooldown, said_hours;
    struct token name;     /* of this rule */
    struct token previous; /* last token of this rule that the grammar took */
    size_t count_before;   /* errors before that token */
};

/* A rule begins at this token. */
void build_begin(struct build *build, const struct token *first);
/* It has ended: its text is known. Hands it over, or NULL when it had an error. */
struct rule *build_end(struct build *build, const char *text, size_t length);
void build_finish(struct build *build);

void build_error(struct build *build, const struct token *at, const char *format, ...)
    _printf_(3, 4);
void build_no_memory(struct build *build);

/* The actions of the grammar; those of conditions are in condition.h. */
void build_name(struct build *build, const struct token *name);
void build_scope(struct build *build, const struct token *word);
void build_begin_where(struct build *build);
void build_begin_when(struct build *build);
void build_begin_until(struct build *build, const struct token *clause);
void build_begin_only(struct build *build, const struct token *clause);
void build_for(struct build *build, const struct token *duration);
void build_for_of(struct build *build, const struct token *duration, const struct token *window);
void build_step(struct build *build, const struct token *word);
/* `if still after`: the steps that follow are for later. */
void build_stage(struct build *build, const struct token *duration);
/* number NULL: once. */
void build_cooldown(struct build *build, const struct token *clause, const struct token *number,
                    const struct token *duration);
void build_hours(struct build *build, const struct token *clause, const struct token *from,
                 const struct token *to);
void build_pause(struct build *build, const struct token *clause, const struct token *duration);
void build_mode(struct build *build, const struct token *word, enum rule_mode mode);

/* The grammar does not go on with this token: say what it would go on with. */
void build_unexpected(struct build *build, const struct token *token, const bool *expected,
                      int tokens);
void build_too_deep(struct build *build, const struct token *token);

#endif
