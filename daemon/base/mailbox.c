/* SPDX-License-Identifier: MIT */
#include "base/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int mailbox_init(struct mailbox *mailbox, size_t capacity)
{
    void **items = calloc(capacity, sizeof(*items));
    if (!items)
        return -ENOMEM;
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0) {
        int error = errno;
        free(items);
        return -error;
    }
    *mailbox = (struct mailbox){.items = items, .capacity = capacity, .event_fd = event_fd};
    pthread_mutex_init(&mailbox->lock, NULL);
    return 0;
}

void mailbox_finish(struct mailbox *mailbox, void (*drop)(void *item))
{
    if (!mailbox->items)
        return;
    for (void *item = mailbox_pop(mailbox); item; item = mailbox_pop(mailbox))
        if (drop)
            drop(item);
    close(mailbox->event_fd);
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox->items);
    *mailbox = (struct mailbox){.event_fd = -1};
}

int mailbox_push(struct mailbox *mailbox, void *item)
{
    pthread_mutex_lock(&mailbox->lock);
    int r = -ENOBUFS;
    if (mailbox->count < mailbox->capacity) {
        size_t slot = (mailbox->first + mailbox->count) % mailbox->capacity;
        mailbox->items[slot] = item;
        if (mailbox->count++ == 0)
            eventfd_write(mailbox->event_fd, 1);
        r = 0;
    }
    pthread_mutex_unlock(&mailbox->lock);
    return r;
}

void *mailbox_pop(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    void *item = NULL;
    if (mailbox->count > 0) {
        item = mailbox->items[mailbox->first];
        mailbox->first = (mailbox->first + 1) % mailbox->capacity;
        if (--mailbox->count == 0) {
            eventfd_t drained;
            eventfd_read(mailbox->event_fd, &drained);
        }
    }
    pthread_mutex_unlock(&mailbox->lock);
    return item;
}

size_t mailbox_count(struct mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    size_t count = mailbox->count;
    pthread_mutex_unlock(&mailbox->lock);
    return count;
}

int mailbox_fd(const struct mailbox *mailbox)
{
    return mailbox->event_fd;
}

void *mailbox_wait(struct mailbox *mailbox, int timeout_msec)
{
    struct pollfd waiting = {.fd = mailbox->event_fd, .events = POLLIN};
    poll(&waiting, 1, timeout_msec);
    return mailbox_pop(mailbox);
}
