/* SPDX-License-Identifier: MIT */
#include "csv.h"

#include "client.h"
#include "say.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int csv_append(struct buffer *to, const char *text)
{
    bool formula = *text && strchr("=+-@", *text);
    bool quoted = strpbrk(text, ",\"\r\n");
    int r = quoted ? buffer_append(to, "\"", 1) : 0;
    if (r == 0 && formula)
        r = buffer_append(to, "'", 1);
    while (r == 0 && *text) {
        size_t plain = strcspn(text, "\"");
        r = buffer_append(to, text, plain);
        text += plain;
        if (r == 0 && *text) {
            r = buffer_append(to, "\"\"", 2);
            text++;
        }
    }
    return r == 0 && quoted ? buffer_append(to, "\"", 1) : r;
}

void csv_print(const char *text)
{
    struct buffer field;
    buffer_init(&field, 2 * (size_t)CLIENT_ANSWER_LIMIT); /* a text of an answer, all quotes */
    say_no_memory(csv_append(&field, text) < 0 ? NULL : &field);
    if (field.size > 0)
        fwrite(field.data, 1, field.size, stdout);
    buffer_finish(&field);
}
