/* SPDX-License-Identifier: MIT */
#include "dropin.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DROPIN_ENVIRONMENT_FILE ((size_t)64 * 1024)
#define DROPIN_LINES            1024 /* more of a file that is not ours are not shown */
#define DROPIN_VARIABLE         "LD_PRELOAD="

/* ---- what the unit sets ---- */

struct environment {
    char preload[UNIT_WORD_SIZE]; /* as it is written in the unit, quotes taken off */
    bool overridden;              /* by a drop-in that is read behind ours */
};

static void take_environment(const struct unit_setting *setting, struct environment *environment)
{
    char word[UNIT_WORD_SIZE];
    const char *at = setting->value;
    bool clears = *at == '\0';
    if (clears && !setting->late)
        environment->preload[0] = '\0';
    environment->overridden = environment->overridden || (clears && setting->late);
    while (unit_next_word(&at, word)) {
        if (!text_starts_with(word, DROPIN_VARIABLE))
            continue;
        if (setting->late)
            environment->overridden = true;
        else
            text_copy(environment->preload, sizeof(environment->preload),
                      word + strlen(DROPIN_VARIABLE));
    }
}

/* The file's lines win over Environment=. A '-' in front of its path: it may be absent. */
static bool file_overrides(int root, const char *value)
{
    _cleanup_(freep) char *text = NULL;
    char by_number[32];
    size_t length;
    const char *path = value + (*value == '-');
    int opened = *path == '/' ? unit_open(root, path, O_RDONLY | O_NONBLOCK) : -EINVAL;
    _cleanup_(closep) int fd = opened;
    if (fd < 0)
        return false;
    snprintf(by_number, sizeof(by_number), "/proc/self/fd/%d", fd);
    if (file_read_all(by_number, DROPIN_ENVIRONMENT_FILE, &text, &length) < 0)
        return false;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, " \t\n");
        if (text_starts_with(line, DROPIN_VARIABLE))
            return true;
    }
    return false;
}

static void read_environment(int root, const struct unit *unit, struct environment *environment)
{
    *environment = (struct environment){0};
    for (size_t i = 0; i < unit->count; i++) {
        const struct unit_setting *setting = &unit->settings[i];
        if (strcmp(setting->key, "Environment") == 0)
            take_environment(setting, environment);
        if (strcmp(setting->key, "EnvironmentFile") == 0 && file_overrides(root, setting->value)) {
            say("%s sets LD_PRELOAD for %s, and wins over any drop-in", setting->value, unit->name);
            say_try("the agent's path in that file");
        }
        if (strcmp(setting->key, "UnsetEnvironment") == 0 && strstr(setting->value, "LD_PRELOAD"))
            say("UnsetEnvironment= of %s takes LD_PRELOAD away", unit->name);
    }
    if (environment->overridden) {
        say("a drop-in of %s that is read behind " UNIT_DROPIN " sets Environment= anew",
            unit->name);
        say_try("another name for it, one that sorts in front of " UNIT_DROPIN);
    }
}

/* ---- the text ---- */

static char *format(const char *pattern, ...) _printf_(1, 2);
static char *format(const char *pattern, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, pattern);
    int length = vasprintf(&text, pattern, arguments);
    va_end(arguments);
    return say_no_memory(length < 0 ? NULL : text);
}

/* '%' begins what systemd would replace. */
static void escape(char path[static PATH_MAX])
{
    char plain[PATH_MAX];
    size_t length = 0;
    text_copy(plain, sizeof(plain), path);
    for (const char *at = plain; *at && length < PATH_MAX - 2; at++) {
        path[length++] = *at;
        if (*at == '%')
            path[length++] = '%';
    }
    path[length] = '\0';
}

/* Between double quotes these mean themselves. */
static bool is_plain(const char *value)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789 /:._+~@%$=,-";
    return value[strspn(value, allowed)] == '\0';
}

int dropin_render(int root, const struct unit *unit, const struct dropin *dropin, char **ret_text)
{
    struct environment environment;
    struct preload preload = dropin->preload;
    read_environment(root, unit, &environment);
    escape(preload.agent);
    escape(preload.allocator);
    _cleanup_(freep) char *joined = preload_join(environment.preload, &preload);
    if (!is_plain(joined) || !is_plain(dropin->socket)) {
        say("LD_PRELOAD of %s cannot be carried over: %s", unit->name, environment.preload);
        say_try("a drop-in of your own, with the agent's path added to it");
        return -EINVAL;
    }
    if (environment.preload[0])
        say("%s sets LD_PRELOAD itself: the drop-in keeps %s", unit->name, environment.preload);
    *ret_text = format("# From `memtend enable unit %s`.\n"
                       "[Service]\n"
                       "Environment=\"LD_PRELOAD=%s\"\n"
                       "Environment=\"MEMTEND_SOCK=%s\"\n"
                       "Environment=\"MEMTEND_NAME=%s\"\n",
                       unit->name, joined, dropin->socket, dropin->name);
    return 0;
}

/* ---- the difference ---- */

struct lines {
    size_t count;
    const char *items[DROPIN_LINES];
};

static const char *after_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

static void split(const char *text, struct lines *ret_lines)
{
    ret_lines->count = 0;
    for (; *text && ret_lines->count < DROPIN_LINES; text = after_line(text))
        ret_lines->items[ret_lines->count++] = text;
}

static bool is_same_line(const char *a, const char *b)
{
    size_t length = (size_t)(after_line(a) - a);
    return length == (size_t)(after_line(b) - b) && strncmp(a, b, length) == 0;
}

static void print_lines(char mark, const struct lines *lines, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        char clean[UNIT_WORD_SIZE];
        const char *line = lines->items[i];
        size_t length = strcspn(line, "\n");
        text_clean(clean, sizeof(clean), line, length);
        printf("%c%s\n%s", mark, clean, line[length] ? "" : "\\ No newline at end of file\n");
    }
}

/* One hunk with everything in it: the files have a handful of lines. */
void dropin_print_diff(const char *path, const char *before, const char *after)
{
    struct lines old, new;
    size_t front = 0, back = 0;
    split(before ? before : "", &old);
    split(after ? after : "", &new);
    size_t least = old.count < new.count ? old.count : new.count;
    while (front < least && is_same_line(old.items[front], new.items[front]))
        front++;
    while (back < least - front &&
           is_same_line(old.items[old.count - back - 1], new.items[new.count - back - 1]))
        back++;
    printf("--- %s\n+++ %s\n", before ? path : "/dev/null", after ? path : "/dev/null");
    printf("@@ -%d,%zu +%d,%zu @@\n", old.count > 0, old.count, new.count > 0, new.count);
    print_lines(' ', &old, 0, front);
    print_lines('-', &old, front, old.count - back);
    print_lines('+', &new, front, new.count - back);
    print_lines(' ', &new, new.count - back, new.count);
}
