/* SPDX-License-Identifier: MIT */
/*
 * The sentence. Conditions are reduced in postfix order, so each action appends to the program of
 * the rule and there is no tree. One parse is one rule: after an error the caller goes on with the
 * next `rule`. What the words mean is in build.c.
 */
%name grammar_
%token_prefix TOKEN_
%token_type { struct token }
%extra_context { struct build *build }

/* RULES_NESTING_LIMIT parentheses with what may wait before each of them. */
%stack_size 256

%include {
#include "rules/condition.h"
#include "rules/grammar_parser.h"
}

%syntax_error {
    bool expected[YYNTOKEN] = {false};
    for (int token = 0; token < YYNTOKEN; token++)
        expected[token] = yy_find_shift_action((YYCODETYPE)token, yypParser->yytos->stateno) !=
                          YY_ERROR_ACTION;
    build_unexpected(build, &TOKEN, expected, YYNTOKEN);
}

%stack_overflow {
    build_too_deep(build, &build->previous);
}

start ::= head scope COLON when condition duration THEN steps clauses.
head ::= RULE NAME(N).                      { build_name(build, &N); }

scope ::= FOR EACH PROCESS.
scope ::= FOR EACH PROCESS where condition.
scope ::= FOR EACH WORD(W).                 { build_scope(build, &W); }
scope ::= FOR EACH WORD(W) where condition. { build_scope(build, &W); }
scope ::= FOR WORD(W).                      { build_scope(build, &W); }
scope ::= FOR WORD(W) WORD.                 { build_scope(build, &W); }
where ::= WHERE.                            { build_begin_where(build); }
when ::= WHEN.                              { build_begin_when(build); }

condition ::= all.
condition ::= condition OR all.             { condition_logic(build, RULE_OP_OR); }
all ::= one.
all ::= all AND one.                        { condition_logic(build, RULE_OP_AND); }
one ::= NOT one.                            { condition_logic(build, RULE_OP_NOT); }
one ::= OPEN condition CLOSE.
one ::= operand(L) COMPARE(S) operand(R).   { condition_compare(build, &L, &S, &R); }

%type operand { struct condition_operand }
operand(O) ::= WORD(W).                     { condition_word(&W, &O); }
operand(O) ::= NUMBER(N).                   { condition_number(&N, &O); }
operand(O) ::= NUMBER(N) OF WORD(W).        { condition_share(build, &N, &W, &O); }
operand(O) ::= STRING(S).                   { condition_string(&S, &O); }

duration ::= .
duration ::= FOR NUMBER(N).                 { build_for(build, &N); }
duration ::= FOR NUMBER(N) OF NUMBER(W).    { build_for_of(build, &N, &W); }

steps ::= step.
steps ::= steps COMMA step.
step ::= WORD(W).                           { build_step(build, &W); }
step ::= WORD(W) STRING.                    { build_step(build, &W); }

clauses ::= .
clauses ::= clauses clause.
clause ::= still steps.
still ::= IF STILL AFTER NUMBER(N) THEN.    { build_stage(build, &N); }
clause ::= until condition.
until ::= UNTIL(U).                         { build_begin_until(build, &U); }
clause ::= AT(A) MOST ONCE PER NUMBER(D).   { build_cooldown(build, &A, NULL, &D); }
clause ::= AT(A) MOST NUMBER(N) PER NUMBER(D). { build_cooldown(build, &A, &N, &D); }
clause ::= PAUSE(P) AT MOST NUMBER(N).      { build_pause(build, &P, &N); }
clause ::= ONLY(O) BETWEEN CLOCK(A) AND CLOCK(B). { build_hours(build, &O, &A, &B); }
clause ::= only condition.
only ::= ONLY(O) WHEN.                      { build_begin_only(build, &O); }
clause ::= DRY_RUN(M).                      { build_mode(build, &M, RULE_MODE_DRY_RUN); }
clause ::= ARMED(M).                        { build_mode(build, &M, RULE_MODE_ARMED); }
