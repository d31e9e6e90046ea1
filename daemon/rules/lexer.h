/* SPDX-License-Identifier: MIT */
/*
 * Cuts a rule text into tokens. Holds no memory: a token points into the source, which the caller
 * keeps. Private to rules/.
 */
#ifndef MEMTEND_RULES_LEXER_H
#define MEMTEND_RULES_LEXER_H

#include "base/error.h"
#include "base/quantity.h"

#include <stdbool.h>
#include <stddef.h>

enum lexer_operator {
    LEXER_LESS,
    LEXER_LESS_EQUAL,
    LEXER_GREATER,
    LEXER_GREATER_EQUAL,
    LEXER_EQUAL,
    LEXER_NOT_EQUAL,
    LEXER_MATCH,
    LEXER_NOT_MATCH,
};

#define LEXER_END   0    /* end of the text; the number that ends a lemon parse */
#define LEXER_ERROR (-1) /* not a token; the lexer went past it */

struct token {
    int kind; /* TOKEN_* of the grammar, LEXER_END or LEXER_ERROR */
    int line, column;
    const char *at;
    size_t length;            /* bytes in the source, quotes and unit included */
    struct quantity number;   /* TOKEN_NUMBER */
    enum lexer_operator sign; /* TOKEN_COMPARE */
    int minute;               /* TOKEN_CLOCK: of the day, 0 to 1439 */
};

struct lexer {
    const char *text;
    size_t length, at;
    size_t line_start; /* offset of the line that holds `at` */
    int line;
    bool name_next; /* after `rule` comes a name, whatever it looks like */
};

void lexer_init(struct lexer *lexer, const char *text, size_t length);
/* error is filled when the kind is LEXER_ERROR. */
void lexer_next(struct lexer *lexer, struct token *ret_token, struct error *error);
/* Copy the token's source with a NUL, cut to size. */
void lexer_copy(const struct token *token, char *ret_text, size_t size);
/* Length of what one caret line underlines at this place of a source line; at least 1. */
size_t lexer_span(const char *at, size_t length);

#endif
