/* SPDX-License-Identifier: MIT */
/*
 * The newest events, until the store says that they are on disk: so that what happens while the
 * store is degraded can be seen, and is marked. Loop thread only.
 */
#ifndef MEMTEND_ENGINE_EVENT_BOOK_H
#define MEMTEND_ENGINE_EVENT_BOOK_H

#include "model/command.h"

/* A screen of them: the older ones of a long outage come with the store. */
#define EVENT_BOOK_EVENTS 64

struct event_book;

int event_book_new(struct event_book **ret_book);
void event_book_free(struct event_book *book); /* NULL is fine */
void event_book_add(struct event_book *book, const struct event *event, uint64_t sequence);

/* Puts those that are not durable, and that the list asks for, into the answer of an EVENT_LIST:
 * newest first, on its first page only, and fewer than its limit. */
void event_book_list(const struct event_book *book, uint64_t durable, struct command *command);

/* Reader thread: what the store has, behind what is in the answer already; an event that is in both
 * is durable by now. Takes `stored`. -ENOMEM. */
int event_book_append(struct command *command, struct event *stored, size_t count);

#endif
