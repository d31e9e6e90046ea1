/* SPDX-License-Identifier: MIT */
/*
 * Durations as people type them (30s, 5m, 2h, 1d) and as they read them. Pure.
 */
#ifndef MEMTEND_CLI_DURATION_H
#define MEMTEND_CLI_DURATION_H

#include <stdint.h>

#define DURATION_TEXT_SIZE 48 /* two of the longest numbers with their units */

/* Whole number and one unit of s, m, h, d; at least 1 s, at most ten years. -EINVAL. */
int duration_parse(const char *text, uint64_t *ret_seconds);
/* "3d 4h", "2h 5m", "5m 30s", "12s": the two largest units. */
void duration_format(double seconds, char ret_text[static DURATION_TEXT_SIZE]);
/* A pause: "41 ms", "0.3 ms", "1.2 s". */
void duration_format_short(double seconds, char ret_text[static DURATION_TEXT_SIZE]);

#endif
