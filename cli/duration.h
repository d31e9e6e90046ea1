/* SPDX-License-Identifier: MIT */
/*
 * Durations as people read them. Pure.
 */
#ifndef MEMTEND_CLI_DURATION_H
#define MEMTEND_CLI_DURATION_H

#include <stdint.h>

#define DURATION_TEXT_SIZE 48 /* two of the longest numbers with their units */

/* "3d 4h", "2h 5m", "5m 30s", "12s": the two largest units. */
void duration_format(double seconds, char ret_text[static DURATION_TEXT_SIZE]);
/* A pause: "41 ms", "0.3 ms", "1.2 s". */
void duration_format_short(double seconds, char ret_text[static DURATION_TEXT_SIZE]);

#endif
