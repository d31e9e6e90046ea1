/* SPDX-License-Identifier: MIT */
#include "storage/varint.h"

#include <errno.h>

size_t varint_put(uint64_t value, uint8_t ret_bytes[static VARINT_SIZE_LIMIT])
{
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        ret_bytes[size++] = (uint8_t)(value | 0x80);
    ret_bytes[size++] = (uint8_t)value;
    return size;
}

int varint_append(struct buffer *buffer, uint64_t value)
{
    uint8_t bytes[VARINT_SIZE_LIMIT];
    return buffer_append(buffer, bytes, varint_put(value, bytes));
}

int varint_append_signed(struct buffer *buffer, int64_t value)
{
    return varint_append(buffer, varint_fold(value));
}

int varint_read_long(struct varint_reader *reader, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < reader->size && i < VARINT_SIZE_LIMIT; i++) {
        uint8_t byte = reader->data[i];
        /* The tenth byte has room for the 64th bit only. */
        if (i == VARINT_SIZE_LIMIT - 1 && byte > 1)
            return -EUCLEAN;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            reader->data += i + 1;
            reader->size -= i + 1;
            *ret_value = value;
            return 0;
        }
    }
    return -EUCLEAN;
}

int varint_read_signed(struct varint_reader *reader, int64_t *ret_value)
{
    uint64_t folded;
    int r = varint_read(reader, &folded);
    if (r < 0)
        return r;
    *ret_value = varint_unfold(folded);
    return 0;
}
