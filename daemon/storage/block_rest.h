/* SPDX-License-Identifier: MIT */
/*
 * RSS as what is left of it. For the kernel it is the sum of anonymous, file and shared memory, so
 * where a block of samples knows all four, RSS less that sum hardly ever changes, whatever the
 * process does. The rest is taken and added back with 64 bits that wrap: exact for any values.
 *
 * A part that is unknown at a tick counts as it was last known; before the first time as it is
 * then. Pure, but for the state of a builder, which that owns.
 */
#ifndef MEMTEND_STORAGE_BLOCK_REST_H
#define MEMTEND_STORAGE_BLOCK_REST_H

#include "storage/block.h"

#define BLOCK_REST_PARTS 3

/* The code of each part, i below BLOCK_REST_PARTS. */
uint16_t block_rest_part(size_t i);

/* Adds a part to a value of each entry. `presence` as in block_add(), `known` its values, at least
 * one. */
void block_rest_add_part(const uint8_t *presence, size_t entries, const int64_t *known,
                         int64_t *values);

/* What a builder has seen of the four columns. */
struct block_rest {
    size_t entries, count; /* count: entries at which RSS is known; 0: at none so far */
    unsigned parts;        /* bit i: of part i */
    bool whole;            /* count is entries, and presence is not set */
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    int64_t rss[BLOCK_TICKS_LIMIT]; /* the known ones */
    int64_t sums[BLOCK_TICKS_LIMIT];
};

void block_rest_begin(struct block_rest *rest, size_t entries);
/* Any column, each once; `count` of its entries are known, at least one. */
void block_rest_take(struct block_rest *rest, uint16_t code, const uint8_t *presence, size_t count,
                     const int64_t *values);
/* All four have been taken. */
bool block_rest_is_complete(const struct block_rest *rest);
/* Appends the column that stands for RSS, as column_encode(). It is made in place: nothing is taken
 * any more then. */
int block_rest_encode(struct block_rest *rest, struct buffer *out,
                      struct column_summary *ret_summary);

#endif
