/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static void error_fill(struct error *error, int line, int column, const char *format, va_list list)
{
    if (!error)
        return;
    error->line = line;
    error->column = column;
    vsnprintf(error->text, sizeof(error->text), format, list);
}

int error_set(struct error *error, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    error_fill(error, 0, 0, format, list);
    va_end(list);
    return code;
}

int error_set_at(struct error *error, int code, int line, int column, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    error_fill(error, line, column, format, list);
    va_end(list);
    return code;
}
