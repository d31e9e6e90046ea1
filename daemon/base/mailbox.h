/* SPDX-License-Identifier: MIT */
/*
 * A bounded queue of pointers between threads with an eventfd that is readable while the queue is
 * not empty. Ownership of an item moves with the push and with the pop. Push never blocks and
 * never allocates; a full mailbox answers -ENOBUFS and the item stays the caller's. The only way,
 * beside the published snapshot, that threads of the head share anything.
 */
#ifndef MEMTEND_BASE_MAILBOX_H
#define MEMTEND_BASE_MAILBOX_H

#include <pthread.h>
#include <stddef.h>

struct mailbox {
    pthread_mutex_t lock; /* over the four fields below */
    void **items;         /* ring of capacity pointers */
    size_t capacity;
    size_t first;
    size_t count;
    int event_fd; /* EFD_NONBLOCK; one count per state change from empty */
};

int mailbox_init(struct mailbox *mailbox, size_t capacity);
/* Items still inside are handed to drop (NULL: forgotten). No other thread may use it any more. */
void mailbox_finish(struct mailbox *mailbox, void (*drop)(void *item));

int mailbox_push(struct mailbox *mailbox, void *item);
void *mailbox_pop(struct mailbox *mailbox); /* NULL when empty */
size_t mailbox_count(struct mailbox *mailbox);
/* For epoll: readable while items wait. Owned by the mailbox. */
int mailbox_fd(const struct mailbox *mailbox);
/* Sleep until an item waits or timeout_msec passed (-1: for ever); then pop. */
void *mailbox_wait(struct mailbox *mailbox, int timeout_msec);

#endif
