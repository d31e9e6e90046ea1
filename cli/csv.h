/* SPDX-License-Identifier: MIT */
/*
 * Fields of comma-separated values (RFC 4180), for every command that writes them.
 */
#ifndef MEMTEND_CLI_CSV_H
#define MEMTEND_CLI_CSV_H

#include "base/buffer.h"

/*
 * A text that was cleaned (it has no newline), in quotes when it has to be. Processes choose their
 * names: one that begins with = + - or @ would be a formula to a spreadsheet. It gets an
 * apostrophe in front, which spreadsheets take for "this is text". -ENOBUFS, -ENOMEM.
 */
int csv_append(struct buffer *to, const char *text);
/* The same on stdout. */
void csv_print(const char *text);

#endif
