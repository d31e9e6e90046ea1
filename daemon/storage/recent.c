/* SPDX-License-Identifier: MIT */
#include "storage/recent.h"

#include "storage/block.h"
#include "storage/hot.h"

#include <errno.h>
#include <stdlib.h>

struct recent_walk {
    const struct recent *recent;
    recent_visitor visit;
    void *context;
    int64_t next_tick; /* the first one not visited yet */
    struct block block;
    struct block_opener *opener;
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    int64_t *values;
};

/* ---- blocks ---- */

static void recent_spread(const struct recent_walk *walk, unsigned place, size_t first,
                          size_t count, struct open_log_row *rows)
{
    for (size_t i = 0; i < count; i++) {
        if (!block_present(walk->presence, first + i))
            continue;
        rows[i].present |= UINT64_C(1) << place;
        rows[i].value[place] = walk->values[first + i];
    }
}

/* `count` ticks of the block from `first` on, as rows. */
static int recent_rows(struct recent_walk *walk, size_t first, size_t count,
                       struct open_log_row *rows)
{
    walk->values = calloc(walk->block.entries, sizeof(*walk->values));
    int r = walk->values ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < walk->block.column_count; i++) {
        const struct block_column *column = &walk->block.columns[i];
        unsigned place = open_log_place_of(column->code);
        if (place >= OPEN_LOG_PLACES)
            continue;
        r = block_read(&walk->block, column, walk->presence, walk->values);
        if (r == 0)
            recent_spread(walk, place, first, count, rows);
    }
    free(walk->values);
    walk->values = NULL;
    return r;
}

static int recent_block(struct recent_walk *walk, int64_t first_tick)
{
    int64_t end = first_tick + (int64_t)walk->block.entries;
    if (end > walk->recent->to_tick + 1)
        end = walk->recent->to_tick + 1;
    int64_t begin = walk->next_tick > first_tick ? walk->next_tick : first_tick;
    if (begin >= end)
        return 0;
    size_t count = (size_t)(end - begin);
    _cleanup_(freep) struct open_log_row *rows = calloc(count, sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    int r = recent_rows(walk, (size_t)(begin - first_tick), count, rows);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = walk->visit(walk->context, begin + (int64_t)i, &rows[i]);
    walk->next_tick = end;
    return r;
}

static int recent_blocks(struct recent_walk *walk)
{
    enum { FIRST_TICK, TICKS, DATA };
    const struct recent *recent = walk->recent;
    sqlite3_stmt *borrowed;
    int r = query_get(recent->queries, QUERY_PIN_BLOCKS, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":process", recent->row);
    query_bind(statement, ":from_tick", recent->from_tick);
    query_bind(statement, ":to_tick", recent->to_tick);
    for (;;) {
        bool row;
        r = query_next(recent->queries, statement, &row);
        if (r < 0 || !row)
            return r;
        r = block_open(&walk->block, walk->opener, sqlite3_column_blob(statement, DATA),
                       (size_t)sqlite3_column_bytes(statement, DATA));
        if (r == 0)
            r = recent_block(walk, sqlite3_column_int64(statement, FIRST_TICK));
        if (r < 0)
            return r;
    }
}

/* ---- the shelf ---- */

static int recent_log(struct recent_walk *walk, const struct buffer *log,
                      const struct shelf_period *period)
{
    struct open_log_walk entries;
    int r = open_log_walk_begin(&entries, (const uint8_t *)log->data, log->size);
    int64_t end = period->first_tick + period->ticks;
    for (int64_t tick = period->first_tick; r == 0 && tick < end; tick++) {
        r = open_log_walk_to(&entries, (unsigned)(tick - period->first_tick));
        if (r == 0 && entries.entered && tick >= walk->next_tick && tick <= walk->recent->to_tick)
            r = walk->visit(walk->context, tick, &entries.row);
    }
    if (end > walk->next_tick)
        walk->next_tick = end;
    return r;
}

static int recent_shelf(struct recent_walk *walk)
{
    const struct recent *recent = walk->recent;
    struct buffer log;
    buffer_init(&log, HOT_SIZE_LIMIT);
    int r = 0;
    while (r == 0 && walk->next_tick <= recent->to_tick) {
        struct shelf_period period;
        buffer_consume(&log, log.size);
        r = shelf_copy(recent->shelf, recent->row, walk->next_tick, &log, &period);
        if (r == 0)
            r = recent_log(walk, &log, &period);
    }
    buffer_finish(&log);
    return r == -ENOENT ? 0 : r;
}

int recent_visit(const struct recent *recent, recent_visitor visit, void *context)
{
    struct recent_walk walk = {
        .recent = recent, .visit = visit, .context = context, .next_tick = recent->from_tick};
    block_init(&walk.block);
    int r = block_opener_new(&walk.opener);
    if (r == 0)
        r = recent_blocks(&walk);
    if (r == 0)
        r = recent_shelf(&walk);
    block_opener_free(walk.opener);
    block_finish(&walk.block);
    return r;
}
