/* SPDX-License-Identifier: MIT */
/*
 * A table of text on stdout: columns as wide as their widest cell, the last one cut at the edge
 * of the terminal. Cells are cleaned as they come in. One owner.
 */
#ifndef MEMTEND_CLI_TABLE_H
#define MEMTEND_CLI_TABLE_H

#include "base/error.h"
#include "show.h"

#include <stddef.h>

#define TABLE_COLUMNS 12

struct table_column {
    const char *heading;
    bool right; /* numbers */
};

struct table_cell {
    char *text;
    enum colour colour;
};

struct table {
    const struct table_column *columns; /* borrowed */
    size_t column_count;
    struct table_cell *cells; /* row by row, the headings first */
    size_t count, capacity;
};

void table_init(struct table *table, const struct table_column *columns, size_t count);
void table_finish(struct table *table);
/* Cells come in reading order. */
void table_add(struct table *table, enum colour colour, const char *format, ...) _printf_(3, 4);
void table_print(const struct table *table);

#endif
