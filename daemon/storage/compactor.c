/* SPDX-License-Identifier: MIT */
#include "storage/compactor.h"

#include <errno.h>
#include <string.h>

int compactor_init(struct compactor *compactor, struct queries *queries,
                   struct block_numbers *numbers)
{
    memset(compactor, 0, sizeof(*compactor));
    compactor->queries = queries;
    block_packer_init(&compactor->hours, queries, numbers, BLOCK_TABLE_HOUR);
    block_packer_init(&compactor->minutes, queries, numbers, BLOCK_TABLE_MINUTES);
    block_packer_init(&compactor->days, queries, numbers, BLOCK_TABLE_HOURS);
    for (size_t i = 0; i < ROLLUP_PARTS_LIMIT; i++)
        block_init(&compactor->parts[i]);
    int r = block_builder_new(&compactor->builder);
    if (r == 0)
        r = block_builder_new(&compactor->hour_builder);
    if (r == 0)
        r = block_opener_new(&compactor->opener);
    if (r == 0)
        r = rollup_new(&compactor->rollup);
    sqlite3_stmt *statement;
    int64_t last = -BLOCK_DAY_TICKS;
    if (r == 0)
        r = query_get(queries, QUERY_ROLLUP_HOUR_LAST, &statement);
    if (r == 0)
        r = query_value(queries, statement, &last);
    /* The last day may be unfinished: what is there already stays as it is. */
    compactor->day = last < 0 ? 0 : last / BLOCK_DAY_TICKS;
    compactor->process = -1;
    return r;
}

void compactor_finish(struct compactor *compactor)
{
    for (size_t i = 0; i < ROLLUP_PARTS_LIMIT; i++)
        block_finish(&compactor->parts[i]);
    block_packer_finish(&compactor->hours);
    block_packer_finish(&compactor->minutes);
    block_packer_finish(&compactor->days);
    block_builder_free(compactor->builder);
    block_builder_free(compactor->hour_builder);
    block_opener_free(compactor->opener);
    rollup_free(compactor->rollup);
    memset(compactor, 0, sizeof(*compactor));
}

/* ---- parts ---- */

/* Rows of one process from a stretch of ticks, at most as many as one call of rollup takes. */
static int compactor_load(struct compactor *compactor, enum query query, int64_t process,
                          int64_t from_tick, int64_t to_tick, size_t *ret_count)
{
    enum { FIRST_TICK, TICKS, DATA };
    sqlite3_stmt *borrowed;
    int r = query_get(compactor->queries, query, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":process", process);
    query_bind(statement, ":from_tick", from_tick);
    query_bind(statement, ":to_tick", to_tick);
    query_bind(statement, ":limit", ROLLUP_PARTS_LIMIT);
    size_t count = 0;
    bool row = false;
    for (r = query_next(compactor->queries, statement, &row);
         r == 0 && row && count < ROLLUP_PARTS_LIMIT;
         r = query_next(compactor->queries, statement, &row)) {
        r = block_open(&compactor->parts[count], compactor->opener,
                       sqlite3_column_blob(statement, DATA),
                       (size_t)sqlite3_column_bytes(statement, DATA));
        if (r < 0)
            return r;
        compactor->first_tick[count] = sqlite3_column_int64(statement, FIRST_TICK);
        compactor->ticks[count++] = sqlite3_column_int64(statement, TICKS);
    }
    if (r == 0)
        *ret_count = count;
    return r;
}

/* The parts in a row that begins at a tick. */
static void compactor_place(struct compactor *compactor, size_t count, int64_t base,
                            int64_t entry_ticks)
{
    for (size_t i = 0; i < count; i++)
        compactor->places[i] = (struct rollup_part){
            .block = &compactor->parts[i],
            .offset = (size_t)((compactor->first_tick[i] - base) / entry_ticks),
        };
}

static int compactor_put(struct block_packer *packer, struct block_builder *builder,
                         int64_t process, int64_t first_tick, int64_t ticks)
{
    const uint8_t *data;
    struct block_row row = {.process = process, .first_tick = first_tick, .ticks = (size_t)ticks};
    int r = block_seal(builder, &data, &row.size);
    if (r < 0)
        return r;
    row.data = data;
    row.summary = block_summary(builder);
    return block_packer_put(packer, &row);
}

/* ---- an hour ---- */

static int compactor_drop_blocks(struct compactor *compactor, int64_t process, size_t count)
{
    sqlite3_stmt *statement;
    int r = query_get(compactor->queries, QUERY_BLOCK_DROP, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":process", process);
    query_bind(statement, ":from_tick", compactor->first_tick[0]);
    query_bind(statement, ":last_first_tick", compactor->first_tick[count - 1]);
    return query_run(compactor->queries, statement);
}

static int64_t compactor_end(const struct compactor *compactor, size_t count)
{
    return compactor->first_tick[count - 1] + compactor->ticks[count - 1];
}

static int compactor_hour(struct compactor *compactor, int64_t process, int64_t first_tick)
{
    int64_t hour_end = (first_tick / BLOCK_HOUR_TICKS + 1) * BLOCK_HOUR_TICKS;
    size_t count = 0;
    int r = compactor_load(compactor, QUERY_BLOCK_PARTS, process, first_tick, hour_end, &count);
    if (r < 0 || count == 0)
        return r;
    int64_t first = compactor->first_tick[0], end = compactor_end(compactor, count);
    int64_t base = first / BLOCK_MINUTE_TICKS * BLOCK_MINUTE_TICKS;
    int64_t minutes = (end - base + BLOCK_MINUTE_TICKS - 1) / BLOCK_MINUTE_TICKS;
    const struct rollup_copy copy = {.first = (size_t)(first - base),
                                     .ticks = (size_t)(end - first),
                                     .builder = compactor->hour_builder};
    compactor_place(compactor, count, base, 1);
    r = rollup_ticks(compactor->rollup, compactor->places, count,
                     (size_t)minutes * BLOCK_MINUTE_TICKS, BLOCK_MINUTE_TICKS, compactor->builder,
                     &copy);
    if (r == 0)
        r = compactor_put(&compactor->hours, compactor->hour_builder, process, first, end - first);
    if (r == 0)
        r = compactor_put(&compactor->minutes, compactor->builder, process, base,
                          minutes * BLOCK_MINUTE_TICKS);
    return r < 0 ? r : compactor_drop_blocks(compactor, process, count);
}

static int compactor_oldest(struct compactor *compactor, int64_t *ret_process,
                            int64_t *ret_first_tick)
{
    sqlite3_stmt *borrowed;
    int r = query_get(compactor->queries, QUERY_BLOCK_OLDEST, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    bool row;
    r = query_next(compactor->queries, statement, &row);
    if (r < 0)
        return r;
    *ret_first_tick = row ? sqlite3_column_int64(statement, 1) : INT64_MAX;
    *ret_process = row ? sqlite3_column_int64(statement, 0) : 0;
    return 0;
}

/* ---- a day ---- */

static int compactor_next_process(struct compactor *compactor, bool *ret_there)
{
    sqlite3_stmt *statement;
    int r = query_get(compactor->queries, QUERY_ROLLUP_MINUTE_NEXT, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":process", compactor->process);
    int64_t process = -1;
    r = query_value(compactor->queries, statement, &process);
    if (r < 0)
        return r;
    *ret_there = process >= 0;
    compactor->process = process;
    return 0;
}

static int compactor_day(struct compactor *compactor)
{
    int64_t first = compactor->day * BLOCK_DAY_TICKS;
    size_t count = 0;
    int r = compactor_load(compactor, QUERY_ROLLUP_MINUTE_PARTS, compactor->process, first,
                           first + BLOCK_DAY_TICKS, &count);
    if (r < 0 || count == 0)
        return r;
    compactor_place(compactor, count, first, BLOCK_HOUR_TICKS);
    r = rollup_hours(compactor->rollup, compactor->places, count,
                     BLOCK_DAY_TICKS / BLOCK_HOUR_TICKS, BLOCK_HOUR_TICKS, compactor->builder);
    return r < 0 ? r
                 : compactor_put(&compactor->days, compactor->builder, compactor->process, first,
                                 BLOCK_DAY_TICKS);
}

/* Days without a minute are passed over. */
static int compactor_find_day(struct compactor *compactor)
{
    sqlite3_stmt *statement;
    int64_t oldest = compactor->day * BLOCK_DAY_TICKS;
    int r = query_get(compactor->queries, QUERY_ROLLUP_MINUTE_FROM, &statement);
    if (r < 0)
        return r;
    query_bind(statement, ":id",
               compactor->day * (BLOCK_DAY_TICKS / BLOCK_HOUR_TICKS) << BLOCK_NUMBER_SHIFT);
    r = query_value(compactor->queries, statement, &oldest);
    compactor->day = oldest / BLOCK_DAY_TICKS;
    return r;
}

static int compactor_days(struct compactor *compactor, int64_t compacted_tick, bool *ret_more)
{
    *ret_more = false;
    if (compactor->process < 0) {
        int r = compactor_find_day(compactor);
        if (r < 0)
            return r;
    }
    if ((compactor->day + 1) * BLOCK_DAY_TICKS > compacted_tick)
        return 0;
    bool there = false;
    int r = compactor_next_process(compactor, &there);
    if (r < 0)
        return r;
    *ret_more = true;
    if (there)
        return compactor_day(compactor);
    compactor->day++;
    return 0;
}

static int compactor_one(struct compactor *compactor, int64_t sealed_tick, bool *ret_more)
{
    int64_t process = 0, first_tick = INT64_MAX;
    int r = compactor_oldest(compactor, &process, &first_tick);
    if (r < 0)
        return r;
    int64_t hour_end = first_tick == INT64_MAX
                           ? INT64_MAX
                           : (first_tick / BLOCK_HOUR_TICKS + 1) * BLOCK_HOUR_TICKS;
    if (hour_end <= sealed_tick) {
        *ret_more = true;
        return compactor_hour(compactor, process, first_tick);
    }
    /* A day reads the minutes. */
    r = block_packer_flush(&compactor->minutes);
    if (r < 0)
        return r;
    int64_t compacted = first_tick < sealed_tick ? first_tick : sealed_tick;
    return compactor_days(compactor, compacted, ret_more);
}

int compactor_step(struct compactor *compactor, size_t limit, int64_t sealed_tick, bool *ret_more)
{
    struct block_packer *packers[] = {&compactor->hours, &compactor->minutes, &compactor->days};
    const size_t count = sizeof(packers) / sizeof(packers[0]);
    bool more = true;
    int r = 0;
    for (size_t i = 0; i < count; i++)
        block_packer_clear(packers[i]);
    for (size_t i = 0; r == 0 && more && i < limit; i++)
        r = compactor_one(compactor, sealed_tick, &more);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = block_packer_flush(packers[i]);
    if (r == 0)
        *ret_more = more;
    return r;
}
