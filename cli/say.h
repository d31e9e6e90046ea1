/* SPDX-License-Identifier: MIT */
/*
 * Messages for people, on stderr, one line each. Whatever they contain (arguments, names of
 * processes, words of the daemon) is cleaned whole, so no control byte reaches the terminal.
 */
#ifndef MEMTEND_CLI_SAY_H
#define MEMTEND_CLI_SAY_H

#include "base/error.h"

/* "memtend: TEXT" */
void say(const char *format, ...) _printf_(1, 2);
/* "  try: COMMAND": the next command to try; ends an error. */
void say_try(const char *format, ...) _printf_(1, 2);
/* A line without prefix. */
void say_plain(const char *format, ...) _printf_(1, 2);
/* The pointer, or the end of the program with a message: a command has nothing to save. */
void *say_no_memory(void *pointer);

#endif
