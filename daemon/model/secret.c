/* SPDX-License-Identifier: MIT */
#include "model/secret.h"

#include "base/text.h"

#include <string.h>

/* A random string shorter than this is not told from a name. 20 base64 digits hold 120 bits. */
#define SECRET_RANDOM_LENGTH 20
/* No token with a known beginning is shorter; "sk-learn" is none. */
#define SECRET_TOKEN_LENGTH 16

static const struct {
    const char *part;
    enum secret_name name;
} secret_parts[] = {
    {"pass", SECRET_NAME_STRONG},       {"pwd", SECRET_NAME_STRONG},
    {"secret", SECRET_NAME_STRONG},     {"token", SECRET_NAME_STRONG},
    {"credential", SECRET_NAME_STRONG}, {"key", SECRET_NAME_WEAK},
    {"auth", SECRET_NAME_WEAK},
};

/* Beginnings that only tokens have. */
static const char *const secret_prefixes[] = {
    "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "sk-",   "sk_live_", "rk_live_",
    "xox",  "AKIA", "ASIA", "AIza", "eyJ",         "npm_",   "pypi-", "hf_",      "dop_v1_",
};

enum secret_name secret_name(const char *name, size_t length)
{
    char text[64];
    /* The end of a long name says what it is: "..._secret_access_key". */
    if (length >= sizeof(text)) {
        name += length - (sizeof(text) - 1);
        length = sizeof(text) - 1;
    }
    text_copy_span(text, sizeof(text), name, length);
    enum secret_name found = SECRET_NAME_NO;
    for (size_t i = 0; i < sizeof(secret_parts) / sizeof(secret_parts[0]); i++)
        if (secret_parts[i].name > found && text_contains_ignore_case(text, secret_parts[i].part))
            found = secret_parts[i].name;
    return found;
}

enum character { CHARACTER_OTHER, CHARACTER_DIGIT, CHARACTER_LOWER, CHARACTER_UPPER, CHARACTERS };

static enum character character_of(char c)
{
    if (c >= '0' && c <= '9')
        return CHARACTER_DIGIT;
    if (c >= 'a' && c <= 'z')
        return CHARACTER_LOWER;
    return c >= 'A' && c <= 'Z' ? CHARACTER_UPPER : CHARACTER_OTHER;
}

/*
 * Random text changes between digits, small and capital letters far more often than names do.
 * CamelCase is full of steps from capital to small, so that one is not counted, and a digit is
 * asked for. Expected rates: hexadecimal 0.47, base36 0.40, base64 0.45; names with versions and
 * dates stay below 0.15.
 */
static bool secret_is_random(const char *bytes, size_t length)
{
    size_t counts[CHARACTERS] = {0}, changes = 0;
    enum character before = CHARACTER_OTHER;
    for (size_t i = 0; i < length; i++) {
        enum character now = character_of(bytes[i]);
        bool capital = before == CHARACTER_UPPER && now == CHARACTER_LOWER;
        changes += now != before && now != CHARACTER_OTHER && before != CHARACTER_OTHER && !capital;
        counts[now]++;
        before = now;
    }
    size_t known = length - counts[CHARACTER_OTHER];
    bool mixed = counts[CHARACTER_LOWER] > 0 && counts[CHARACTER_UPPER] > 0;
    return known >= SECRET_RANDOM_LENGTH && counts[CHARACTER_DIGIT] > 0 &&
           changes * (mixed ? 4 : 5) >= known;
}

bool secret_value(const char *bytes, size_t length)
{
    for (size_t i = 0; i < sizeof(secret_prefixes) / sizeof(secret_prefixes[0]); i++) {
        size_t prefix = strlen(secret_prefixes[i]);
        if (length >= SECRET_TOKEN_LENGTH && memcmp(bytes, secret_prefixes[i], prefix) == 0)
            return true;
    }
    return secret_is_random(bytes, length);
}
