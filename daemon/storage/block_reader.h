/* SPDX-License-Identifier: MIT */
/*
 * All that is stored of one process, or of the host, within some ticks: blocks and roll-ups of the
 * file and copies of the shelf, each tick from one of them. The level that is asked for first; what
 * it has not (the newest ticks have no roll-ups yet, old samples have expired) from finer levels,
 * the rest from coarser ones. Reader thread, inside a read transaction.
 */
#ifndef MEMTEND_STORAGE_BLOCK_READER_H
#define MEMTEND_STORAGE_BLOCK_READER_H

#include "storage/block.h"
#include "storage/query.h"
#include "storage/shelf_copies.h"

enum block_level {
    BLOCK_LEVEL_TICKS,
    BLOCK_LEVEL_MINUTES, /* of 60 ticks */
    BLOCK_LEVEL_HOURS,   /* of 3,600 ticks */
};

/* Part of what one block, or copy, knows. Valid while it is visited. */
struct block_piece {
    struct tick_range ticks; /* what it is to tell of: within the block */
    struct tick_range block; /* all that the block is about */
    size_t entries, entry_ticks;
    bool host;
    const struct shelf_copy_piece *copy; /* NULL: reader->block */
};

/* Columns of the piece under visit. */
struct block_reader_slot {
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    int64_t values[BLOCK_TICKS_LIMIT];
};

/* What a roll-up has of a metric, and of the host beside its wall times. */
#define BLOCK_READER_SLOTS 8

/* About 250 KiB, kept for all queries. */
struct block_reader {
    struct queries *queries;
    const struct shelf_copies *copies;
    struct block_opener *opener;
    struct block block;
    struct tick_set told; /* of the row under visit */
    struct block_reader_slot slots[BLOCK_READER_SLOTS];
};

int block_reader_new(struct block_reader **ret_reader); /* -ENOMEM */
void block_reader_free(struct block_reader *reader);    /* NULL: nothing */
DEFINE_CLEANUP(struct block_reader *, block_reader_free);

typedef int (*block_visit)(struct block_reader *reader, const struct block_piece *piece,
                           void *context);

/* Visits each piece, oldest first within a level; a negative result ends it. -EUCLEAN: damaged. */
int block_reader_visit(struct block_reader *reader, int64_t row, struct tick_range ticks,
                       enum block_level level, block_visit visit, void *context);

/* The same, of the ticks themselves: no roll-up stands in for what has expired. */
int block_reader_visit_ticks(struct block_reader *reader, int64_t row, struct tick_range ticks,
                             block_visit visit, void *context);

/* Reads a column of the piece into a slot: all entries of the block. -ENOENT: it is known nowhere
 * in it; -EUCLEAN. */
int block_reader_column(struct block_reader *reader, const struct block_piece *piece, uint16_t code,
                        struct block_reader_slot *slot);

#endif
