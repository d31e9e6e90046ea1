/* SPDX-License-Identifier: MIT */
/*
 * Errors of a rule text as a compiler prints them, on stderr: FILE:LINE:COLUMN, the line, a caret.
 */
#ifndef MEMTEND_CLI_RULE_ERRORS_H
#define MEMTEND_CLI_RULE_ERRORS_H

#include <jansson.h>
#include <stddef.h>

/* Errors with a position in an answer; body may be NULL. */
size_t rule_errors_count(json_t *body);
/* text is the whole file. */
void rule_errors_print(json_t *body, const char *path, const char *text);

#endif
