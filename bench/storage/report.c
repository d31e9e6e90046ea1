/* SPDX-License-Identifier: MIT */
#include "bench/storage/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_begin(const char *figure)
{
    printf("{\"bench\": \"storage\", \"figure\": \"%s\"", figure);
}

void report_text(const char *name, const char *text)
{
    printf(", \"%s\": \"%s\"", name, text);
}

void report_integer(const char *name, int64_t value)
{
    printf(", \"%s\": %lld", name, (long long)value);
}

void report_real(const char *name, double value, int digits)
{
    printf(", \"%s\": %.*f", name, digits, value);
}

void report_end(void)
{
    printf("}\n");
    fflush(stdout);
}

void report_remark(const char *format, ...)
{
    va_list arguments;
    fputs("bench-storage: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void report_need(int r, const char *what)
{
    if (r >= 0)
        return;
    report_remark("%s: %s", what, strerror(-r));
    exit(1);
}
