/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Atomic int log_threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&log_threshold, (int)level);
}

void log_line(enum log_level level, const char *format, ...)
{
    if ((int)level > atomic_load(&log_threshold))
        return;
    char line[1024];
    int prefix = getenv("JOURNAL_STREAM") ? snprintf(line, sizeof(line), "<%d>", (int)level) : 0;
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line + prefix, sizeof(line) - (size_t)prefix - 1, format, list);
    va_end(list);
    size_t room = sizeof(line) - (size_t)prefix - 2;
    size_t end = (size_t)prefix + ((size_t)length < room ? (size_t)length : room);
    line[end++] = '\n';
    /* One write per line keeps lines of several threads whole; a log nobody reads may be lost. */
    if (write(STDERR_FILENO, line, end) < 0)
        return;
}
