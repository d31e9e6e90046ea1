/* SPDX-License-Identifier: MIT */
/*
 * The bytes that say what held of one process, or of the host, tick by tick: one entry for each
 * tick at which something changed, with only what changed. They begin with all that held at their
 * first entry, so that they are whole without what was before. Pure, any thread.
 *
 * An entry: varint (ticks since the entry before << 1 | other columns are known now); with that
 * bit, varint of the places known now; then, if a place was known before and still is, varint of
 * the places among those whose value changed; then for each place that is new or changed, lowest
 * first, the signed varint of value - value before (a new one: - 0), modulo 2^64.
 */
#ifndef MEMTEND_STORAGE_OPEN_LOG_H
#define MEMTEND_STORAGE_OPEN_LOG_H

#include "model/tick.h"
#include "storage/varint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place is a column's bit. It follows from the column's number and never changes its meaning. */
#define OPEN_LOG_PLACES 64
/* Those that are summed up beside a log. */
#define OPEN_LOG_RSS 0
#define OPEN_LOG_PSS 10
/* Ticks, three numbers of 64 bits, and every value at its longest. */
#define OPEN_LOG_ENTRY_LIMIT ((OPEN_LOG_PLACES + 3) * VARINT_SIZE_LIMIT)
/* No log is longer: ten minutes of seconds, the ticks of one block. */
#define OPEN_LOG_TICKS 600

/* What holds at a tick. */
struct open_log_row {
    uint64_t present;               /* bit = place */
    int64_t value[OPEN_LOG_PLACES]; /* by place; of the others nothing is known */
};

void open_log_process(const struct tick_row *row, struct open_log_row *ret_row);
/* `gap`: nothing is known of the time before this tick. Else the column is absent. */
void open_log_host(const struct tick *tick, bool gap, struct open_log_row *ret_row);
/* The column of a place (storage/columns); 0 when there is none. */
uint16_t open_log_code(bool host, unsigned place);
/* The place of a column of samples; OPEN_LOG_PLACES: it has none. */
unsigned open_log_place_of(uint16_t code);

bool open_log_equal(const struct open_log_row *a, const struct open_log_row *b);
/* One entry. Its size; 0: nothing changed, nothing was written. */
size_t open_log_encode(const struct open_log_row *before, const struct open_log_row *after,
                       unsigned ticks, uint8_t ret_bytes[static OPEN_LOG_ENTRY_LIMIT]);
/* What an entry says before its values. */
struct open_log_head {
    uint64_t present; /* after it */
    uint64_t values;  /* places of which a signed varint follows, lowest first */
    unsigned ticks;
};

/* Takes it off the front. `before_present`: of the row that held before. -EUCLEAN: damaged. */
int open_log_read_head(struct varint_reader *reader, uint64_t before_present,
                       struct open_log_head *ret_head);
/* Takes one entry off the front and makes `row`, which held before, what holds after it. -EUCLEAN:
 * the bytes are damaged; then the row means nothing. */
int open_log_decode(struct varint_reader *reader, struct open_log_row *row, unsigned *ret_ticks);

/* Goes through the bytes, which are the caller's and stay where they are. */
struct open_log_walk {
    struct varint_reader rest;
    struct open_log_row row; /* what holds at `tick` and until the next entry */
    unsigned tick;           /* of the last entry taken, from the log's first tick */
    bool entered;            /* an entry was taken */
    struct open_log_row next_row;
    unsigned next_tick; /* UINT_MAX: there is none */
};

/* Nothing holds yet. -EUCLEAN: as below. */
int open_log_walk_begin(struct open_log_walk *walk, const uint8_t *data, size_t size);
/* Makes walk->row what held at `tick`; ticks only go up. walk->tick == tick: it has an entry there.
 * -EUCLEAN: damaged, or a tick of OPEN_LOG_TICKS or later. */
int open_log_walk_to(struct open_log_walk *walk, unsigned tick);

#endif
