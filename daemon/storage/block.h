/* SPDX-License-Identifier: MIT */
/*
 * A block: some columns of one process, or of the host, over consecutive ticks, or over the entries
 * of a roll-up; each with the ticks at which it is known. One zstd frame around it, so that the
 * blob alone can be checked and read. Knows nothing of SQLite. Each object has one owner and is
 * used by one thread at a time; after the first blocks nothing is allocated any more.
 *
 * Inside the frame: layout (one byte), entries, ticks of an entry; then for each column its code,
 * where it is known, its size in bytes and the column (storage/column). "Where" is how many runs
 * end before the last entry (0: known everywhere), then the length of each, beginning with the
 * unknown one (which alone may be 0 long); the last run takes what is left. All are varints.
 *
 * There are two layouts, and a block has the one in which it is smaller: each column as it is, or
 * RSS as the rest that anonymous, file and shared memory leave of it (storage/block_rest).
 */
#ifndef MEMTEND_STORAGE_BLOCK_H
#define MEMTEND_STORAGE_BLOCK_H

#include "base/cleanup.h"
#include "storage/column.h"
#include "storage/columns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_LAYOUT_PLAIN  1
#define BLOCK_LAYOUT_REST   2
#define BLOCK_TICKS_LIMIT   COLUMN_COUNT_LIMIT /* an hour of seconds: the longest that is stored */
#define BLOCK_PRESENCE_SIZE ((BLOCK_TICKS_LIMIT + 7) / 8)
/* Every process metric in a roll-up has five: 28 of them now, and room for as many again. */
#define BLOCK_COLUMNS_LIMIT 320
/* Inside the frame. An hour of 32 columns full of noise is 1.2 MiB; what is met is below 64 KiB. */
#define BLOCK_CONTENT_LIMIT ((size_t)2 << 20)

/* What stands beside the blob in its row, so that top-N reads no blob. */
struct block_summary {
    int64_t count, pss_count; /* ticks at which RSS, PSS are known; 0: their max and sum are not */
    int64_t rss_max, rss_sum;
    int64_t pss_max, pss_sum;
};

/* Presence: bit i % 8 of byte i / 8 is entry i. */
static inline bool block_present(const uint8_t *presence, size_t entry)
{
    return presence[entry / 8] >> (entry % 8) & 1;
}

static inline void block_set_present(uint8_t *presence, size_t entry)
{
    presence[entry / 8] = (uint8_t)(presence[entry / 8] | 1U << (entry % 8));
}

/* Of some entries in a row. */
void block_set_run(uint8_t *presence, size_t first, size_t count);
/* How many of the entries are known. */
size_t block_count_present(const uint8_t *presence, size_t entries);

/* --- writing ------------------------------------------------------------------------------- */

struct block_builder;

int block_builder_new(struct block_builder **ret_builder); /* -ENOMEM */
void block_builder_free(struct block_builder *builder);    /* NULL: nothing */
DEFINE_CLEANUP(struct block_builder *, block_builder_free);

/* Forgets what was there. 1 .. BLOCK_TICKS_LIMIT entries of 1 .. BLOCK_TICKS_LIMIT ticks each
 * (1: samples); -ERANGE. */
int block_begin(struct block_builder *builder, size_t entries, size_t entry_ticks);
/* Each code once. `presence` as above, NULL: known at every entry. `values` are those of the
 * known entries only, in a row. A column that is known nowhere is left out. -ERANGE: bad code;
 * -ENOBUFS: too many columns or bytes; -ENOMEM. After a failure begin again. */
int block_add(struct block_builder *builder, uint16_t code, const uint8_t *presence,
              const int64_t *values);
/* The blob; it stays with the builder until the next block_begin(). Once. Without a column: still
 * a valid block. -EIO: zstd failed. */
int block_seal(struct block_builder *builder, const uint8_t **ret_data, size_t *ret_size);
/* Of the columns added so far; in a roll-up, of all ticks that its entries stand for. */
struct block_summary block_summary(const struct block_builder *builder);

/* --- reading ------------------------------------------------------------------------------- */

/* What it takes to open blocks. One serves any number of them, one after the other. */
struct block_opener;

int block_opener_new(struct block_opener **ret_opener); /* -ENOMEM */
void block_opener_free(struct block_opener *opener);    /* NULL: nothing */
DEFINE_CLEANUP(struct block_opener *, block_opener_free);

/* Its bytes are the block's: valid until that is opened again or finished. */
struct block_column {
    uint16_t code;
    struct column_summary summary; /* of the bytes: not of RSS when these are its rest */
    const uint8_t *runs;           /* where it is known */
    const uint8_t *data;
    size_t run_count, runs_size, data_size;
};

/* An opened block. block_init() once, block_open() as often as wanted: it keeps its memory. */
struct block {
    size_t entries, entry_ticks;
    bool has_rest; /* RSS is stored as its rest; its parts are there too */
    size_t column_count;
    struct block_column *columns; /* in no order */
    size_t column_capacity;
    struct buffer content;
};

void block_init(struct block *block);
void block_finish(struct block *block); /* safe on a zeroed one */

/* Takes the bytes in; they may go then. -EUCLEAN: damaged, or of a layout that is not known; the
 * block is empty then. -ENOMEM. Any bytes are safe. */
int block_open(struct block *block, struct block_opener *opener, const void *data, size_t size);
/* NULL: known nowhere in this block. */
const struct block_column *block_find(const struct block *block, uint16_t code);
/* All entries: value 0 where it is unknown; RSS as it was, with any layout. `presence` gets
 * (entries + 7) / 8 bytes, the bits past the last entry are 0; `values` gets `entries`. -EUCLEAN:
 * damaged; what was written means nothing. */
int block_read(const struct block *block, const struct block_column *column, uint8_t *ret_presence,
               int64_t *ret_values);

#endif
