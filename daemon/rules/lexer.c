/* SPDX-License-Identifier: MIT */
#include "rules/lexer.h"

#include "base/text.h"
#include "rules/grammar.h"
#include "rules/words.h"

#include <errno.h>
#include <string.h>

void lexer_init(struct lexer *lexer, const char *text, size_t length)
{
    *lexer = (struct lexer){.text = text, .length = length, .line = 1};
}

static bool lexer_is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool lexer_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool lexer_is_word(char c)
{
    return lexer_is_word_start(c) || lexer_is_digit(c) || c == '.' || c == '-';
}

static size_t lexer_word_length(const char *at, size_t length)
{
    size_t i = 0;
    while (i < length && lexer_is_word(at[i]))
        i++;
    return i;
}

/* The closing quote, or the end of the line when there is none. */
static size_t lexer_string_length(const char *at, size_t length, bool *ret_closed)
{
    size_t i = 1;
    *ret_closed = false;
    for (; i < length && at[i] != '\n'; i++) {
        if (at[i] == '"') {
            *ret_closed = true;
            return i + 1;
        }
        if (at[i] == '\\' && i + 1 < length && at[i + 1] == '"')
            i++;
    }
    return i;
}

static void lexer_fail(struct token *token, struct error *error, const char *text)
{
    token->kind = LEXER_ERROR;
    error_set_at(error, 0, token->line, token->column, "%s", text);
}

/* To the end of the line, or to the first byte that must not be in a text that people read. */
static void lexer_skip_comment(struct lexer *lexer)
{
    const char *text = lexer->text;
    const char *line_end = memchr(text + lexer->at, '\n', lexer->length - lexer->at);
    size_t end = line_end ? (size_t)(line_end - text) : lexer->length;
    while (lexer->at < end) {
        lexer->at += text_clean_length(text + lexer->at, end - lexer->at);
        if (lexer->at < end && text[lexer->at] != '\t' && text[lexer->at] != '\r')
            return;
        lexer->at += lexer->at < end;
    }
}

/* Blanks, line breaks and comments. */
static void lexer_skip(struct lexer *lexer)
{
    while (lexer->at < lexer->length) {
        char c = lexer->text[lexer->at];
        if (c == '#') {
            lexer_skip_comment(lexer);
            if (lexer->at < lexer->length && lexer->text[lexer->at] != '\n')
                return;
            continue;
        }
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return;
        lexer->at++;
        if (c == '\n') {
            lexer->line++;
            lexer->line_start = lexer->at;
        }
    }
}

static void lexer_read_string(struct token *token, size_t left, struct error *error)
{
    bool closed;
    token->length = lexer_string_length(token->at, left, &closed);
    token->kind = TOKEN_STRING;
    if (!closed) {
        lexer_fail(token, error, "this string is never closed");
        return;
    }
    size_t clean = text_clean_length(token->at, token->length);
    if (clean < token->length) {
        token->column += (int)clean;
        lexer_fail(token, error, "a text holds no control character and is valid UTF-8");
    }
}

/* The unit behind a number, if what follows is meant as one. Returns bytes taken with the blanks.
 */
static size_t lexer_read_unit(struct token *token, size_t left,
                              const struct quantity_unit **ret_unit, struct error *error)
{
    const char *at = token->at + token->length;
    size_t blanks = 0;
    left -= token->length;
    while (blanks < left && (at[blanks] == ' ' || at[blanks] == '\t'))
        blanks++;
    at += blanks;
    left -= blanks;
    size_t length = left > 0 && *at == '%' ? 1 : lexer_word_length(at, left);
    if (length == 0 || (blanks > 0 && words_keyword(at, length)))
        return 0;
    *ret_unit = quantity_unit_find(at, length);
    if (*ret_unit)
        return blanks + length;
    char word[32];
    text_copy_span(word, sizeof(word), at, length);
    const char *near = quantity_unit_near(word);
    token->kind = LEXER_ERROR;
    token->column += (int)(token->length + blanks);
    if (near)
        error_set_at(error, 0, token->line, token->column, "unknown unit `%s' (did you mean `%s'?)",
                     word, near);
    else
        error_set_at(error, 0, token->line, token->column,
                     "unknown unit `%s': B KiB MiB GiB TiB kB MB GB TB, %%, ms s m h d", word);
    return blanks + length;
}

/* "7:30", "23:59": bytes taken; 0: it is no time of day. */
static size_t lexer_clock_length(const char *at, size_t left)
{
    size_t hours = left > 1 && lexer_is_digit(at[1]) ? 2 : 1;
    if (left < hours + 3 || at[hours] != ':' || !lexer_is_digit(at[hours + 1]) ||
        !lexer_is_digit(at[hours + 2]))
        return 0;
    return hours + 1 + lexer_word_length(at + hours + 1, left - hours - 1);
}

static void lexer_read_clock(struct token *token, struct error *error)
{
    const char *at = token->at, *colon = memchr(at, ':', token->length);
    int hours = at[0] - '0', minutes = (colon[1] - '0') * 10 + colon[2] - '0';
    if (colon == at + 2)
        hours = hours * 10 + at[1] - '0';
    token->kind = TOKEN_CLOCK;
    token->minute = hours * 60 + minutes;
    if (hours > 23 || minutes > 59 || colon + 3 != at + token->length)
        lexer_fail(token, error, "a time of day is written 00:00 to 23:59");
}

static void lexer_read_number(struct token *token, size_t left, struct error *error)
{
    struct quantity_number number;
    const struct quantity_unit *unit = NULL;
    size_t used = 0;
    token->length = lexer_clock_length(token->at, left);
    if (token->length > 0) {
        lexer_read_clock(token, error);
        return;
    }
    if (quantity_scan_number(token->at, left, &number, &used) < 0) {
        token->length = lexer_word_length(token->at, left);
        lexer_fail(token, error, "this number has too many digits");
        return;
    }
    token->kind = TOKEN_NUMBER;
    token->length = used;
    token->length += lexer_read_unit(token, left, &unit, error);
    if (token->kind == LEXER_ERROR)
        return;
    int r = quantity_make(number, unit, &token->number);
    if (r == -EDOM)
        lexer_fail(token, error,
                   unit ? "a percentage has at most two decimals" : "a count has no decimals");
    else if (r < 0)
        lexer_fail(token, error, "this number is too large");
}

static void lexer_read_word(struct lexer *lexer, struct token *token, size_t left)
{
    token->length = lexer_word_length(token->at, left);
    int keyword = words_keyword(token->at, token->length);
    token->kind = keyword ? keyword : TOKEN_WORD;
    lexer->name_next = token->kind == TOKEN_RULE;
}

static const struct {
    const char *text;
    int kind;
    enum lexer_operator sign;
    const char *instead; /* how it is said here */
} lexer_signs[] = {
    {"&&", 0, 0, "`&&' is written `and'"},
    {"||", 0, 0, "`||' is written `or'"},
    {"=~", 0, 0, "`=~' is written `~'"},
    {"=>", 0, 0, "`=>' is written `>='"},
    {"=<", 0, 0, "`=<' is written `<='"},
    {"<>", 0, 0, "`<>' is written `!='"},
    {"<=", TOKEN_COMPARE, LEXER_LESS_EQUAL, NULL},
    {">=", TOKEN_COMPARE, LEXER_GREATER_EQUAL, NULL},
    {"==", TOKEN_COMPARE, LEXER_EQUAL, NULL},
    {"!=", TOKEN_COMPARE, LEXER_NOT_EQUAL, NULL},
    {"!~", TOKEN_COMPARE, LEXER_NOT_MATCH, NULL},
    {"<", TOKEN_COMPARE, LEXER_LESS, NULL},
    {">", TOKEN_COMPARE, LEXER_GREATER, NULL},
    {"=", TOKEN_COMPARE, LEXER_EQUAL, NULL},
    {"~", TOKEN_COMPARE, LEXER_MATCH, NULL},
    {"!", 0, 0, "`!' alone is written `not'"},
    {"(", TOKEN_OPEN, 0, NULL},
    {")", TOKEN_CLOSE, 0, NULL},
    {",", TOKEN_COMMA, 0, NULL},
    {":", TOKEN_COLON, 0, NULL},
    {"'", 0, 0, "a text stands in double quotes"},
};

static void lexer_read_sign(struct token *token, size_t left, struct error *error)
{
    for (size_t i = 0; i < sizeof(lexer_signs) / sizeof(lexer_signs[0]); i++) {
        size_t length = strlen(lexer_signs[i].text);
        if (length > left || memcmp(token->at, lexer_signs[i].text, length) != 0)
            continue;
        token->length = length;
        token->kind = lexer_signs[i].kind;
        token->sign = lexer_signs[i].sign;
        if (lexer_signs[i].instead)
            lexer_fail(token, error, lexer_signs[i].instead);
        return;
    }
    char shown[8];
    token->length = 1;
    token->kind = LEXER_ERROR;
    size_t clean = text_clean_length(token->at, left < 4 ? left : 4);
    size_t first = 1;
    while (first < clean && ((unsigned char)token->at[first] & 0xC0) == 0x80)
        first++;
    if (clean > 0)
        token->length = first;
    text_clean(shown, sizeof(shown), token->at, token->length);
    error_set_at(error, 0, token->line, token->column, "unexpected character `%s'", shown);
}

void lexer_next(struct lexer *lexer, struct token *ret_token, struct error *error)
{
    lexer_skip(lexer);
    struct token token = {
        .line = lexer->line,
        .column = (int)(lexer->at - lexer->line_start) + 1,
        .at = lexer->text + lexer->at,
    };
    size_t left = lexer->length - lexer->at;
    bool name = lexer->name_next && left > 0 && lexer_is_word(*token.at);
    lexer->name_next = false;
    if (left == 0) {
        token.kind = LEXER_END;
    } else if (name) {
        token.kind = TOKEN_NAME;
        token.length = lexer_word_length(token.at, left);
    } else if (lexer_is_word_start(*token.at)) {
        lexer_read_word(lexer, &token, left);
    } else if (lexer_is_digit(*token.at)) {
        lexer_read_number(&token, left, error);
    } else if (*token.at == '"') {
        lexer_read_string(&token, left, error);
    } else {
        lexer_read_sign(&token, left, error);
    }
    lexer->at += token.length;
    *ret_token = token;
}

void lexer_copy(const struct token *token, char *ret_text, size_t size)
{
    text_copy_span(ret_text, size, token->at, token->length);
}

size_t lexer_span(const char *at, size_t length)
{
    bool closed;
    if (length > 0 && *at == '"')
        return lexer_string_length(at, length, &closed);
    size_t word = lexer_word_length(at, length);
    return word > 0 ? word : 1;
}
