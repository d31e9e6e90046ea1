/* SPDX-License-Identifier: MIT */
#include "csv.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void csv_text(const char *text)
{
    bool formula = *text && strchr("=+-@", *text);
    bool quoted = strpbrk(text, ",\"\r\n");
    if (quoted)
        putchar('"');
    if (formula)
        putchar('\'');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    if (quoted)
        putchar('"');
}
