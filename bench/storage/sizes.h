/* SPDX-License-Identifier: MIT */
/*
 * What the tables of a store take, by pages, over a read-only connection of its own: whichever
 * tables there are. Pages come from dbstat; where SQLite was built without it only the whole file
 * is known.
 */
#ifndef MEMTEND_BENCH_STORAGE_SIZES_H
#define MEMTEND_BENCH_STORAGE_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sizes;

int sizes_new(const char *path, struct sizes **ret_sizes);
void sizes_free(struct sizes *sizes);

bool sizes_has(struct sizes *sizes, const char *table);
/* All pages of a table and its indexes. -ENOENT: there is no such table; -ENOTSUP: no dbstat. */
int sizes_bytes(struct sizes *sizes, const char *table, int64_t *ret_bytes);
/* Pages of the file that hold anything. */
int sizes_file(struct sizes *sizes, int64_t *ret_bytes);
/* Rows of processes; 0 when there is no such table. */
int64_t sizes_rows(struct sizes *sizes, const char *table);

/* The blocks of 10 minutes at their most, before the first of them was compacted. */
struct sizes_peak {
    int64_t rows, bytes;
    bool over; /* compaction has begun */
};

/* To be called after each tick from the end of the hour on. */
void sizes_look(struct sizes *sizes, struct sizes_peak *peak);

#endif
