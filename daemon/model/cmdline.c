/* SPDX-License-Identifier: MIT */
#include "model/cmdline.h"

#include "base/text.h"
#include "model/script.h"
#include "model/secret.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Bytes looked at for the redacted text. Sixteen times what is shown, because hidden values do
 * not use up room.
 */
#define CMDLINE_REDACT_LIMIT 4096

struct span {
    size_t from, to;
};

/* A command line and which of its bytes are hidden. */
struct line {
    const char *bytes;
    size_t length;
    struct span script; /* argument that stays as it is; empty = none */
    const struct short_option *options;
    bool next_is_secret;
    bool secret[CMDLINE_REDACT_LIMIT];
};

/* A word and the argument it is part of. */
struct word {
    struct span span, argument;
};

/* Options of one letter whose value is a secret, attached or as the next argument. */
struct short_option {
    const char *program;
    const char *option;
    bool separate; /* the value may be the next argument */
};

static const struct short_option short_options[] = {
    {"mysql", "-p", false},     {"mysqldump", "-p", false},    {"mysqladmin", "-p", false},
    {"mariadb", "-p", false},   {"mongo", "-p", true},         {"mongosh", "-p", true},
    {"sshpass", "-p", true},    {"redis-cli", "-a", true},     {"ldapsearch", "-w", true},
    {"ldapmodify", "-w", true}, {"curl", "-u", true},          {"smbclient", "-U", true},
    {"7z", "-p", false},        {"unzip", "-P", true},         {"zip", "-P", true},
    {"sqlcmd", "-P", true},     {"docker", "-p", false},       {"ipmitool", "-P", true},
    {"xfreerdp", "/p:", false}, {"snmpwalk", "-A", true},      {"snmpwalk", "-X", true},
    {"kinit", "-w", true},      {"rabbitmqadmin", "-p", true},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name(char c)
{
    return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

static void line_hide(struct line *line, size_t from, size_t to)
{
    if (to > from)
        memset(line->secret + from, true, to - from);
}

static bool line_starts_with(const struct line *line, struct span span, const char *prefix)
{
    size_t length = strlen(prefix);
    return span.to - span.from >= length && memcmp(line->bytes + span.from, prefix, length) == 0;
}

static bool line_equals(const struct line *line, struct span span, const char *text)
{
    return span.to - span.from == strlen(text) && line_starts_with(line, span, text);
}

/* The argument that begins at from; its end is the NUL or the end of the bytes. */
static struct span line_argument(const struct line *line, size_t from)
{
    const char *end = memchr(line->bytes + from, '\0', line->length - from);
    return (struct span){from, end ? (size_t)(end - line->bytes) : line->length};
}

static struct span line_basename(const struct line *line, struct span span)
{
    for (size_t at = span.to; at > span.from; at--)
        if (line->bytes[at - 1] == '/')
            return (struct span){at, span.to};
    return span;
}

/* Behind the quoted text that begins at from, and what is joined to it: 'a'"b". */
static size_t line_quoted_end(const struct line *line, size_t from, size_t end)
{
    char quote = line->bytes[from];
    size_t to = from + 1;
    for (; to < end && line->bytes[to] != quote; to++)
        if (line->bytes[to] == '\\' && to + 1 < end)
            to++;
    while (to < end && !is_blank(line->bytes[to]) && !strchr(",;)}]&|", line->bytes[to]))
        to++;
    return to;
}

/*
 * Hide the value that begins at `from`: a quoted one to its closing quote, one that is an argument
 * or the end of one (whole = true) to the end of the argument, else one word.
 */
static void line_hide_value(struct line *line, const struct word *word, size_t from, bool whole)
{
    size_t end = word->argument.to;
    while (from < end && is_blank(line->bytes[from])) {
        from++;
        whole = true;
    }
    size_t to = from;
    if (from < end && is_quote(line->bytes[from]))
        to = line_quoted_end(line, from, end);
    else if (whole)
        to = end;
    else
        while (to < end && !is_blank(line->bytes[to]))
            to++;
    line_hide(line, from, to);
}

/* The name that ends at `end`, perhaps in quotes. Its last 63 bytes are enough to judge it. */
static struct span name_before(const struct line *line, size_t begin, size_t end, bool *ret_quoted)
{
    *ret_quoted = end > begin && is_quote(line->bytes[end - 1]);
    if (*ret_quoted)
        end--;
    struct span name = {end, end};
    while (name.from > begin && is_name(line->bytes[name.from - 1]) && end - name.from < 63)
        name.from--;
    return name;
}

/* NAME=VALUE, --name=VALUE, "name": "VALUE", Name: VALUE, anywhere in the word. */
static void hide_assignments(struct line *line, const struct word *word)
{
    for (size_t at = word->span.from; at < word->span.to; at++) {
        char separator = line->bytes[at];
        if (separator != '=' && separator != ':')
            continue;
        bool quoted;
        struct span name = name_before(line, word->span.from, at, &quoted);
        enum secret_name strength = secret_name(line->bytes + name.from, name.to - name.from);
        bool last = at + 1 == word->span.to;
        bool apart = quoted || last || is_quote(line->bytes[at + 1]);
        if (strength == SECRET_NAME_NO ||
            (separator == ':' && strength == SECRET_NAME_WEAK && !apart))
            continue;
        line_hide_value(line, word, at + 1, name.from <= word->argument.from + 2);
        return;
    }
}

/* user:PASSWORD@host, with or without a scheme; the last '@' counts, for passwords may have one. */
static void hide_userinfo(struct line *line, const struct word *word)
{
    const char *bytes = line->bytes;
    size_t at = word->span.to;
    while (at > word->span.from && bytes[at - 1] != '@')
        at--;
    if (at == word->span.from)
        return;
    for (size_t i = word->span.from; i + 1 < at; i++) {
        if (bytes[i] != ':')
            continue;
        if (bytes[i + 1] == '/' && i + 2 < at && bytes[i + 2] == '/') {
            i += 2;
            continue;
        }
        line_hide(line, i + 1, at - 1);
        return;
    }
}

/* base64 has '+' and '/', but what follows a '/' is a path: its parts are judged one by one. */
static bool is_random(const struct line *line, const struct word *word, size_t run_from, size_t at)
{
    char c = line->bytes[at];
    if (is_alnum(c) || c == '_' || c == '-')
        return true;
    bool path = run_from > word->span.from && line->bytes[run_from - 1] == '/';
    return at > run_from && !path && (c == '+' || c == '/');
}

static void hide_random(struct line *line, const struct word *word)
{
    struct span run = {word->span.from, word->span.from};
    for (size_t at = word->span.from; at <= word->span.to; at++) {
        if (at < word->span.to && is_random(line, word, run.from, at))
            continue;
        run.to = at;
        if (secret_value(line->bytes + run.from, run.to - run.from))
            line_hide(line, run.from, run.to);
        run.from = at + 1;
    }
}

/* --name VALUE and -name VALUE. */
static void expect_secret(struct line *line, const struct word *word)
{
    struct span name = word->span;
    if (line->bytes[name.from] != '-')
        return;
    for (size_t at = name.from; at < name.to; at++)
        if (!is_name(line->bytes[at]))
            return;
    if (secret_name(line->bytes + name.from, name.to - name.from) != SECRET_NAME_NO)
        line->next_is_secret = true;
}

/* The program named last on the line counts: "sudo mysql -pX", "sh -c 'mysql -pX'". */
static void note_program(struct line *line, const struct word *word)
{
    struct span name = line_basename(line, word->span);
    for (size_t i = 0; i < COUNT_OF(short_options); i++)
        if (line_equals(line, name, short_options[i].program)) {
            line->options = &short_options[i];
            return;
        }
}

static void hide_short_options(struct line *line, const struct word *word)
{
    const struct short_option *end = short_options + COUNT_OF(short_options);
    for (const struct short_option *option = line->options;
         option && option < end && strcmp(option->program, line->options->program) == 0; option++) {
        if (line_equals(line, word->span, option->option))
            line->next_is_secret = option->separate;
        else if (line_starts_with(line, word->span, option->option))
            line_hide_value(line, word, word->span.from + strlen(option->option), false);
    }
}

static void (*const redactions[])(struct line *line, const struct word *word) = {
    expect_secret, hide_short_options, hide_assignments, hide_userinfo, hide_random,
};

static void line_redact_word(struct line *line, const struct word *word)
{
    bool expected = line->next_is_secret;
    line->next_is_secret = false;
    note_program(line, word);
    if (line->secret[word->span.from] || word->span.from == 0)
        return;
    if (word->argument.from == line->script.from && line->script.to > 0)
        return;
    if (expected && !line_starts_with(line, word->span, "--")) {
        line_hide_value(line, word, word->span.from, word->span.from == word->argument.from);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(redactions); i++)
        redactions[i](line, word);
}

static void line_redact(struct line *line)
{
    struct word word = {.argument = line_argument(line, 0)};
    for (size_t at = 0; at < line->length;) {
        if (at > word.argument.to)
            word.argument = line_argument(line, at);
        if (is_blank(line->bytes[at])) {
            at++;
            continue;
        }
        word.span.from = at;
        while (at < line->length && !is_blank(line->bytes[at]))
            at++;
        word.span.to = at;
        line_redact_word(line, &word);
    }
}

/* Write what is visible, each hidden run as "***". Returns the bytes written, at most size. */
static size_t line_write(const struct line *line, char *ret_bytes, size_t size)
{
    size_t written = 0;
    for (size_t at = 0; at < line->length && written < size; at++) {
        if (!line->secret[at]) {
            ret_bytes[written++] = (char)(line->bytes[at] ? line->bytes[at] : ' ');
            continue;
        }
        if (at > 0 && line->secret[at - 1])
            continue;
        for (int stars = 0; stars < 3 && written < size; stars++)
            ret_bytes[written++] = '*';
    }
    return written;
}

static size_t cmdline_trimmed(const char *bytes, size_t length)
{
    while (length > 0 && bytes[length - 1] == '\0')
        length--;
    return length;
}

size_t cmdline_full(const char *bytes, size_t length, char *ret_text, size_t size)
{
    size_t written = 0;
    length = cmdline_trimmed(bytes, length);
    ret_text[0] = '\0';
    for (size_t at = 0; at < length && written + 1 < size;) {
        const char *end = memchr(bytes + at, '\0', length - at);
        size_t argument = end ? (size_t)(end - bytes) - at : length - at;
        if (at > 0)
            ret_text[written++] = ' ';
        written += text_clean(ret_text + written, size - written, bytes + at, argument);
        at += argument + 1;
    }
    return written;
}

size_t cmdline_redact(const char *bytes, size_t length, char *ret_text, size_t size)
{
    struct line line = {.bytes = bytes, .length = cmdline_trimmed(bytes, length)};
    if (line.length > CMDLINE_REDACT_LIMIT)
        line.length = CMDLINE_REDACT_LIMIT;
    if (line.length > 0) {
        script_find(bytes, line.length, &line.script.from, &line.script.to);
        line_redact(&line);
    }
    char visible[CMDLINE_REDACT_LIMIT];
    size_t visible_length = line_write(&line, visible, sizeof(visible));
    return text_clean(ret_text, size, visible, visible_length);
}
