/* SPDX-License-Identifier: MIT */
/*
 * Puts the blocks of a past hour together, one process at a time, and makes the roll-ups: when an
 * hour is over its minutes, when a day is over its hours. What there is to do is read from the
 * file, so it goes on where a daemon that stopped has left off. Writer thread.
 */
#ifndef MEMTEND_STORAGE_COMPACTOR_H
#define MEMTEND_STORAGE_COMPACTOR_H

#include "storage/block_packer.h"
#include "storage/rollup.h"

struct compactor {
    struct queries *queries;
    struct block_packer hours, minutes, days;
    struct block_builder *builder, *hour_builder; /* of roll-ups; of ticks */
    struct block_opener *opener;
    struct rollup *rollup;
    struct block parts[ROLLUP_PARTS_LIMIT];
    struct rollup_part places[ROLLUP_PARTS_LIMIT];
    int64_t first_tick[ROLLUP_PARTS_LIMIT], ticks[ROLLUP_PARTS_LIMIT];
    int64_t day;     /* whose hours are made, or next; as day * BLOCK_DAY_TICKS is its first tick */
    int64_t process; /* of that day: done up to this one */
};

int compactor_init(struct compactor *compactor, struct queries *queries,
                   struct block_numbers *numbers);
void compactor_finish(struct compactor *compactor);

/*
 * In a transaction: up to `limit` times one process and hour, or one process and day.
 * `sealed_tick`: everything before it is in blocks. *ret_more: there may be more to do.
 */
int compactor_step(struct compactor *compactor, size_t limit, int64_t sealed_tick, bool *ret_more);

#endif
