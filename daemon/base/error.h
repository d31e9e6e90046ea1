/* SPDX-License-Identifier: MIT */
/*
 * Errors that a person will read. Functions return 0 or -errno; those that judge input written by
 * a person (config, rules, HTTP queries, arguments) also fill a struct error with the text and,
 * where there is one, the place. Plain data, copied freely; any thread.
 */
#ifndef MEMTEND_BASE_ERROR_H
#define MEMTEND_BASE_ERROR_H

#define _printf_(format_index, first_index)                                                        \
    __attribute__((__format__(__printf__, format_index, first_index)))

struct error {
    int line;   /* 1-based; 0 = no position */
    int column; /* 1-based, in bytes; 0 = no position */
    char text[240];
};

/* Fill the error (NULL allowed) and return code unchanged, so that it can end a function. */
int error_set(struct error *error, int code, const char *format, ...) _printf_(3, 4);
int error_set_at(struct error *error, int code, int line, int column, const char *format, ...)
    _printf_(5, 6);

#endif
