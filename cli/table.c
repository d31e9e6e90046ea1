/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "base/text.h"
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_CELL_SIZE 1024 /* a cut command line and room */

void table_init(struct table *table, const struct table_column *columns, size_t count)
{
    *table = (struct table){.columns = columns, .column_count = count};
    for (size_t i = 0; i < count; i++)
        table_add(table, COLOUR_BOLD, "%s", columns[i].heading);
}

void table_finish(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct table){0};
}

void table_add(struct table *table, enum colour colour, const char *format, ...)
{
    char raw[TABLE_CELL_SIZE], clean[TABLE_CELL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof(raw), format, arguments);
    va_end(arguments);
    text_clean(clean, sizeof(clean), raw, strlen(raw));
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 64;
        table->cells =
            say_no_memory(realloc(table->cells, table->capacity * sizeof(table->cells[0])));
    }
    table->cells[table->count++] =
        (struct table_cell){.text = say_no_memory(strdup(clean)), .colour = colour};
}

static size_t column_width(const struct table *table, size_t column)
{
    size_t width = 0;
    for (size_t i = column; i < table->count; i += table->column_count) {
        size_t own = show_width(table->cells[i].text);
        width = own > width ? own : width;
    }
    return width;
}

/* The longest beginning that fits, in bytes. */
static size_t fitting(const char *text, size_t columns)
{
    char piece[TABLE_CELL_SIZE];
    size_t length = strlen(text);
    while (length > 0) {
        size_t copied = text_copy_span(piece, sizeof(piece), text, length);
        if (show_width(piece) <= columns)
            return copied;
        length = copied - 1;
    }
    return 0;
}

static void print_cell(const char *text, enum colour colour, size_t width, bool right, bool last)
{
    size_t own = show_width(text), blanks = own < width ? width - own : 0;
    if (right)
        printf("%*s", (int)blanks, "");
    printf("%s%s%s", show_colour(colour), text, colour == COLOUR_NONE ? "" : show_plain());
    if (!right && !last)
        printf("%*s", (int)blanks, "");
    fputs(last ? "\n" : "  ", stdout);
}

static void print_row(const struct table *table, const struct table_cell *cells,
                      const size_t *widths, size_t screen)
{
    size_t used = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        bool last = i + 1 == table->column_count;
        char cut[TABLE_CELL_SIZE];
        const char *text = cells[i].text;
        if (last && screen > used && show_width(text) > screen - used) {
            text_copy_span(cut, sizeof(cut), text, fitting(text, screen - used));
            text = cut;
        }
        print_cell(text, cells[i].colour, widths[i], table->columns[i].right, last);
        used += widths[i] + 2;
    }
}

void table_print(const struct table *table)
{
    size_t widths[TABLE_COLUMNS] = {0}, screen = show_columns();
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = column_width(table, i);
    for (size_t i = 0; i + table->column_count <= table->count; i += table->column_count)
        print_row(table, &table->cells[i], widths, screen);
}
