/* SPDX-License-Identifier: MIT */
/*
 * Writes the logs of past periods as blocks, a bounded number in each transaction. Writer thread.
 */
#ifndef MEMTEND_STORAGE_SEALER_H
#define MEMTEND_STORAGE_SEALER_H

#include "storage/block_packer.h"
#include "storage/shelf.h"

/* The columns of one log, tick by tick. */
struct sealer_column {
    uint8_t presence[(SHELF_PERIOD_TICKS + 7) / 8];
    size_t count;
    int64_t values[SHELF_PERIOD_TICKS];
};

struct sealer {
    struct queries *queries;
    struct shelf *shelf;
    struct block_packer blocks;
    struct block_builder *builder;
    struct sealer_column *columns; /* OPEN_LOG_PLACES, mapped: most are never touched */
    int64_t boot;                  /* of the ticks that are sealed */
};

int sealer_init(struct sealer *sealer, struct queries *queries, struct block_numbers *numbers,
                struct shelf *shelf);
void sealer_finish(struct sealer *sealer);

/*
 * In a transaction: up to `limit` logs, SHELF_TAKEN_LIMIT at most. *ret_sealed: how many. The
 * caller tells the shelf how the transaction ended.
 */
int sealer_step(struct sealer *sealer, size_t limit, size_t *ret_sealed);

#endif
