/* SPDX-License-Identifier: MIT */
/*
 * Texts that many entries of a table share, each kept once: command lines of workers, their units
 * and names. One mapping of a fixed size that takes memory as it fills and gives it back: nothing
 * is allocated while it is in use. A text stays where it is until the last of those who took it has
 * dropped it. One owner, one thread.
 */
#ifndef MEMTEND_ENGINE_TEXT_POOL_H
#define MEMTEND_ENGINE_TEXT_POOL_H

#include <stddef.h>
#include <stdint.h>

/* The longest text, with its NUL: as much of a command line as is kept for rules. */
#define TEXT_POOL_LONGEST 4096
/* Sizes of slots; see text_pool.c. */
#define TEXT_POOL_SIZES 14

struct text_slab;

struct text_pool {
    char *memory;                   /* slabs behind each other */
    struct text_slab *slabs;        /* what is known of each */
    size_t slab_limit, slab_count;  /* there may be; have been in use so far */
    uint32_t idle;                  /* list of slabs that are in use no more; 0 = none, else + 1 */
    uint32_t open[TEXT_POOL_SIZES]; /* by size: list of slabs with room, likewise */
    uint32_t *buckets;              /* heads of chains of slots with the same hash, likewise */
    size_t bucket_mask;
    size_t count; /* texts in it */
};

/* Room for `bytes` of text, rounded up; it is quickest with up to `texts` of them. -ENOMEM. */
int text_pool_init(struct text_pool *pool, size_t bytes, size_t texts);
/* Zeroed is fine. All texts are gone. */
void text_pool_finish(struct text_pool *pool);

/*
 * The pool's own copy of a text, to be dropped once. NULL: no room, or longer than any may be.
 * Clean, borrowed until it returns; it may be a text of this pool.
 */
const char *text_pool_take(struct text_pool *pool, const char *text);
/* NULL is fine. */
void text_pool_drop(struct text_pool *pool, const char *text);

#endif
