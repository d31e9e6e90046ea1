/* SPDX-License-Identifier: MIT */
#include "storage/block_packer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of the file format, with pages of 4,096 bytes: what a leaf has room for, what one row may take of
 * it, what it takes at least when the rest is on pages of its own, and what these have room for. */
#define BLOCK_PACKER_PAGE     4088
#define BLOCK_PACKER_INLINE   4061
#define BLOCK_PACKER_LEAST    489
#define BLOCK_PACKER_OVERFLOW 4092
/* The columns beside the data, with the summary and without, and what SQLite puts around a row;
 * rather a few bytes more. */
#define BLOCK_PACKER_SUMMARY 46
#define BLOCK_PACKER_COLUMNS 16
#define BLOCK_PACKER_AROUND  10

void block_packer_init(struct block_packer *packer, struct queries *queries,
                       struct block_numbers *numbers, enum block_table table)
{
    memset(packer, 0, sizeof(*packer));
    packer->queries = queries;
    packer->numbers = numbers;
    packer->table = table;
}

void block_packer_clear(struct block_packer *packer)
{
    while (packer->count > 0)
        free((void *)packer->rows[--packer->count].data);
}

void block_packer_finish(struct block_packer *packer)
{
    block_packer_clear(packer);
}

/* What a row takes of a leaf. */
static size_t block_packer_size(const struct block_row *row)
{
    size_t size =
        row->size + (row->summary.count > 0 ? BLOCK_PACKER_SUMMARY : BLOCK_PACKER_COLUMNS);
    if (size > BLOCK_PACKER_INLINE) {
        size_t rest = BLOCK_PACKER_LEAST + (size - BLOCK_PACKER_LEAST) % BLOCK_PACKER_OVERFLOW;
        size = rest <= BLOCK_PACKER_INLINE ? rest : BLOCK_PACKER_LEAST;
    }
    return size + BLOCK_PACKER_AROUND;
}

/* The largest of all, or of those that take at most so much. */
static size_t block_packer_choose(const struct block_packer *packer, size_t limit)
{
    size_t chosen = packer->count, largest = 0;
    for (size_t i = 0; i < packer->count; i++) {
        size_t size = block_packer_size(&packer->rows[i]);
        if (size <= limit && size > largest) {
            largest = size;
            chosen = i;
        }
    }
    return chosen;
}

static int block_packer_write(struct block_packer *packer)
{
    size_t chosen = block_packer_choose(packer, packer->room);
    if (chosen == packer->count) {
        packer->room = BLOCK_PACKER_PAGE;
        chosen = block_packer_choose(packer, SIZE_MAX);
    }
    struct block_row row = packer->rows[chosen];
    size_t size = block_packer_size(&row);
    packer->room = packer->room > size ? packer->room - size : 0;
    packer->rows[chosen] = packer->rows[--packer->count];
    int r = block_rows_put(packer->queries, packer->numbers, packer->table, &row);
    free((void *)row.data);
    return r;
}

int block_packer_put(struct block_packer *packer, const struct block_row *row)
{
    int r = packer->count == BLOCK_PACKER_ROWS ? block_packer_write(packer) : 0;
    if (r < 0)
        return r;
    void *data = malloc(row->size > 0 ? row->size : 1);
    if (!data)
        return -ENOMEM;
    memcpy(data, row->data, row->size);
    packer->rows[packer->count] = *row;
    packer->rows[packer->count++].data = data;
    return 0;
}

int block_packer_flush(struct block_packer *packer)
{
    int r = 0;
    while (r == 0 && packer->count > 0)
        r = block_packer_write(packer);
    return r;
}
