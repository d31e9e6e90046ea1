/* SPDX-License-Identifier: MIT */
#include "storage/shelf_copies.h"

#include <errno.h>
#include <stdlib.h>

void shelf_copies_init(struct shelf_copies *copies)
{
    *copies = (struct shelf_copies){0};
    buffer_init(&copies->bytes, SHELF_COPIES_SIZE_LIMIT);
}

void shelf_copies_finish(struct shelf_copies *copies)
{
    buffer_finish(&copies->bytes);
    free(copies->pieces);
    *copies = (struct shelf_copies){0};
}

void shelf_copies_clear(struct shelf_copies *copies)
{
    copies->bytes.size = 0;
    copies->count = 0;
}

static int shelf_copies_reserve(struct shelf_copies *copies)
{
    if (copies->count < copies->capacity)
        return 0;
    if (copies->count >= SHELF_COPIES_LIMIT)
        return -ENOBUFS;
    size_t capacity = copies->capacity ? copies->capacity * 2 : 16;
    struct shelf_copy_piece *pieces = realloc(copies->pieces, capacity * sizeof(*pieces));
    if (!pieces)
        return -ENOMEM;
    copies->pieces = pieces;
    copies->capacity = capacity;
    return 0;
}

int shelf_copies_add(struct shelf_copies *copies, struct shelf *shelf, int64_t row)
{
    int64_t from_tick = 0;
    while (shelf) {
        int r = shelf_copies_reserve(copies);
        if (r < 0)
            return r;
        struct shelf_copy_piece piece = {.row = row, .offset = copies->bytes.size};
        r = shelf_copy(shelf, row, from_tick, &copies->bytes, &piece.period);
        if (r == -ENOENT)
            return 0;
        if (r < 0)
            return r;
        piece.size = copies->bytes.size - piece.offset;
        copies->pieces[copies->count++] = piece;
        from_tick = piece.period.first_tick + piece.period.ticks;
    }
    return 0;
}

const struct shelf_copy_piece *shelf_copies_find(const struct shelf_copies *copies, int64_t row,
                                                 size_t *ret_count)
{
    size_t first = 0, count = 0;
    while (first < copies->count && copies->pieces[first].row != row)
        first++;
    while (first + count < copies->count && copies->pieces[first + count].row == row)
        count++;
    *ret_count = count;
    return count > 0 ? &copies->pieces[first] : NULL;
}
