/* SPDX-License-Identifier: MIT */
#include "engine/event_book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct event_page {
    struct event event;
    uint64_t sequence;
};

struct event_book {
    size_t first, count; /* a ring, oldest first */
    struct event_page pages[EVENT_BOOK_EVENTS];
};

int event_book_new(struct event_book **ret_book)
{
    *ret_book = calloc(1, sizeof(**ret_book));
    return *ret_book ? 0 : -ENOMEM;
}

void event_book_free(struct event_book *book)
{
    free(book);
}

void event_book_add(struct event_book *book, const struct event *event, uint64_t sequence)
{
    if (book->count == EVENT_BOOK_EVENTS) {
        book->first = (book->first + 1) % EVENT_BOOK_EVENTS;
        book->count--;
    }
    book->pages[(book->first + book->count++) % EVENT_BOOK_EVENTS] =
        (struct event_page){.event = *event, .sequence = sequence};
}

static bool is_asked_for(const struct event_page *page, uint64_t durable,
                         const struct command *command)
{
    const struct event *event = &page->event;
    return page->sequence > durable && event->wall_usec >= command->from_wall_usec &&
           (!command->has_event_kind || event->kind == command->event_kind);
}

void event_book_list(const struct event_book *book, uint64_t durable, struct command *command)
{
    /* The store's page behind it has room for one at least. */
    size_t room = command->limit > 0 ? command->limit - 1 : 0;
    if (command->cursor[0] || book->count == 0 || room == 0)
        return;
    struct event *events = NULL;
    for (size_t i = book->count; i-- > 0 && command->event_count < room;) {
        const struct event_page *page = &book->pages[(book->first + i) % EVENT_BOOK_EVENTS];
        if (!is_asked_for(page, durable, command))
            continue;
        if (!events)
            events = calloc(EVENT_BOOK_EVENTS, sizeof(*events));
        if (!events)
            return;
        events[command->event_count] = page->event;
        events[command->event_count++].not_durable = true;
    }
    command->events = events;
}

static bool is_stored(const struct event *stored, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (stored[i].id == id)
            return true;
    return false;
}

int event_book_append(struct command *command, struct event *stored, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < command->event_count; i++)
        if (!is_stored(stored, count, command->events[i].id))
            command->events[kept++] = command->events[i];
    command->event_count = kept;
    struct event *all = realloc(stored, (kept + count + 1) * sizeof(*all));
    if (!all) {
        free(stored);
        return -ENOMEM;
    }
    memmove(all + kept, all, count * sizeof(*all));
    if (kept > 0)
        memcpy(all, command->events, kept * sizeof(*all));
    free(command->events);
    command->events = all;
    command->event_count = kept + count;
    return 0;
}
