/* SPDX-License-Identifier: MIT */
/*
 * What must be known about a regular expression before regcomp() sees it. Private to rules/.
 */
#ifndef MEMTEND_RULES_PATTERN_H
#define MEMTEND_RULES_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * glibc writes x{n} out n times, nested ones multiplied: a{99}{99}{99} takes gigabytes. So many
 * characters written out compile in about a millisecond and match in time linear to the text.
 */
#define PATTERN_SIZE_LIMIT 1000

/* Characters of the expression with all its repetitions written out; more than the limit is some
 * number above it. The text is at most RULES_PATTERN_LIMIT bytes long. */
size_t pattern_size(const char *pattern);
/* \1 to \9: an extension of glibc that makes matching exponential. */
bool pattern_has_back_reference(const char *pattern);

#endif
