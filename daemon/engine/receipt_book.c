/* SPDX-License-Identifier: MIT */
#include "engine/receipt_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct page {
    struct receipt receipt;
    uid_t uid;
    uint64_t sequence;
};

struct receipt_book {
    size_t limit, count;
    size_t next; /* where the next one goes; the newest is before it */
    struct page pages[];
};

int receipt_book_new(size_t limit, struct receipt_book **ret_book)
{
    struct receipt_book *book = calloc(1, sizeof(*book) + limit * sizeof(struct page));
    if (!book)
        return -ENOMEM;
    book->limit = limit;
    *ret_book = book;
    return 0;
}

void receipt_book_free(struct receipt_book *book)
{
    free(book);
}

void receipt_book_add(struct receipt_book *book, const struct receipt *receipt, uid_t uid,
                      uint64_t sequence)
{
    book->pages[book->next] = (struct page){.receipt = *receipt, .uid = uid, .sequence = sequence};
    book->next = (book->next + 1) % book->limit;
    if (book->count < book->limit)
        book->count++;
}

/* 0 = the newest. */
static const struct page *page_at(const struct receipt_book *book, size_t age)
{
    return &book->pages[(book->next + book->limit - 1 - age) % book->limit];
}

static bool is_durable(const struct page *page, uint64_t durable)
{
    return page->sequence && page->sequence <= durable;
}

static void copy_page(const struct page *page, uint64_t durable, struct receipt *ret_receipt)
{
    *ret_receipt = page->receipt;
    ret_receipt->durable = is_durable(page, durable);
}

int receipt_book_find(const struct receipt_book *book, const char *id, uint64_t durable,
                      struct receipt *ret_receipt, uid_t *ret_uid)
{
    for (size_t age = 0; age < book->count; age++) {
        const struct page *page = page_at(book, age);
        if (strcmp(page->receipt.id, id) != 0)
            continue;
        copy_page(page, durable, ret_receipt);
        *ret_uid = page->uid;
        return 0;
    }
    return -ENOENT;
}

size_t receipt_book_list(const struct receipt_book *book, uint64_t durable, bool all,
                         const uid_t *uid, struct receipt *ret_receipts, size_t limit)
{
    size_t count = 0;
    for (size_t age = 0; age < book->count && count < limit; age++) {
        const struct page *page = page_at(book, age);
        if ((all || !is_durable(page, durable)) && (!uid || *uid == page->uid))
            copy_page(page, durable, &ret_receipts[count++]);
    }
    return count;
}

static bool has_receipt(const struct command *command, const char *id)
{
    for (size_t i = 0; i < command->receipt_count; i++)
        if (strcmp(command->receipts[i].id, id) == 0)
            return true;
    return false;
}

int receipt_book_append(struct command *command, struct receipt *stored, size_t count)
{
    if (command->receipt_count == 0) {
        free(command->receipts);
        command->receipts = stored;
        command->receipt_count = count;
        return 0;
    }
    size_t all = command->receipt_count + count;
    struct receipt *receipts = realloc(command->receipts, all * sizeof(*receipts));
    if (receipts) {
        command->receipts = receipts;
        for (size_t i = 0; i < count; i++)
            if (!has_receipt(command, stored[i].id))
                receipts[command->receipt_count++] = stored[i];
    }
    free(stored);
    return receipts ? 0 : -ENOMEM;
}
