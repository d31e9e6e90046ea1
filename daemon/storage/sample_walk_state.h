/* SPDX-License-Identifier: MIT */
/*
 * Inner part of sample_walk.c, which goes from row to row, and of sample_walk_file.c, which reads
 * what it goes through.
 */
#ifndef MEMTEND_STORAGE_SAMPLE_WALK_STATE_H
#define MEMTEND_STORAGE_SAMPLE_WALK_STATE_H

#include "storage/block_reader.h"
#include "storage/sample_walk.h"
#include "storage/target_rows.h"

/* Processes that are looked up at once. */
#define SAMPLE_WALK_PAGE 64

/* What is known at each tick of an hour. */
struct sample_hour {
    struct tick_range ticks;
    uint64_t wall_usec[BLOCK_TICKS_LIMIT];
    bool asked[BLOCK_TICKS_LIMIT]; /* the tick is there, and within the time of the query */
    uint64_t present[BLOCK_TICKS_LIMIT];
    int64_t value[METRIC_STORED_COUNT][BLOCK_TICKS_LIMIT];
};

struct sample_walk {
    char *directory;
    struct sample_walk_query query;
    sqlite3 *database;
    struct queries queries;
    struct block_reader *reader;
    struct shelf shelf; /* played back from the hot rows */
    struct shelf_copies copies;
    struct target_rows rows[SAMPLE_WALK_TARGETS]; /* of the targets that are processes */
    struct tick_set ticks;                        /* to go through */
    size_t range;                                 /* of `ticks`, under way */
    int64_t next_tick;                            /* first of the hour to come */
    struct sample_hour hour;
    struct sample_process page[SAMPLE_WALK_PAGE];
    size_t page_count, page_next; /* next: whose hour comes next */
    bool page_last;               /* no process behind these */
    size_t tick_next;             /* of the process under way; ticks of the hour: none is */
};

/* Which ticks and which rows of processes are asked for. */
int sample_walk_plan(struct sample_walk *walk, struct error *error);
/* The times of walk->hour.ticks. */
int sample_walk_load_times(struct sample_walk *walk);
/* Processes behind a row. */
int sample_walk_load_page(struct sample_walk *walk, int64_t after_row);
/* The hour of one process. */
int sample_walk_load_process(struct sample_walk *walk, int64_t row);

#endif
