/* SPDX-License-Identifier: MIT */
#include "storage/chain.h"

#include <errno.h>
#include <stdlib.h>

#define CHAIN_SLOTS_FIRST 1024

void chain_init(struct chain *chain)
{
    *chain = (struct chain){0};
}

void chain_finish(struct chain *chain)
{
    free(chain->entries);
    *chain = (struct chain){0};
}

/* The row's slot, or the free one where it belongs. Rows are consecutive numbers: no mixing. */
static struct chain_entry *chain_slot(struct chain_entry *entries, size_t slots, int64_t row)
{
    size_t slot = (size_t)row & (slots - 1);
    while (entries[slot].row != 0 && entries[slot].row != row)
        slot = (slot + 1) & (slots - 1);
    return &entries[slot];
}

/* An end that can still be taken back does not count. */
static bool chain_is_over(const struct chain *chain, const struct chain_entry *entry)
{
    return entry->ended && entry->transaction != chain->transaction;
}

static int chain_grow(struct chain *chain)
{
    size_t alive = 0;
    for (size_t i = 0; i < chain->slots; i++)
        alive += chain->entries[i].row != 0 && !chain_is_over(chain, &chain->entries[i]);
    size_t slots = CHAIN_SLOTS_FIRST;
    while (slots < alive * 4)
        slots *= 2;
    if (slots > CHAIN_SLOTS_LIMIT)
        return -ENOMEM;
    struct chain_entry *entries = calloc(slots, sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    for (size_t i = 0; i < chain->slots; i++) {
        struct chain_entry *entry = &chain->entries[i];
        if (entry->row != 0 && !chain_is_over(chain, entry))
            *chain_slot(entries, slots, entry->row) = *entry;
    }
    free(chain->entries);
    chain->entries = entries;
    chain->slots = slots;
    chain->used = alive;
    return 0;
}

void chain_begin(struct chain *chain)
{
    chain->transaction++;
}

void chain_abort(struct chain *chain)
{
    for (size_t i = 0; i < chain->slots; i++) {
        struct chain_entry *entry = &chain->entries[i];
        if (entry->row == 0 || entry->transaction != chain->transaction)
            continue;
        entry->last = entry->before;
        entry->ended = false;
    }
}

static void chain_touch(const struct chain *chain, struct chain_entry *entry)
{
    if (entry->transaction == chain->transaction)
        return;
    entry->before = entry->last;
    entry->transaction = chain->transaction;
}

int chain_link(struct chain *chain, int64_t row, int64_t id, int64_t *ret_previous)
{
    if (chain->used * 2 >= chain->slots) {
        int r = chain_grow(chain);
        if (r < 0)
            return r;
    }
    struct chain_entry *entry = chain_slot(chain->entries, chain->slots, row);
    if (entry->row == 0) {
        *entry = (struct chain_entry){.row = row};
        chain->used++;
    }
    chain_touch(chain, entry);
    *ret_previous = entry->last;
    entry->last = id;
    return 0;
}

void chain_end(struct chain *chain, int64_t row)
{
    if (chain->slots == 0)
        return;
    struct chain_entry *entry = chain_slot(chain->entries, chain->slots, row);
    if (entry->row == 0)
        return;
    chain_touch(chain, entry);
    entry->ended = true;
}
