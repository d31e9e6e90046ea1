/* SPDX-License-Identifier: MIT */
#include "say.h"

#include "base/text.h"
#include "exit_code.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAY_SIZE 4096 /* a message with two longest paths is cut, not lost */

static void say_line(const char *prefix, const char *format, va_list arguments)
{
    char raw[SAY_SIZE], clean[SAY_SIZE];
    vsnprintf(raw, sizeof(raw), format, arguments);
    text_clean(clean, sizeof(clean), raw, strlen(raw));
    fprintf(stderr, "%s%s\n", prefix, clean);
}

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_line("memtend: ", format, arguments);
    va_end(arguments);
}

void say_try(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_line("  try: ", format, arguments);
    va_end(arguments);
}

void say_plain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_line("", format, arguments);
    va_end(arguments);
}

void *say_no_memory(void *pointer)
{
    if (pointer)
        return pointer;
    say("out of memory");
    exit(EXIT_CODE_FAILED);
}
