/* SPDX-License-Identifier: MIT */
#include "rule_errors.h"

#include "answer.h"
#include "say.h"
#include "show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RULE_LINE_SIZE 512 /* of a source line shown; longer ones are cut */

size_t rule_errors_count(json_t *body)
{
    json_t *errors = member_array(body, "errors");
    size_t count = 0;
    int64_t line;
    for (size_t i = 0; i < json_array_size(errors); i++) {
        json_t *error = json_array_get(errors, i);
        count += member_integer(error, "line", &line) && line > 0;
    }
    return count;
}

/* The bytes of a line of the text (1-based), without its newline. */
static const char *find_line(const char *text, int64_t number, size_t *ret_length)
{
    for (int64_t line = 1; line < number; line++) {
        const char *end = strchr(text, '\n');
        if (!end)
            return NULL;
        text = end + 1;
    }
    *ret_length = strcspn(text, "\n");
    return text;
}

/* As it is shown: tabs as one blank, the rest cleaned. */
static void clean_line(char *ret_text, const char *text, size_t length)
{
    char line[RULE_LINE_SIZE / 3];
    size_t copied = text_copy_span(line, sizeof(line), text, length);
    for (char *tab = memchr(line, '\t', copied); tab; tab = strchr(tab, '\t'))
        *tab = ' ';
    text_clean(ret_text, RULE_LINE_SIZE, line, copied);
}

static void print_caret(const char *text, int64_t line_number, int64_t column)
{
    char shown[RULE_LINE_SIZE], before[RULE_LINE_SIZE];
    size_t length;
    const char *line = find_line(text, line_number, &length);
    if (!line || column < 1 || (size_t)column > length + 1)
        return;
    clean_line(shown, line, length);
    clean_line(before, line, (size_t)column - 1);
    fprintf(stderr, "  %s\n  %*s^\n", shown, (int)show_width(before), "");
}

void rule_errors_print(json_t *body, const char *path, const char *text)
{
    json_t *errors = member_array(body, "errors");
    for (size_t i = 0; i < json_array_size(errors); i++) {
        json_t *error = json_array_get(errors, i);
        int64_t line = 0, column = 0;
        const char *says = member_text(error, "message");
        member_integer(error, "line", &line);
        member_integer(error, "column", &column);
        if (line > 0)
            say_plain("%s:%" PRId64 ":%" PRId64 ": error: %s", path, line, column, says);
        else
            say_plain("%s: error: %s", path, says);
        print_caret(text, line, column);
    }
}
