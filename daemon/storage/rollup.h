/* SPDX-License-Identifier: MIT */
/*
 * From many ticks to few entries: per metric the smallest, the largest and the last value, the sum,
 * and how many ticks it was known. Also puts the blocks of an hour into one. Blocks in, a block
 * out. Pure.
 *
 * Parts are blocks of the same process and the same entries, in the order of their time; where two
 * tell of the same entry the later one counts. What lies outside the new block is left out. Those
 * who call have begun no block: these functions begin one and leave block_seal() to the caller.
 */
#ifndef MEMTEND_STORAGE_ROLLUP_H
#define MEMTEND_STORAGE_ROLLUP_H

#include "storage/block.h"

/* The parts of one call: an hour of ten-minute blocks, more after restarts; a day of hours. */
#define ROLLUP_PARTS_LIMIT 64

struct rollup_part {
    const struct block *block;
    size_t offset; /* of its first entry in the new block; hours: which hour of the day */
};

/* Of a roll-up: an hour of minutes has 60. */
#define ROLLUP_ENTRIES_LIMIT 360

/* Memory for the column under way; 75 KiB. */
struct rollup;

int rollup_new(struct rollup **ret_rollup); /* -ENOMEM */
void rollup_free(struct rollup *rollup);    /* NULL: nothing */
DEFINE_CLEANUP(struct rollup *, rollup_free);

/* The ticks themselves, put into one block of their own on the way. */
struct rollup_copy {
    size_t first, ticks; /* of those that are summed up */
    struct block_builder *builder;
};

/* Samples of `ticks` ticks to entries of `entry_ticks`, the last of which may be shorter; a part of
 * another kind is -ERANGE. Times of the host as if they were metrics. `copy` may be NULL. -ERANGE:
 * no parts, too many, or they do not go together; -EUCLEAN: a part is damaged; or as block_add().
 */
int rollup_ticks(struct rollup *rollup, const struct rollup_part *parts, size_t count, size_t ticks,
                 size_t entry_ticks, struct block_builder *builder, const struct rollup_copy *copy);
/* Each roll-up becomes one entry of `entry_ticks`: 24 hours of minutes, a day of hours. Reads heads
 * of columns only. Parts of one offset are put together. Errors as above. */
int rollup_hours(struct rollup *rollup, const struct rollup_part *parts, size_t count,
                 size_t entries, size_t entry_ticks, struct block_builder *builder);

#endif
