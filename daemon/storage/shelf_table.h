/* SPDX-License-Identifier: MIT */
/*
 * The memory of the shelf: one allocation for each process, found by its row, and its logs. Knows
 * nothing of ticks and takes no lock. Of the shelf; see there for who may touch it.
 */
#ifndef MEMTEND_STORAGE_SHELF_TABLE_H
#define MEMTEND_STORAGE_SHELF_TABLE_H

#include "storage/open_log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a question for the largest asks of a log: nothing is decoded for it. */
enum shelf_sum_of { SHELF_SUM_RSS, SHELF_SUM_PSS, SHELF_SUMS };

struct shelf_sum {
    int64_t max, sum; /* the sum stops at INT64_MIN and INT64_MAX */
    uint32_t count;   /* ticks at which it is known; 0: the others mean nothing */
};

/* What one process has of one period. */
struct shelf_log {
    struct shelf_log *next; /* of a later period */
    uint32_t number;        /* of the period */
    uint32_t size, capacity;
    struct shelf_sum sums[SHELF_SUMS]; /* up to the last entry; of a past period, of all of it */
    uint8_t bytes[];
};

/* There may be ten thousands of these, of which few change: nothing in it is without use. */
struct shelf_entry {
    int64_t row;
    uint64_t present;
    struct shelf_log *log;     /* of the current period; NULL: as it began, or not there yet */
    struct shelf_log *closing; /* of past periods, oldest first */
    uint32_t pass;             /* when it was seen last. It wraps after decades of ticks */
    uint16_t tick;             /* of the last entry in its log */
    uint8_t capacity;          /* values there is room for */
    bool held : 1;             /* in all of the newest past period it had what it has now */
    bool taken : 1;            /* its oldest past period is handed out */
    int64_t values[];          /* of the places that are present, lowest first */
};

struct shelf_table {
    struct shelf_entry **slots; /* open addressing */
    size_t slot_count;          /* 0 or a power of two */
    size_t rows, rows_limit;
    size_t memory_bytes; /* allocated, with what malloc adds */
};

void shelf_table_init(struct shelf_table *table, size_t rows_limit);
void shelf_table_finish(struct shelf_table *table);

/* NULL: there is none. */
struct shelf_entry *shelf_table_find(const struct shelf_table *table, int64_t row);
/* The row is not there yet. -ENOBUFS: the table is full; -ENOMEM. */
int shelf_table_insert(struct shelf_table *table, int64_t row, struct shelf_entry **ret_entry);
/* With all its logs. Entries behind it may change their slot. */
void shelf_table_remove(struct shelf_table *table, struct shelf_entry *entry);
/* Those of which nothing is left. */
void shelf_table_sweep(struct shelf_table *table);
/* Nothing holds, and no log waits. */
bool shelf_entry_is_over(const struct shelf_entry *entry);

/* Whether it has something of this past period: a log, or (NULL) what it has now. */
bool shelf_entry_has(const struct shelf_entry *entry, uint32_t number, bool newest,
                     const struct shelf_log **ret_log);

/* Room for so many values; the entry may move. -ENOMEM. */
int shelf_table_widen(struct shelf_table *table, struct shelf_entry **entry, unsigned values);
/* Nothing holds: gives the room for values back. The entry may move. */
void shelf_table_narrow(struct shelf_table *table, struct shelf_entry *entry);
void shelf_entry_get(const struct shelf_entry *entry, struct open_log_row *ret_row);
/* There is room. */
void shelf_entry_put(struct shelf_entry *entry, const struct open_log_row *row);
/* The same for what an entry of a log makes of it; takes that off the front. There is room.
 * -EUCLEAN: damaged; then what holds means nothing. */
int shelf_entry_change(struct shelf_entry *entry, struct varint_reader *reader);
/* What the log of a process that did not change begins with, and ends. 0: nothing holds. */
size_t shelf_entry_base(const struct shelf_entry *entry,
                        uint8_t ret_bytes[static OPEN_LOG_ENTRY_LIMIT]);

/* Room for so many more bytes; makes a log where there is none. -ENOMEM. */
int shelf_table_extend(struct shelf_table *table, struct shelf_log **log, size_t size);
void shelf_table_drop_log(struct shelf_table *table, struct shelf_log **log);
/* What a held entry has becomes a log of its own, of the period with this number and so many ticks.
 * No reader sees a difference. -ENOMEM: it stays held. */
int shelf_table_settle(struct shelf_table *table, struct shelf_entry *entry, uint32_t number,
                       unsigned ticks);
/* What the entry has now held for so many ticks more. */
void shelf_entry_sum(const struct shelf_entry *entry, unsigned ticks,
                     struct shelf_sum sums[static SHELF_SUMS]);
/* The last of a list. */
void shelf_entry_close(struct shelf_entry *entry, struct shelf_log *log);

#endif
