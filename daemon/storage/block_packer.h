/* SPDX-License-Identifier: MIT */
/*
 * Rows of blocks on their way into a table, in an order in which they fill its pages: SQLite
 * appends a row to the last page or begins the next one, so that rows of half a page in the order
 * of their processes leave a fifth of the file empty. Of those that wait the largest that still
 * fits comes next. All of it within one transaction. Writer thread.
 */
#ifndef MEMTEND_STORAGE_BLOCK_PACKER_H
#define MEMTEND_STORAGE_BLOCK_PACKER_H

#include "storage/block_rows.h"

/* As many as are sealed or compacted in one transaction: enough to find one that fits. */
#define BLOCK_PACKER_ROWS 64

struct block_packer {
    struct queries *queries;
    struct block_numbers *numbers;
    enum block_table table;
    size_t room; /* on the last page, as far as is known */
    size_t count;
    struct block_row rows[BLOCK_PACKER_ROWS]; /* each owns its data */
};

void block_packer_init(struct block_packer *packer, struct queries *queries,
                       struct block_numbers *numbers, enum block_table table);
void block_packer_finish(struct block_packer *packer);
/* Forgets what waits: at the beginning of a transaction, the one before may have failed. */
void block_packer_clear(struct block_packer *packer);
/* Copies the row's data. When as many wait as may, one is written. -ENOMEM, or as block_rows_put()
 */
int block_packer_put(struct block_packer *packer, const struct block_row *row);
/* Writes all: before anybody reads the table, and before the commit. */
int block_packer_flush(struct block_packer *packer);

#endif
