/* SPDX-License-Identifier: MIT */
/*
 * What a query took from the shelf before it began to read the file, so that nothing that is sealed
 * meanwhile is in neither. One owner, one thread.
 */
#ifndef MEMTEND_STORAGE_SHELF_COPIES_H
#define MEMTEND_STORAGE_SHELF_COPIES_H

#include "storage/shelf.h"
#include "storage/tick_set.h"

/* Of one query: the logs of a unit with a few hundred busy processes. */
#define SHELF_COPIES_SIZE_LIMIT ((size_t)32 << 20)
#define SHELF_COPIES_LIMIT      65536

struct shelf_copy_piece {
    int64_t row;
    struct shelf_period period;
    size_t offset, size; /* of its bytes in the buffer */
};

struct shelf_copies {
    struct buffer bytes;
    struct shelf_copy_piece *pieces; /* those of a row follow each other, oldest first */
    size_t count, capacity;
};

void shelf_copies_init(struct shelf_copies *copies);
void shelf_copies_finish(struct shelf_copies *copies);
/* Forgets them, keeps the memory. */
void shelf_copies_clear(struct shelf_copies *copies);

/* All that the shelf (NULL: nothing) has of this row. -ENOMEM, -ENOBUFS: too much. */
int shelf_copies_add(struct shelf_copies *copies, struct shelf *shelf, int64_t row);
/* The first piece of a row and those that follow it; NULL and 0: none. */
const struct shelf_copy_piece *shelf_copies_find(const struct shelf_copies *copies, int64_t row,
                                                 size_t *ret_count);

static inline struct tick_range shelf_copy_ticks(const struct shelf_copy_piece *piece)
{
    return (struct tick_range){piece->period.first_tick,
                               piece->period.first_tick + piece->period.ticks};
}

#endif
