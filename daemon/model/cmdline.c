/* SPDX-License-Identifier: MIT */
#include "model/cmdline.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Bytes looked at for the redacted text. Sixteen times what is shown, because hidden values do
 * not use up room.
 */
#define CMDLINE_REDACT_LIMIT 4096

/* Random strings shorter than this are not told from names. 20 base64 digits hold 120 bits. */
#define CMDLINE_RANDOM_LENGTH 20

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

struct secret_name {
    const char *part;
    bool strong; /* also hides in NAME:VALUE, where a weak one may be a module ("auth:app") */
};

static const struct secret_name secret_names[] = {
    {"pass", true},       {"pwd", true},  {"secret", true}, {"token", true},
    {"credential", true}, {"key", false}, {"auth", false},
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

/* Beginnings that only secrets have. */
static const char *const secret_prefixes[] = {
    "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "sk-",   "sk_live_", "rk_live_",
    "xox",  "AKIA", "ASIA", "AIza", "eyJ",         "npm_",   "pypi-", "hf_",      "dop_v1_",
};

/* Interpreters, and their options that take the next argument for themselves. */
struct interpreter {
    const char *program;
    const char *options_with_value;
};

static const struct interpreter interpreters[] = {
    {"python", "WXQ"}, {"pypy", "WX"}, {"ruby", "rIC"}, {"perl", "I"}, {"node", "r"},
    {"nodejs", "r"},   {"bash", "O"},  {"dash", "o"},   {"sh", "o"},   {"php", "dfz"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_alnum(char c)
{
    return is_digit(c) || is_lower(c) || is_upper(c);
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

/* "python", "python3", "python3.11", "-bash" (a login shell), but not "pythonic". */
static const struct interpreter *line_interpreter(const struct line *line)
{
    struct span name = line_basename(line, line_argument(line, 0));
    if (name.from < name.to && line->bytes[name.from] == '-')
        name.from++;
    while (name.to > name.from &&
           (is_digit(line->bytes[name.to - 1]) || line->bytes[name.to - 1] == '.'))
        name.to--;
    for (size_t i = 0; i < COUNT_OF(interpreters); i++)
        if (line_equals(line, name, interpreters[i].program))
            return &interpreters[i];
    return NULL;
}

/* What an argument of an interpreter means for the search of the script. */
enum script_search { SCRIPT_HERE, SCRIPT_NEXT, SCRIPT_SKIP_NEXT, SCRIPT_GO_ON, SCRIPT_NONE };

static enum script_search script_look(const struct line *line, struct span argument,
                                      const struct interpreter *interpreter)
{
    if (argument.from == argument.to)
        return SCRIPT_GO_ON;
    if (line->bytes[argument.from] != '-')
        return SCRIPT_HERE;
    if (argument.to - argument.from < 2 || line->bytes[argument.from + 1] == '-')
        return line_equals(line, argument, "--") ? SCRIPT_NEXT : SCRIPT_GO_ON;
    char last = line->bytes[argument.to - 1];
    if (last == 'm')
        return SCRIPT_NEXT;
    if (last == 'c' || last == 'e')
        return SCRIPT_NONE;
    bool alone = argument.to - argument.from == 2;
    return alone && strchr(interpreter->options_with_value, last) ? SCRIPT_SKIP_NEXT : SCRIPT_GO_ON;
}

static void line_find_script(struct line *line)
{
    const struct interpreter *interpreter = line_interpreter(line);
    if (!interpreter)
        return;
    enum script_search state = SCRIPT_GO_ON;
    for (size_t at = line_argument(line, 0).to + 1; at < line->length;) {
        struct span argument = line_argument(line, at);
        if (state == SCRIPT_SKIP_NEXT)
            state = SCRIPT_GO_ON;
        else if (state == SCRIPT_NEXT)
            state = SCRIPT_HERE;
        else
            state = script_look(line, argument, interpreter);
        if (state == SCRIPT_HERE)
            line->script = argument;
        if (state == SCRIPT_HERE || state == SCRIPT_NONE)
            return;
        at = argument.to + 1;
    }
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
    if (from == end)
        return;
    char quote = line->bytes[from];
    size_t to = from + 1;
    if (is_quote(quote))
        while (to < end && line->bytes[to] != quote)
            to++;
    else if (whole)
        to = end;
    else
        while (to < end && !is_blank(line->bytes[to]))
            to++;
    line_hide(line, from, to);
}

/* 0 = not a secret's name, 1 = weak, 2 = strong. */
static int name_strength(const struct line *line, struct span name)
{
    char text[64];
    text_copy_span(text, sizeof(text), line->bytes + name.from, name.to - name.from);
    int strength = 0;
    for (size_t i = 0; i < COUNT_OF(secret_names); i++)
        if (text_contains_ignore_case(text, secret_names[i].part) && strength < 2)
            strength = secret_names[i].strong ? 2 : 1;
    return strength;
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
        int strength = name_strength(line, name);
        bool last = at + 1 == word->span.to;
        bool apart = quoted || last || is_quote(line->bytes[at + 1]);
        if (strength == 0 || (separator == ':' && strength == 1 && !apart))
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

/*
 * Random text changes between letters, digits and cases far more often than names do. CamelCase
 * is full of upper-to-lower steps, so that one is not counted, and a digit is asked for. Measured
 * rates: hexadecimal 0.47, base36 0.40, base64 0.45; names with versions and dates below 0.15.
 */
static bool looks_random(const char *bytes, size_t length)
{
    size_t digits = 0, uppers = 0, lowers = 0, changes = 0;
    for (size_t i = 0; i < length; i++) {
        digits += is_digit(bytes[i]);
        uppers += is_upper(bytes[i]);
        lowers += is_lower(bytes[i]);
        if (i == 0 || !is_alnum(bytes[i]) || !is_alnum(bytes[i - 1]))
            continue;
        bool same = is_digit(bytes[i]) == is_digit(bytes[i - 1]) &&
                    (is_lower(bytes[i]) || is_upper(bytes[i]) == is_upper(bytes[i - 1]));
        changes += !same;
    }
    size_t known = digits + uppers + lowers;
    size_t divisor = uppers > 0 && lowers > 0 ? 4 : 5;
    return known >= CMDLINE_RANDOM_LENGTH && digits > 0 && changes * divisor >= known;
}

static bool has_secret_prefix(const struct line *line, struct span run)
{
    /* Shorter than this no token of those kinds is; "sk-learn" stays. */
    if (run.to - run.from < 16)
        return false;
    for (size_t i = 0; i < COUNT_OF(secret_prefixes); i++)
        if (line_starts_with(line, run, secret_prefixes[i]))
            return true;
    return false;
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
        if (looks_random(line->bytes + run.from, run.to - run.from) || has_secret_prefix(line, run))
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
    if (name_strength(line, name) > 0)
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
            ret_bytes[written++] = line->bytes[at] ? line->bytes[at] : ' ';
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
        line_find_script(&line);
        line_redact(&line);
    }
    char visible[CMDLINE_REDACT_LIMIT];
    size_t visible_length = line_write(&line, visible, sizeof(visible));
    return text_clean(ret_text, size, visible, visible_length);
}
