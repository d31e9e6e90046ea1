/* SPDX-License-Identifier: MIT */
/*
 * All that is stored of the ticks and is not in a block yet: what every process has now, the log of
 * the current period of each (storage/open_log), and those of past periods until they are sealed.
 * The shelf is the truth and the file follows: a transaction that fails takes nothing back here.
 *
 * The writer thread owns it. Any thread may call shelf_copy() and shelf_status(); a lock is held
 * for that one copy, and by the writer while it changes something.
 *
 * A process costs little while nothing of it changes: its values, and no log. What its log would
 * begin with is what it has now, so it is made when the first change comes.
 */
#ifndef MEMTEND_STORAGE_SHELF_H
#define MEMTEND_STORAGE_SHELF_H

#include "base/buffer.h"
#include "model/tick.h"
#include "storage/shelf_table.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHELF_HOST 0 /* the row of the host */

/* Periods begin at tick ids that are multiples of this. */
#define SHELF_PERIOD_TICKS OPEN_LOG_TICKS
/* Past periods that wait for a file that cannot be written: with the current one more than the
 * hour that a full disk may cost nothing. */
#define SHELF_CLOSING_LIMIT 7
/* Logs that are handed out at once: so many blocks go into one transaction. 32,768 processes are
 * through in a quarter of a period. */
#define SHELF_TAKEN_LIMIT 256

/* Shorter than SHELF_PERIOD_TICKS where the daemon started, stopped or lost its file. */
struct shelf_period {
    int64_t first_tick;
    unsigned ticks; /* up to the newest; 0: none yet */
};

/* The log of one process in one period. */
struct shelf_piece {
    int64_t row;
    struct shelf_period period;
    const uint8_t *data; /* as storage/open_log; ticks count from period.first_tick */
    size_t size;
};

struct shelf_status {
    size_t rows, rows_limit; /* processes, also those that ended and are not sealed yet */
    size_t closing_periods, closing_logs;
    size_t memory_bytes;   /* all that is allocated for it, with what malloc adds */
    uint64_t refused_rows; /* row values that came when there was no room for another process */
    uint64_t lost_logs;    /* never sealed: more than SHELF_CLOSING_LIMIT periods were waiting */
    int64_t newest_tick;   /* 0: none */
};

struct shelf_closing {
    struct shelf_period period;
    uint32_t number; /* that the logs have */
    size_t logs;     /* not dropped yet */
};

struct shelf {
    pthread_mutex_t mutex;
    struct shelf_table table;
    struct shelf_period current;
    uint32_t number; /* of the current period: counts up, one by one */
    uint32_t pass;   /* marks entries that were seen in one walk */
    int64_t newest_tick;
    struct shelf_closing closing[SHELF_CLOSING_LIMIT]; /* oldest first */
    size_t closing_count;
    size_t cursor; /* slot at which the next one to seal is looked for */
    int64_t taken[SHELF_TAKEN_LIMIT];
    size_t taken_count;
    uint64_t refused_rows, lost_logs;
    uint8_t piece[OPEN_LOG_ENTRY_LIMIT]; /* bytes of a piece that has no log of its own */
};

/* `rows_limit`: so many processes it holds, the host among them. */
void shelf_init(struct shelf *shelf, size_t rows_limit);
void shelf_finish(struct shelf *shelf);

/* --- ticks: writer thread -------------------------------------------------------------------- */

/*
 * Takes in one tick and appends its hot row to the buffer. `tick_id` goes up; one of a later period
 * begins that. What ended is dropped with its last tick before this one.
 * -EINVAL: the id is not later than the newest, a row is not > 0 or comes twice; -ENOMEM, or
 * -ENOBUFS when the hot row does not fit the buffer. Then nothing of the tick is in the shelf and
 * the buffer is as before: values come again with the next change, but what ended has to be handed
 * over again.
 */
int shelf_append(struct shelf *shelf, int64_t tick_id, const struct tick *tick, bool gap,
                 struct buffer *hot);

/*
 * Plays back a hot row, in the order in which they were written. After the same hot rows the logs
 * are the same, byte for byte. -EUCLEAN: damaged, or not the one that follows; -ENOBUFS: more
 * processes than there is room for. Nothing changes then but that a period may have begun, and only
 * a hot row that begins one can follow. -ENOMEM: it may be played again.
 */
int shelf_replay(struct shelf *shelf, int64_t tick_id, const void *hot, size_t size);

/* Makes the current logs closing ones, and starts new ones from what held last: the next hot row
 * needs none before it. shelf_append() does it when the time comes; call it when hot rows could not
 * be written, so that those to come do not build on them. -ENOMEM: nothing happened. With
 * SHELF_CLOSING_LIMIT periods waiting the oldest is given up, see lost_logs. */
int shelf_begin_period(struct shelf *shelf);
/* The same, and nothing holds any more: after a replay, or at the daemon's end. */
int shelf_end(struct shelf *shelf);

/* --- sealing: writer thread ------------------------------------------------------------------ */

/* The next log of the oldest past period. false: all are handed out, or SHELF_TAKEN_LIMIT are. The
 * bytes are valid until the next call of any function that changes the shelf, this one too. */
bool shelf_next_closing(struct shelf *shelf, struct shelf_piece *ret_piece);
/* What was handed out is in the file. */
void shelf_drop_closing(struct shelf *shelf);
/* It is not: it will be handed out again. */
void shelf_keep_closing(struct shelf *shelf);

/* --- any thread ------------------------------------------------------------------------------ */

/*
 * Appends the log of the first period that has ticks at `from_tick` or later and knows this row.
 * Ask again with the tick behind the last for the next one. -ENOENT: there is none; -ENOBUFS,
 * -ENOMEM as buffer_append(). Copy first, then read the file: what was sealed in between is in
 * both, and never in none.
 */
int shelf_copy(struct shelf *shelf, int64_t row, int64_t from_tick, struct buffer *buffer,
               struct shelf_period *ret_period);
/* The same of what stands beside the logs: for each process and period one call. */
typedef int (*shelf_sum_visit)(int64_t row, const struct shelf_period *period,
                               const struct shelf_sum *sum, void *context);
/* The host is not told of. The visitor does not ask the shelf anything; a negative result ends it
 * and is returned. */
int shelf_visit_sums(struct shelf *shelf, enum shelf_sum_of of, shelf_sum_visit visit,
                     void *context);
struct shelf_status shelf_status(struct shelf *shelf);

/* --- inner: with the lock -------------------------------------------------------------------- */

/* What the entry had through the newest past period gets a log there. -ENOMEM. */
int shelf_settle(struct shelf *shelf, struct shelf_entry *entry);

#endif
