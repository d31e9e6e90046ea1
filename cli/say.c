/* SPDX-License-Identifier: MIT */
#include "say.h"

#include "base/text.h"
#include "exit_code.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAY_SIZE 4096 /* a message with two longest paths is cut, not lost */

static void say_line(const char *prefix, const char *raw)
{
    char clean[SAY_SIZE];
    text_clean(clean, sizeof(clean), raw, strlen(raw));
    fprintf(stderr, "%s%s\n", prefix, clean);
}

void say(const char *format, ...)
{
    char raw[SAY_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof(raw), format, arguments);
    va_end(arguments);
    say_line("memtend: ", raw);
}

void say_try(const char *format, ...)
{
    char raw[SAY_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof(raw), format, arguments);
    va_end(arguments);
    say_line("  try: ", raw);
}

void say_plain(const char *format, ...)
{
    char raw[SAY_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof(raw), format, arguments);
    va_end(arguments);
    say_line("", raw);
}

void *say_no_memory(void *pointer)
{
    if (pointer)
        return pointer;
    say("out of memory");
    exit(EXIT_CODE_FAILED);
}
