/* SPDX-License-Identifier: MIT */
#include "storage/block_reader.h"

#include <errno.h>
#include <string.h>

/* Where blocks of a level are, and how many ticks one may have at most. */
struct block_table {
    enum query query;
    enum block_level level;
    size_t entry_ticks;
    int64_t ticks_limit;
};

static const struct block_table block_tables[] = {
    {QUERY_BLOCK_HOUR_READ, BLOCK_LEVEL_TICKS, 1, BLOCK_TICKS_LIMIT},
    {QUERY_BLOCK_READ, BLOCK_LEVEL_TICKS, 1, SHELF_PERIOD_TICKS},
    {QUERY_ROLLUP_MINUTE_READ, BLOCK_LEVEL_MINUTES, 60, 3600},
    {QUERY_ROLLUP_HOUR_READ, BLOCK_LEVEL_HOURS, 3600, 86400},
};

#define BLOCK_TABLES (sizeof(block_tables) / sizeof(block_tables[0]))

int block_reader_new(struct block_reader **ret_reader)
{
    _cleanup_(block_reader_freep) struct block_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return -ENOMEM;
    block_init(&reader->block);
    int r = block_opener_new(&reader->opener);
    if (r < 0)
        return r;
    *ret_reader = STEAL(reader);
    return 0;
}

void block_reader_free(struct block_reader *reader)
{
    if (!reader)
        return;
    block_opener_free(reader->opener);
    block_finish(&reader->block);
    tick_set_finish(&reader->told);
    free(reader);
}

/* What visits a row. */
struct block_visitor {
    struct block_reader *reader;
    int64_t row;
    struct tick_range ticks;
    block_visit visit;
    void *context;
};

/* Its ticks within the range that nothing has told of. */
static int block_visitor_tell(const struct block_visitor *visitor, struct block_piece piece,
                              struct tick_range within)
{
    struct tick_range rest = within;
    while (tick_set_missing(&visitor->reader->told, rest, &piece.ticks)) {
        int r = visitor->visit(visitor->reader, &piece, visitor->context);
        if (r < 0)
            return r;
        rest.first = piece.ticks.end;
    }
    return 0;
}

/* The statement's row says what it covers, and the blob must agree. */
static int block_visitor_open(struct block_reader *reader, sqlite3_stmt *statement,
                              const struct block_table *table, int64_t ticks)
{
    enum { DATA = 2 };
    const void *data = sqlite3_column_blob(statement, DATA);
    int r = block_open(&reader->block, reader->opener, data,
                       (size_t)sqlite3_column_bytes(statement, DATA));
    if (r < 0)
        return r;
    int64_t entries = (ticks + (int64_t)table->entry_ticks - 1) / (int64_t)table->entry_ticks;
    if (reader->block.entry_ticks != table->entry_ticks || reader->block.entries != (size_t)entries)
        return -EUCLEAN;
    return 0;
}

static int block_visitor_row(const struct block_visitor *visitor, sqlite3_stmt *statement,
                             const struct block_table *table)
{
    enum { FIRST_TICK, TICKS };
    struct block_reader *reader = visitor->reader;
    int64_t first = sqlite3_column_int64(statement, FIRST_TICK);
    int64_t ticks = sqlite3_column_int64(statement, TICKS);
    if (first < 0 || ticks < 1 || ticks > table->ticks_limit || first > INT64_MAX - ticks)
        return -EUCLEAN;
    struct tick_range missing, block = {first, first + ticks};
    struct tick_range within = tick_range_common(block, visitor->ticks);
    if (tick_range_empty(within) || !tick_set_missing(&reader->told, within, &missing))
        return 0;
    int r = block_visitor_open(reader, statement, table, ticks);
    if (r < 0)
        return r;
    const struct block_piece piece = {.block = block,
                                      .entries = reader->block.entries,
                                      .entry_ticks = table->entry_ticks,
                                      .host = visitor->row == SHELF_HOST};
    r = block_visitor_tell(visitor, piece, within);
    return r < 0 ? r : tick_set_add(&reader->told, within);
}

static int block_visitor_table(const struct block_visitor *visitor, const struct block_table *table)
{
    struct queries *queries = visitor->reader->queries;
    sqlite3_stmt *borrowed;
    int r = query_get(queries, table->query, &borrowed);
    if (r < 0)
        return r;
    _cleanup_(query_resetp) sqlite3_stmt *statement = borrowed;
    query_bind(statement, ":process", visitor->row);
    query_bind(statement, ":after", visitor->ticks.first - table->ticks_limit);
    query_bind(statement, ":before", visitor->ticks.end);
    for (;;) {
        bool row;
        r = query_next(queries, statement, &row);
        if (r < 0 || !row)
            return r;
        r = block_visitor_row(visitor, statement, table);
        if (r < 0)
            return r;
    }
}

static int block_visitor_level(const struct block_visitor *visitor, enum block_level level)
{
    struct tick_range missing;
    int r = 0;
    for (size_t i = 0; r == 0 && i < BLOCK_TABLES; i++)
        if (block_tables[i].level == level &&
            tick_set_missing(&visitor->reader->told, visitor->ticks, &missing))
            r = block_visitor_table(visitor, &block_tables[i]);
    return r;
}

/* The level, then finer ones down to the ticks, then coarser ones. */
static int block_visitor_levels(const struct block_visitor *visitor, enum block_level level)
{
    int r = 0;
    for (int finer = (int)level; r == 0 && finer >= BLOCK_LEVEL_TICKS; finer--)
        r = block_visitor_level(visitor, (enum block_level)finer);
    for (int coarser = (int)level + 1; r == 0 && coarser <= BLOCK_LEVEL_HOURS; coarser++)
        r = block_visitor_level(visitor, (enum block_level)coarser);
    return r;
}

static int block_visitor_copies(const struct block_visitor *visitor,
                                const struct shelf_copy_piece *copies, size_t count)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct block_piece piece = {.block = shelf_copy_ticks(&copies[i]),
                                    .entries = copies[i].period.ticks,
                                    .entry_ticks = 1,
                                    .host = visitor->row == SHELF_HOST,
                                    .copy = &copies[i]};
        piece.ticks = tick_range_common(piece.block, visitor->ticks);
        if (!tick_range_empty(piece.ticks))
            r = visitor->visit(visitor->reader, &piece, visitor->context);
    }
    return r;
}

static int block_visitor_run(const struct block_visitor *visitor,
                             int (*levels)(const struct block_visitor *, enum block_level),
                             enum block_level level)
{
    struct block_reader *reader = visitor->reader;
    size_t count;
    const struct shelf_copy_piece *copies = shelf_copies_find(reader->copies, visitor->row, &count);
    reader->told.count = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = tick_set_add(&reader->told, shelf_copy_ticks(&copies[i]));
    if (r == 0)
        r = levels(visitor, level);
    return r < 0 ? r : block_visitor_copies(visitor, copies, count);
}

int block_reader_visit(struct block_reader *reader, int64_t row, struct tick_range ticks,
                       enum block_level level, block_visit visit, void *context)
{
    const struct block_visitor visitor = {
        .reader = reader, .row = row, .ticks = ticks, .visit = visit, .context = context};
    return block_visitor_run(&visitor, block_visitor_levels, level);
}

int block_reader_visit_ticks(struct block_reader *reader, int64_t row, struct tick_range ticks,
                             block_visit visit, void *context)
{
    const struct block_visitor visitor = {
        .reader = reader, .row = row, .ticks = ticks, .visit = visit, .context = context};
    return block_visitor_run(&visitor, block_visitor_level, BLOCK_LEVEL_TICKS);
}

/* The bit of a column; OPEN_LOG_PLACES: logs have none. */
static unsigned block_reader_place(bool host, uint16_t code)
{
    unsigned place = 0;
    while (place < OPEN_LOG_PLACES && open_log_code(host, place) != code)
        place++;
    return place;
}

static void block_reader_fill(struct block_reader_slot *slot, const struct open_log_row *row,
                              unsigned place, struct tick_range ticks)
{
    if (!(row->present >> place & 1))
        return;
    for (int64_t i = ticks.first; i < ticks.end; i++) {
        block_set_present(slot->presence, (size_t)i);
        slot->values[i] = row->value[place];
    }
}

static int block_reader_copy(const struct block_reader *reader, const struct block_piece *piece,
                             unsigned place, struct block_reader_slot *slot)
{
    const struct shelf_copy_piece *copy = piece->copy;
    struct varint_reader rest = {.data = (const uint8_t *)reader->copies->bytes.data + copy->offset,
                                 .size = copy->size};
    struct open_log_row row;
    row.present = 0;
    int64_t tick = 0;
    memset(slot->presence, 0, sizeof(slot->presence));
    while (rest.size > 0) {
        struct open_log_row before;
        before.present = row.present & UINT64_C(1) << place;
        before.value[place] = before.present ? row.value[place] : 0;
        unsigned ticks;
        int r = open_log_decode(&rest, &row, &ticks);
        if (r < 0 || tick + ticks >= (int64_t)piece->entries)
            return -EUCLEAN;
        block_reader_fill(slot, &before, place, (struct tick_range){tick, tick + ticks});
        tick += ticks;
    }
    block_reader_fill(slot, &row, place, (struct tick_range){tick, (int64_t)piece->entries});
    return 0;
}

int block_reader_column(struct block_reader *reader, const struct block_piece *piece, uint16_t code,
                        struct block_reader_slot *slot)
{
    if (piece->copy) {
        unsigned place = block_reader_place(piece->host, code);
        return place < OPEN_LOG_PLACES ? block_reader_copy(reader, piece, place, slot) : -ENOENT;
    }
    const struct block_column *column = block_find(&reader->block, code);
    return column ? block_read(&reader->block, column, slot->presence, slot->values) : -ENOENT;
}
