/* SPDX-License-Identifier: MIT */
#include "show.h"

#include "answer.h"
#include "base/clock.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

static bool show_in_colour;

void show_init(const char *when)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (when && strcmp(when, "auto") != 0)
        show_in_colour = strcmp(when, "always") == 0;
    else
        show_in_colour = isatty(STDOUT_FILENO) == 1 && !(no_color && *no_color) && term && *term &&
                         strcmp(term, "dumb") != 0;
}

const char *show_colour(enum colour colour)
{
    static const char *const escapes[] = {
        [COLOUR_NONE] = "",         [COLOUR_BOLD] = "\033[1m",  [COLOUR_DIM] = "\033[2m",
        [COLOUR_GOOD] = "\033[32m", [COLOUR_WARN] = "\033[33m", [COLOUR_BAD] = "\033[31m",
    };
    return show_in_colour ? escapes[colour] : "";
}

const char *show_plain(void)
{
    return show_in_colour ? "\033[0m" : "";
}

size_t show_columns(void)
{
    struct winsize size = {0};
    if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_col;
}

size_t show_lines(void)
{
    struct winsize size = {0};
    if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return 0;
    return size.ws_row;
}

size_t show_width(const char *text)
{
    mbstate_t state = {0};
    size_t width = 0;
    while (*text) {
        wchar_t character;
        size_t length = mbrtowc(&character, text, strlen(text), &state);
        if (length == 0 || length > strlen(text)) {
            length = 1; /* no UTF-8 locale here: count bytes */
            memset(&state, 0, sizeof(state));
            character = L' ';
        }
        int columns = wcwidth(character);
        width += columns > 0 ? (size_t)columns : 0;
        text += length;
    }
    return width;
}

const char *show_bytes(json_t *object, const char *key, char ret_text[static SHOW_VALUE_SIZE])
{
    int64_t bytes;
    if (!member_integer(object, key, &bytes))
        return "-";
    text_format_bytes(bytes, ret_text);
    return ret_text;
}

const char *show_percent(json_t *object, const char *key, char ret_text[static SHOW_VALUE_SIZE])
{
    double percent;
    if (!member_number(object, key, &percent))
        return "-";
    snprintf(ret_text, SHOW_VALUE_SIZE, "%.1f", percent);
    return ret_text;
}

const char *show_seconds(json_t *object, const char *key, char ret_text[static SHOW_VALUE_SIZE])
{
    double seconds;
    if (!member_number(object, key, &seconds))
        return "-";
    duration_format(seconds, ret_text);
    return ret_text;
}

const char *show_count(json_t *object, const char *key, char ret_text[static SHOW_VALUE_SIZE])
{
    int64_t count;
    if (!member_integer(object, key, &count))
        return "-";
    snprintf(ret_text, SHOW_VALUE_SIZE, "%lld", (long long)count);
    return ret_text;
}

const char *show_time(json_t *object, const char *key, char ret_text[static SHOW_TIME_SIZE])
{
    const char *text = member_text(object, key);
    uint64_t wall_usec;
    struct tm local;
    if (clock_parse_rfc3339(text, &wall_usec) < 0)
        return *text ? text : "-";
    time_t seconds = (time_t)(wall_usec / USEC_PER_SEC);
    if (!localtime_r(&seconds, &local) ||
        strftime(ret_text, SHOW_TIME_SIZE, "%Y-%m-%d %H:%M:%S", &local) == 0)
        return text;
    return ret_text;
}

/* Characters that JSON allows inside strings and a terminal should not get, as UTF-8 bytes. */
struct json_hostile {
    const char *lead;
    unsigned char first, last; /* of the byte behind the lead */
    unsigned code;             /* of `first` */
};

static const struct json_hostile json_hostiles[] = {
    {"", 0x7F, 0x7F, 0x7F},           /* DEL */
    {"\xC2", 0x80, 0x9F, 0x80},       /* C1 */
    {"\xE2\x80", 0xA8, 0xAE, 0x2028}, /* separators, bidi embeddings and overrides */
    {"\xE2\x81", 0xA6, 0xA9, 0x2066}, /* bidi isolates */
};

/* Bytes taken when the text starts with a hostile character, which is printed escaped; else 0. */
static size_t json_escape(const char *text)
{
    for (size_t i = 0; i < sizeof(json_hostiles) / sizeof(json_hostiles[0]); i++) {
        const struct json_hostile *hostile = &json_hostiles[i];
        size_t lead = strlen(hostile->lead);
        if (!text_starts_with(text, hostile->lead))
            continue;
        unsigned char byte = (unsigned char)text[lead];
        if (byte < hostile->first || byte > hostile->last)
            continue;
        printf("\\u%04x", hostile->code + byte - hostile->first);
        return lead + 1;
    }
    return 0;
}

void show_json(json_t *value, bool line)
{
    size_t flags = line ? JSON_COMPACT : JSON_INDENT(2);
    char *text = say_no_memory(json_dumps(value, flags | JSON_ENCODE_ANY));
    for (const char *at = text; *at;) {
        size_t escaped = json_escape(at);
        if (escaped == 0)
            putchar(*at++);
        at += escaped;
    }
    putchar('\n');
    free(text);
}
