/* SPDX-License-Identifier: MIT */
#include "storage/hot.h"

#include <errno.h>

#define HOT_VERSION 1

int hot_begin(struct hot_writer *writer, struct buffer *buffer, uint64_t ticks_since)
{
    *writer = (struct hot_writer){.buffer = buffer};
    int r = varint_append(buffer, HOT_VERSION);
    return r < 0 ? r : varint_append(buffer, ticks_since);
}

int hot_add(struct hot_writer *writer, int64_t row, const uint8_t *entry, size_t size)
{
    int r = varint_append_signed(writer->buffer, row - writer->row);
    if (r == 0)
        r = buffer_append(writer->buffer, entry, size);
    if (r == 0)
        writer->row = row;
    return r;
}

int hot_open(struct hot_reader *reader, const uint8_t *data, size_t size)
{
    *reader = (struct hot_reader){.rest = {.data = data, .size = size}};
    uint64_t version;
    int r = varint_read(&reader->rest, &version);
    if (r == 0 && version != HOT_VERSION)
        r = -EUCLEAN;
    return r < 0 ? r : varint_read(&reader->rest, &reader->ticks_since);
}

int hot_next(struct hot_reader *reader)
{
    int64_t delta, row;
    int r = varint_read_signed(&reader->rest, &delta);
    if (r < 0)
        return r;
    if (__builtin_add_overflow(reader->row, delta, &row) || row < 0)
        return -EUCLEAN;
    reader->row = row;
    return 0;
}
