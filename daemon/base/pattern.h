/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions that a person wrote, for texts that a process chose: what must be known about
 * one before regcomp() sees it. Pure; any thread.
 */
#ifndef MEMTEND_BASE_PATTERN_H
#define MEMTEND_BASE_PATTERN_H

#include "base/error.h"

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#define PATTERN_LENGTH_LIMIT 256 /* bytes */

/*
 * glibc writes x{n} out n times, nested ones multiplied: a{99}{99}{99} takes gigabytes. So many
 * characters written out compile in about a millisecond.
 */
#define PATTERN_SIZE_LIMIT 1000

/* Characters of the expression with all its repetitions written out; more than the limit is some
 * number above it. The text is at most PATTERN_LENGTH_LIMIT bytes long. */
size_t pattern_size(const char *pattern);
/* \1 to \9: an extension of glibc that makes matching exponential. */
bool pattern_has_back_reference(const char *pattern);
/*
 * Is "^.*(pattern)" the better way to search for it? glibc starts anew at every byte of the text: a
 * search for x.*y in 4 KiB of x takes 60 ms, and who runs a program chooses its command line. In
 * the longer form it is one pass, some microseconds. False where nothing repeats without end, for
 * large counts (behind x.{20}y is a state for each set of places where x was: 2^20), and when a
 * parenthesis is closed that was not opened.
 */
bool pattern_wants_one_pass(const char *pattern);

/*
 * Compile a POSIX extended expression for searching (regexec with REG_NOSUB), in the form that is
 * found faster. -EINVAL with error filled, -ENOMEM. regfree() ends it.
 */
int pattern_compile(const char *pattern, regex_t *ret_regex, struct error *error);

#endif
