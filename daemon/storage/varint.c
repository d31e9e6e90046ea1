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
    size_t limit = reader->size < VARINT_SIZE_LIMIT ? reader->size : VARINT_SIZE_LIMIT, i = 0;
    for (; i < limit && reader->data[i] >= 0x80; i++)
        value |= (uint64_t)(reader->data[i] & 0x7f) << (7 * i);
    /* The tenth byte has room for the 64th bit only. */
    if (i == limit || (i == VARINT_SIZE_LIMIT - 1 && reader->data[i] > 1))
        return -EUCLEAN;
    *ret_value = value | (uint64_t)reader->data[i] << (7 * i);
    reader->data += i + 1;
    reader->size -= i + 1;
    return 0;
}
