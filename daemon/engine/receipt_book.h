/* SPDX-License-Identifier: MIT */
/*
 * The last finished receipts, in RAM: there at once, and there when the store is not. Owned by the
 * actions. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_RECEIPT_BOOK_H
#define MEMTEND_ENGINE_RECEIPT_BOOK_H

#include "model/command.h"

struct receipt_book;

int receipt_book_new(size_t limit, struct receipt_book **ret_book);
void receipt_book_free(struct receipt_book *book);

/* uid: of the target. sequence: durable once the writer passes it; 0 = it never will be. The
 * oldest makes room. */
void receipt_book_add(struct receipt_book *book, const struct receipt *receipt, uid_t uid,
                      uint64_t sequence);
/* With `durable` filled from the writer's durable sequence. -ENOENT. */
int receipt_book_find(const struct receipt_book *book, const char *id, uint64_t durable,
                      struct receipt *ret_receipt, uid_t *ret_uid);
/* Newest first, at most limit: all, or only those that the store does not have yet; uid NULL =
 * of everybody. Returns how many. */
size_t receipt_book_list(const struct receipt_book *book, uint64_t durable, bool all,
                         const uid_t *uid, struct receipt *ret_receipts, size_t limit);

/*
 * Put a page of the store behind the receipts that the command already holds (actions_list());
 * those it has are left out. Takes stored, also on failure. -ENOMEM. Any thread.
 */
int receipt_book_append(struct command *command, struct receipt *stored, size_t count);

#endif
