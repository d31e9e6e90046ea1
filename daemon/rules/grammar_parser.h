/* SPDX-License-Identifier: MIT */
/*
 * What lemon makes of grammar.y. Private to rules/.
 */
#ifndef MEMTEND_RULES_GRAMMAR_PARSER_H
#define MEMTEND_RULES_GRAMMAR_PARSER_H

#include "rules/build.h"

void *grammar_Alloc(void *(*allocate)(size_t size), struct build *build);
void grammar_Free(void *parser, void (*release)(void *memory));
/* Token 0 ends the parse. */
void grammar_(void *parser, int kind, struct token token);

#endif
