/* SPDX-License-Identifier: MIT */
#include "storage/top_sums.h"

#include "storage/block_rows.h"
#include "storage/span_rows.h"

#include <errno.h>

void top_sums_finish(struct top_sums *sums)
{
    top_table_finish(&sums->table);
    tick_set_finish(&sums->shelf_ticks);
    tick_set_finish(&sums->ticks);
}

static int top_sums_get(struct top_sums *sums, int64_t row, struct top_sum **ret_sum)
{
    int r = top_table_get(&sums->table, row, ret_sum);
    if (r == 0)
        (*ret_sum)->mean = sums->mean;
    return r;
}

static bool top_sums_touches(const struct top_sums *sums, int64_t first_usec, int64_t last_usec)
{
    return last_usec >= (int64_t)sums->query->from_wall_usec &&
           first_usec < (int64_t)sums->query->to_wall_usec;
}

/* ---- the shelf ---- */

/* Which of its periods were within the time, and when the newest tick was. */
static int top_sums_shelf_period(struct top_sums *sums, const struct shelf_copy_piece *piece)
{
    struct varint_reader rest = {.data = (const uint8_t *)sums->history->copies.bytes.data +
                                         piece->offset,
                                 .size = piece->size};
    struct open_log_row row;
    row.present = 0;
    int64_t low = INT64_MAX, high = INT64_MIN;
    while (rest.size > 0) {
        unsigned ticks;
        int r = open_log_decode(&rest, &row, &ticks);
        if (r < 0)
            return r;
        if (!(row.present >> COLUMNS_WALL_USEC & 1)) /* of the host the place is the number */
            continue;
        int64_t wall = row.value[COLUMNS_WALL_USEC];
        low = wall < low ? wall : low;
        high = wall > high ? wall : high;
        sums->newest_wall_usec = wall > 0 ? (uint64_t)wall : 0;
    }
    if (low <= high && sums->shelf_span_count < SHELF_CLOSING_LIMIT + 1)
        sums->shelf_spans[sums->shelf_span_count++] =
            (struct top_span){.first_tick = piece->period.first_tick,
                              .ticks = piece->period.ticks,
                              .first_wall_usec = low,
                              .last_wall_usec = high};
    return top_sums_touches(sums, low, high)
               ? tick_set_add(&sums->shelf_ticks, shelf_copy_ticks(piece))
               : 0;
}

static int top_sums_shelf_times(struct top_sums *sums)
{
    struct shelf_copies *copies = &sums->history->copies;
    shelf_copies_clear(copies);
    int r = shelf_copies_add(copies, sums->history->shelf, SHELF_HOST);
    for (size_t i = 0; r == 0 && i < copies->count; i++)
        r = top_sums_shelf_period(sums, &copies->pieces[i]);
    shelf_copies_clear(copies);
    return r;
}

static int top_sums_log(int64_t row, const struct shelf_period *period, const struct shelf_sum *log,
                        void *context)
{
    struct top_sums *sums = context;
    struct tick_range missing,
        ticks = {period->first_tick, period->first_tick + (int64_t)period->ticks};
    struct top_sum *sum;
    if (tick_set_missing(&sums->shelf_ticks, ticks, &missing))
        return 0;
    int r = top_sums_get(sums, row, &sum);
    if (r < 0)
        return r;
    if (period->first_tick < sum->shelf_tick)
        sum->shelf_tick = period->first_tick;
    top_sum_add(sum, log->count, log->max, log->sum);
    return 0;
}

/* ---- the file ---- */

/* The statement is bound. */
static int top_sums_blocks(struct top_sums *sums, sqlite3_stmt *statement)
{
    enum { PROCESS, COUNT, MAX, SUM, FIRST_TICK };
    for (;;) {
        bool more;
        int r = query_next(&sums->history->queries, statement, &more);
        if (r < 0 || !more)
            return r;
        int64_t row = sqlite3_column_int64(statement, PROCESS);
        struct top_sum *sum;
        if (row <= SHELF_HOST)
            continue;
        r = top_sums_get(sums, row, &sum);
        if (r < 0)
            return r;
        if (sqlite3_column_int64(statement, FIRST_TICK) < sum->shelf_tick)
            top_sum_add(sum, sqlite3_column_int64(statement, COUNT),
                        sqlite3_column_int64(statement, MAX), sqlite3_column_int64(statement, SUM));
    }
}

/* No block crosses a multiple of its length. */
static int64_t top_sums_floor(int64_t tick, int64_t length)
{
    return tick / length * length;
}

static int top_sums_hours(struct top_sums *sums, struct tick_range ticks)
{
    sqlite3_stmt *borrowed;
    int r = query_get(&sums->history->queries,
                      sums->pss ? QUERY_TOP_HOURS_PSS : QUERY_TOP_HOURS_RSS, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":from_tick", top_sums_floor(ticks.first, BLOCK_TICKS_LIMIT));
    query_bind(statement, ":to_tick", ticks.end);
    return top_sums_blocks(sums, statement);
}

static int top_sums_periods(struct top_sums *sums, struct tick_range ticks)
{
    sqlite3_stmt *borrowed;
    int r = query_get(&sums->history->queries,
                      sums->pss ? QUERY_TOP_PERIODS_PSS : QUERY_TOP_PERIODS_RSS, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":from_id",
               ticks.first / SHELF_PERIOD_TICKS * (INT64_C(1) << BLOCK_NUMBER_SHIFT));
    query_bind(statement, ":to_id",
               ((ticks.end - 1) / SHELF_PERIOD_TICKS + 1) * (INT64_C(1) << BLOCK_NUMBER_SHIFT));
    return top_sums_blocks(sums, statement);
}

/* Ranges that touch the same hour: that is read once. */
static int top_sums_ranges(struct top_sums *sums)
{
    struct tick_range hours = {0, 0}, periods = {0, 0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sums->ticks.count; i++) {
        struct tick_range ticks = sums->ticks.ranges[i];
        struct tick_range next = ticks;
        next.first = next.first < hours.end ? hours.end : next.first;
        hours.end = top_sums_floor(ticks.end + BLOCK_TICKS_LIMIT - 1, BLOCK_TICKS_LIMIT);
        next.end = hours.end;
        if (!tick_range_empty(next))
            r = top_sums_hours(sums, next);
        next = ticks;
        next.first = next.first < periods.end ? periods.end : next.first;
        periods.end = top_sums_floor(ticks.end + SHELF_PERIOD_TICKS - 1, SHELF_PERIOD_TICKS);
        next.end = periods.end;
        if (r == 0 && !tick_range_empty(next))
            r = top_sums_periods(sums, next);
    }
    return r;
}

int top_sums_shelf(struct top_sums *sums)
{
    int r = top_sums_shelf_times(sums);
    if (r < 0 || sums->shelf_ticks.count == 0)
        return r;
    return shelf_visit_sums(sums->history->shelf, sums->pss ? SHELF_SUM_PSS : SHELF_SUM_RSS,
                            top_sums_log, sums);
}

int top_sums_file(struct top_sums *sums)
{
    int r = span_rows_add(&sums->history->queries, (int64_t)sums->query->from_wall_usec,
                          (int64_t)sums->query->to_wall_usec, &sums->ticks);
    return r < 0 ? r : top_sums_ranges(sums);
}
