/* SPDX-License-Identifier: MIT */
/*
 * Strict text: numbers that are only a number, copies that always end, and the one edge where
 * bytes from processes become text for people. No allocation, no locale. Any thread.
 */
#ifndef MEMTEND_BASE_TEXT_H
#define MEMTEND_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whole string, decimal digits only, no sign, no blank. -EINVAL or -ERANGE. */
int text_parse_u64(const char *text, uint64_t *ret_value);
int text_parse_i64(const char *text, int64_t *ret_value);
/* Leading digits of a span of bytes; the number of bytes taken goes to ret_used (>= 1). */
int text_scan_u64(const char *text, size_t length, uint64_t *ret_value, size_t *ret_used);

/* Copy as much as fits and end with NUL, cutting on a UTF-8 boundary. Returns the copied length. */
size_t text_copy(char *destination, size_t size, const char *source);
size_t text_copy_span(char *destination, size_t size, const char *source, size_t length);

/*
 * Make bytes of unknown origin safe to show: invalid UTF-8, C0 and C1 controls (newline, ESC) and
 * bidirectional overrides (U+202A..U+202E, U+2066..U+2069) become U+FFFD; the rest stays. Always
 * ends with NUL, cuts whole characters. Returns the length written.
 */
size_t text_clean(char *destination, size_t size, const char *source, size_t length);
bool text_is_clean(const char *text);
/* Bytes at the front of a span that text_clean() would keep as they are. */
size_t text_clean_length(const char *text, size_t length);

bool text_starts_with(const char *text, const char *prefix);
/* Case-insensitive (ASCII) substring; an empty needle is found. */
bool text_contains_ignore_case(const char *text, const char *needle);
/* [A-Za-z0-9_.-]+, first not '.' or '-', length 1..limit: names of rules, groups, agents. */
bool text_is_name(const char *text, size_t limit);
/* Edit distance (Levenshtein), for "did you mean"; only meaningful up to limit. */
size_t text_distance(const char *a, const char *b, size_t limit);
/* Bytes for people: "1.5 GiB", "212 MiB", "-4.0 KiB", "12 B". */
#define TEXT_BYTES_SIZE 24
void text_format_bytes(int64_t bytes, char ret_text[static TEXT_BYTES_SIZE]);

#endif
