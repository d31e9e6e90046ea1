/* SPDX-License-Identifier: MIT */
/*
 * Hot rows in the file: one after the other through rows of the table hot, each of which fills a
 * page. A tick changes the page that is being filled and no other; one whose ticks are all in
 * blocks is filled again. So nothing is allocated, moved or given back: a tick costs little more
 * than one page of the log. Writer thread.
 *
 * In the pages, by their numbers: for each tick varint of the size of what follows, varint of the
 * tick, varint of its boot, and the hot row (storage/hot). Size 0: nothing more comes on this page,
 * and the next one begins anew.
 */
#ifndef MEMTEND_STORAGE_HOT_PAGES_H
#define MEMTEND_STORAGE_HOT_PAGES_H

#include "storage/query.h"

#include <stddef.h>
#include <stdint.h>

/* With the columns beside it just below the 4,061 bytes that SQLite keeps on a page of its own. */
#define HOT_PAGE_BYTES 4016

struct hot_pages {
    struct queries *queries;
    int64_t *last_ticks; /* of each page, by its id - 1 */
    size_t count, capacity;
    int64_t number; /* of the page that is being filled: counts up, one by one */
    size_t page;    /* its id - 1 */
    size_t used;    /* HOT_PAGE_BYTES: the next tick takes another page */
    size_t begins;  /* where the first tick begins that does not come from the page before */
    int64_t unsealed_tick;
    uint8_t data[HOT_PAGE_BYTES];
};

/* Which pages there are. */
int hot_pages_init(struct hot_pages *pages, struct queries *queries);
void hot_pages_finish(struct hot_pages *pages);
/* `unsealed_tick`: what was before it is in blocks. After a failure, or when the transaction did
 * not go through, hot_pages_break(). -ENOMEM. */
int hot_pages_put(struct hot_pages *pages, int64_t tick, int64_t boot, int64_t unsealed_tick,
                  const void *hot, size_t size);
/* What was put last may not be in the file. */
void hot_pages_break(struct hot_pages *pages);
/* What is before it would not be read again: so says the newest page in the file. 0: not known. */
int64_t hot_pages_unsealed_tick(const struct hot_pages *pages);

/* Takes the hot row of one tick; failure ends the reading. */
typedef int hot_pages_taker(void *context, int64_t tick, int64_t boot, const void *hot,
                            size_t size);

/* All ticks that are not in blocks, in their order; what is damaged is left out. *ret_ticks: how
 * many there should have been. */
int hot_pages_read(struct queries *queries, hot_pages_taker *take, void *context,
                   size_t *ret_ticks);

#endif
