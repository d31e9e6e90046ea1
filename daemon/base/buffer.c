/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *buffer, size_t limit)
{
    *buffer = (struct buffer){.limit = limit};
}

void buffer_init_over(struct buffer *buffer, char *storage, size_t capacity)
{
    *buffer =
        (struct buffer){.data = storage, .capacity = capacity, .limit = capacity, .borrowed = true};
}

void buffer_finish(struct buffer *buffer)
{
    if (!buffer->borrowed)
        free(buffer->data);
    *buffer = (struct buffer){0};
}

int buffer_reserve(struct buffer *buffer, size_t size)
{
    if (size > buffer->limit - buffer->size)
        return -ENOBUFS;
    size_t needed = buffer->size + size;
    if (needed <= buffer->capacity)
        return 0;
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > buffer->limit)
        capacity = buffer->limit;
    char *data = realloc(buffer->data, capacity);
    if (!data)
        return -ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

void buffer_grown(struct buffer *buffer, size_t size)
{
    buffer->size += size;
}

int buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
    int r = buffer_reserve(buffer, size);
    if (r < 0)
        return r;
    if (size > 0)
        memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
    return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
    char small[256];
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(small, sizeof(small), format, list);
    va_end(list);
    int r = length < 0 ? -EINVAL : buffer_reserve(buffer, (size_t)length);
    if (r == 0 && (size_t)length < sizeof(small)) {
        r = buffer_append(buffer, small, (size_t)length);
    } else if (r == 0) {
        /* vsnprintf writes a NUL behind the text: it needs one byte more than the text. */
        r = buffer_reserve(buffer, (size_t)length + 1);
        if (r == 0) {
            vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format, again);
            buffer->size += (size_t)length;
        }
    }
    va_end(again);
    return r;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
    buffer->size -= size;
    if (buffer->size > 0)
        memmove(buffer->data, buffer->data + size, buffer->size);
}
