/* SPDX-License-Identifier: MIT */
/*
 * How values look on stdout: colour (only where it helps and is wanted), bytes, times, JSON. Text
 * handed in is clean already (member_text).
 */
#ifndef MEMTEND_CLI_SHOW_H
#define MEMTEND_CLI_SHOW_H

#include "base/text.h"
#include "duration.h"

#include <jansson.h>
#include <stdbool.h>

enum colour { COLOUR_NONE, COLOUR_BOLD, COLOUR_DIM, COLOUR_GOOD, COLOUR_WARN, COLOUR_BAD };

#define SHOW_TIME_SIZE  32
#define SHOW_VALUE_SIZE DURATION_TEXT_SIZE /* the longest of them */

/* when = auto, always, never or NULL (auto): a terminal, no NO_COLOR, TERM not dumb. */
void show_init(const char *when);
/* Escape sequences, "" without colour. */
const char *show_colour(enum colour colour);
const char *show_plain(void);
/* Columns of the terminal on stdout; 0 = no terminal, do not cut. */
size_t show_columns(void);
/* Lines of the terminal on stdout; 0 = no terminal. */
size_t show_lines(void);
/* Columns that UTF-8 text takes. */
size_t show_width(const char *text);

/* A member in people's units; "-" when the daemon does not know it. */
const char *show_bytes(json_t *object, const char *key, char ret_text[static SHOW_VALUE_SIZE]);
const char *show_percent(json_t *object, const char *key, char ret_text[static SHOW_VALUE_SIZE]);
const char *show_seconds(json_t *object, const char *key, char ret_text[static SHOW_VALUE_SIZE]);
const char *show_count(json_t *object, const char *key, char ret_text[static SHOW_VALUE_SIZE]);
/* RFC 3339 of the daemon as local time "2026-11-22 10:41:18"; as it is when it is not a time. */
const char *show_time(json_t *object, const char *key, char ret_text[static SHOW_TIME_SIZE]);

/*
 * The daemon's JSON, controls and bidi overrides escaped (\u009b) so that it is safe on a terminal
 * and means the same. With `line` in one line (NDJSON).
 */
void show_json(json_t *value, bool line);

#endif
