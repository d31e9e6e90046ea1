/* SPDX-License-Identifier: MIT */
/*
 * Hot rows as hostile bytes, one after the other into one shelf: no crash, no more processes than
 * there is room for, and every log that is in the shelf afterwards can be read to its end.
 *
 * Input: pieces of ticks to go on (one byte; 0: something else is done with the shelf, as the next
 * byte says), size (two bytes, low one first), hot row.
 */
#include "storage/shelf.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_ROWS 24

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void fuzz_log(struct shelf_period period, const uint8_t *data, size_t size)
{
    struct open_log_walk walk;
    must(period.ticks >= 1 && period.ticks <= SHELF_PERIOD_TICKS && size > 0);
    must(open_log_walk_begin(&walk, data, size) == 0);
    for (unsigned tick = 0; tick < period.ticks; tick++)
        must(open_log_walk_to(&walk, tick) == 0);
    must(walk.next_tick >= period.ticks && walk.rest.size == 0);
}

static void fuzz_copies(struct shelf *shelf)
{
    struct buffer copy;
    buffer_init(&copy, (size_t)1 << 20);
    for (int64_t row = 0; row < FUZZ_ROWS; row++) {
        struct shelf_period period;
        for (int64_t from = 0; shelf_copy(shelf, row, from, &copy, &period) == 0;) {
            fuzz_log(period, (const uint8_t *)copy.data, copy.size);
            must(period.first_tick + period.ticks > from);
            from = period.first_tick + period.ticks;
            copy.size = 0;
        }
    }
    buffer_finish(&copy);
}

static void fuzz_seal(struct shelf *shelf, size_t count)
{
    struct shelf_piece piece;
    for (size_t i = 0; i < count && shelf_next_closing(shelf, &piece); i++)
        fuzz_log(piece.period, piece.data, piece.size);
}

static void fuzz_other(struct shelf *shelf, uint8_t what)
{
    fuzz_seal(shelf, what >> 3);
    switch (what & 3) {
    case 0:
        must(shelf_begin_period(shelf) == 0);
        break;
    case 1:
        must(shelf_end(shelf) == 0);
        break;
    case 2:
        shelf_drop_closing(shelf);
        break;
    default:
        shelf_keep_closing(shelf);
        break;
    }
}

/* Bytes used. */
static size_t fuzz_step(struct shelf *shelf, int64_t *tick, const uint8_t *data, size_t size)
{
    if (data[0] == 0) {
        fuzz_other(shelf, data[1]);
        return 2;
    }
    size_t wanted = data[1] | (size_t)data[2] << 8;
    size_t blob = wanted < size - 3 ? wanted : size - 3;
    /* An exact copy lets the sanitizers see one byte too far. */
    uint8_t *exact = malloc(blob ? blob : 1);
    must(exact != NULL);
    for (size_t i = 0; i < blob; i++)
        exact[i] = data[3 + i];
    *tick += data[0];
    int r = shelf_replay(shelf, *tick, exact, blob);
    must(r == 0 || r == -EUCLEAN || r == -ENOBUFS);
    must(r < 0 || shelf_status(shelf).newest_tick == *tick);
    free(exact);
    return 3 + blob;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shelf shelf;
    shelf_init(&shelf, FUZZ_ROWS);
    int64_t tick = 590;
    for (size_t at = 0; at + 3 <= size;) {
        at += fuzz_step(&shelf, &tick, data + at, size - at);
        must(shelf_status(&shelf).rows <= FUZZ_ROWS);
    }
    fuzz_copies(&shelf);
    must(shelf_end(&shelf) == 0);
    while (shelf_status(&shelf).closing_logs > 0) {
        fuzz_seal(&shelf, SIZE_MAX);
        shelf_drop_closing(&shelf);
    }
    must(shelf_status(&shelf).rows == 0);
    shelf_finish(&shelf);
    return 0;
}
