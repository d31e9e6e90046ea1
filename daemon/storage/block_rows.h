/* SPDX-License-Identifier: MIT */
/*
 * Blocks and roll-ups as rows of their tables (sql/schema/004_blocks.sql). One thread at a time,
 * that of the connection.
 */
#ifndef MEMTEND_STORAGE_BLOCK_ROWS_H
#define MEMTEND_STORAGE_BLOCK_ROWS_H

#include "storage/block.h"
#include "storage/query.h"

/* The tables that hold blobs. */
enum block_table {
    BLOCK_TABLE_SAMPLES, /* block: 600 ticks */
    BLOCK_TABLE_HOUR,    /* block_hour: 3,600 ticks */
    BLOCK_TABLE_MINUTES, /* rollup_minute: entries of 60 ticks, 60 of them */
    BLOCK_TABLE_HOURS,   /* rollup_hour: entries of 3,600 ticks, 24 of them */
    BLOCK_TABLES,
};

#define BLOCK_HOUR_TICKS   3600
#define BLOCK_DAY_TICKS    (INT64_C(24) * BLOCK_HOUR_TICKS)
#define BLOCK_MINUTE_TICKS 60

/* The id of a row is the number of its stretch of time, and below that one of a million. */
#define BLOCK_NUMBER_SHIFT 20

struct block_row {
    int64_t process, first_tick;
    size_t ticks;
    struct block_summary summary; /* not in roll-ups */
    const void *data;
    size_t size;
};

/* Numbers of new rows: in the order of time, so that rows are only ever appended. */
struct block_numbers {
    int64_t next[BLOCK_TABLES];
};

int block_numbers_load(struct block_numbers *numbers, struct queries *queries);

/* One that is there already stays as it is. */
int block_rows_put(struct queries *queries, struct block_numbers *numbers, enum block_table table,
                   const struct block_row *row);

#endif
