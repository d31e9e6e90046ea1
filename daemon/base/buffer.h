/* SPDX-License-Identifier: MIT */
/*
 * A bounded byte buffer: bytes go in at the end, come out at the front. Either over the caller's
 * storage (never allocates: the agent's case) or on the heap up to a stated limit. One owner, one
 * thread. Appending past the limit changes nothing and returns -ENOBUFS.
 */
#ifndef MEMTEND_BASE_BUFFER_H
#define MEMTEND_BASE_BUFFER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data;      /* not NUL-terminated */
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes there is room for now */
    size_t limit;    /* bytes there may ever be */
    bool borrowed;   /* data belongs to the caller */
};

void buffer_init(struct buffer *buffer, size_t limit);
void buffer_init_over(struct buffer *buffer, char *storage, size_t capacity);
void buffer_finish(struct buffer *buffer); /* safe on a zeroed one */

int buffer_append(struct buffer *buffer, const void *bytes, size_t size);
int buffer_append_text(struct buffer *buffer, const char *text);
int buffer_printf(struct buffer *buffer, const char *format, ...) _printf_(2, 3);
/* Room for at least size more bytes at data + size; buffer_grown() takes them in. */
int buffer_reserve(struct buffer *buffer, size_t size);
void buffer_grown(struct buffer *buffer, size_t size);
/* Drop bytes from the front. */
void buffer_consume(struct buffer *buffer, size_t size);

#endif
