/* SPDX-License-Identifier: MIT */
/*
 * For each living process the id of its newest sample row: what links its rows into a chain. Kept
 * in memory by the writer; a transaction that fails takes its changes back. Open addressing,
 * grows by doubling; entries of ended processes go when it does.
 */
#ifndef MEMTEND_STORAGE_CHAIN_H
#define MEMTEND_STORAGE_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Twice the processes that a tick may have (model/tick): half of the slots stay free. */
#define CHAIN_SLOTS_LIMIT (size_t)131072

struct chain_entry {
    int64_t row;    /* of the process; 0 = free slot */
    int64_t last;   /* id of its newest sample; 0 = none */
    int64_t before; /* `last` before the transaction that changed it */
    uint32_t transaction;
    bool ended;
};

struct chain {
    struct chain_entry *entries;
    size_t slots, used; /* slots is 0 or a power of two */
    uint32_t transaction;
};

void chain_init(struct chain *chain);
void chain_finish(struct chain *chain);

void chain_begin(struct chain *chain);
void chain_abort(struct chain *chain); /* back to where chain_begin() was */

/* The row's newest sample becomes `id`; *ret_previous gets the one before, 0 = none. -ENOMEM. */
int chain_link(struct chain *chain, int64_t row, int64_t id, int64_t *ret_previous);
void chain_end(struct chain *chain, int64_t row); /* unknown rows: nothing happens */

#endif
