/* SPDX-License-Identifier: MIT */
/*
 * The log: one line per event on stderr, with a syslog level prefix ("<4>…") when stderr is the
 * journal (sd-daemon(3)). Only engine/ and main.c log; lower floors return what happened.
 * Any thread. Text that came from a process must have gone through text_clean() before.
 */
#ifndef MEMTEND_BASE_LOG_H
#define MEMTEND_BASE_LOG_H

#include "base/error.h"

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

void log_set_level(enum log_level level);
void log_line(enum log_level level, const char *format, ...) _printf_(2, 3);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
