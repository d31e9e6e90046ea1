/* SPDX-License-Identifier: MIT */
/*
 * Fields of comma-separated values (RFC 4180) on stdout.
 */
#ifndef MEMTEND_CLI_CSV_H
#define MEMTEND_CLI_CSV_H

/*
 * A text that was cleaned (it has no newline), in quotes when it has to be. Processes choose their
 * names: one that begins with = + - or @ would be a formula to a spreadsheet. It gets an
 * apostrophe in front, which spreadsheets take for "this is text".
 */
void csv_text(const char *text);

#endif
