/* SPDX-License-Identifier: MIT */
/*
 * Receipts and their steps as rows. One thread at a time, that of the connection.
 */
#ifndef MEMTEND_STORAGE_RECEIPT_ROWS_H
#define MEMTEND_STORAGE_RECEIPT_ROWS_H

#include "model/receipt.h"
#include "storage/query.h"

/* Whole or, when an error ends the transaction, not at all; the same id again replaces it. */
int receipt_rows_put(struct queries *queries, int64_t boot, const struct receipt *receipt);
/* Up to `limit` rows of a bound receipt_list or receipt_get, with their steps, on the heap.
 * *ret_next: number of the last one when there is another page, else 0. The statement's own
 * limit is higher than this. */
int receipt_rows_read(struct queries *queries, sqlite3_stmt *statement, size_t limit,
                      size_t *ret_count, struct receipt **ret_receipts, int64_t *ret_next);

#endif
