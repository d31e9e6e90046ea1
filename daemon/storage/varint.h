/* SPDX-License-Identifier: MIT */
/*
 * Whole numbers of one to ten bytes: seven bits a byte, lowest first, the high bit says that more
 * follow. Signed ones are folded first, so that those near zero are short. Pure, any thread.
 */
#ifndef MEMTEND_STORAGE_VARINT_H
#define MEMTEND_STORAGE_VARINT_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

#define VARINT_SIZE_LIMIT 10 /* 64 bits, seven a byte */

/* Bytes not read yet. The bytes are the caller's. */
struct varint_reader {
    const uint8_t *data;
    size_t size;
};

/* 0, -1, 1, -2, … become 0, 1, 2, 3, … */
static inline uint64_t varint_fold(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t varint_unfold(uint64_t folded)
{
    return (int64_t)((folded >> 1) ^ (folded & 1 ? UINT64_MAX : 0));
}

/* Bytes written, 1 .. VARINT_SIZE_LIMIT. */
size_t varint_put(uint64_t value, uint8_t ret_bytes[static VARINT_SIZE_LIMIT]);

/* -ENOBUFS or -ENOMEM as buffer_append(); nothing is appended then. */
int varint_append(struct buffer *buffer, uint64_t value);
int varint_append_signed(struct buffer *buffer, int64_t value);

/* Takes one off the front. -EUCLEAN: it does not end there, or has more than 64 bits; the reader
 * stays where it was. */
int varint_read_long(struct varint_reader *reader, uint64_t *ret_value);

/* Nearly all that is stored has one byte. */
static inline int varint_read(struct varint_reader *reader, uint64_t *ret_value)
{
    if (reader->size == 0 || reader->data[0] >= 0x80)
        return varint_read_long(reader, ret_value);
    *ret_value = reader->data[0];
    reader->data++;
    reader->size--;
    return 0;
}

static inline int varint_read_signed(struct varint_reader *reader, int64_t *ret_value)
{
    uint64_t folded;
    int r = varint_read(reader, &folded);
    if (r < 0)
        return r;
    *ret_value = varint_unfold(folded);
    return 0;
}

#endif
