/* SPDX-License-Identifier: MIT */
#include "storage/block.h"

#include "storage/block_rest.h"
#include "storage/varint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

struct block_opener {
    ZSTD_DCtx *zstd;
};

int block_opener_new(struct block_opener **ret_opener)
{
    _cleanup_(block_opener_freep) struct block_opener *opener = calloc(1, sizeof(*opener));
    if (!opener)
        return -ENOMEM;
    opener->zstd = ZSTD_createDCtx();
    if (!opener->zstd)
        return -ENOMEM;
    *ret_opener = STEAL(opener);
    return 0;
}

void block_opener_free(struct block_opener *opener)
{
    if (!opener)
        return;
    ZSTD_freeDCtx(opener->zstd);
    free(opener);
}

void block_init(struct block *block)
{
    *block = (struct block){0};
    buffer_init(&block->content, BLOCK_CONTENT_LIMIT);
}

void block_finish(struct block *block)
{
    free(block->columns);
    buffer_finish(&block->content);
    *block = (struct block){0};
}

/* Exactly one frame that says how long its content is: what claims more is not unpacked. */
static int block_unpack(struct block *block, struct block_opener *opener, const void *data,
                        size_t size)
{
    /* Its two errors are above any limit. */
    unsigned long long content = ZSTD_getFrameContentSize(data, size);
    if (content > BLOCK_CONTENT_LIMIT || ZSTD_findFrameCompressedSize(data, size) != size)
        return -EUCLEAN;
    block->content.size = 0;
    int r = buffer_reserve(&block->content, (size_t)content);
    if (r < 0)
        return r;
    size_t got =
        ZSTD_decompressDCtx(opener->zstd, block->content.data, (size_t)content, data, size);
    if (ZSTD_isError(got) || got != content)
        return -EUCLEAN;
    buffer_grown(&block->content, got);
    return 0;
}

/* Takes so many bytes off the front. */
static int block_take(struct varint_reader *reader, uint64_t size, const uint8_t **ret_data)
{
    if (size > reader->size)
        return -EUCLEAN;
    *ret_data = reader->data;
    reader->data += size;
    reader->size -= (size_t)size;
    return 0;
}

/* Steps over the runs; *ret_present is at how many entries the column is known. */
static int block_skip_runs(struct varint_reader *reader, size_t entries, size_t count,
                           size_t *ret_present)
{
    size_t left = entries, present = 0;
    bool known = count == 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t length = 0;
        int r = varint_read(reader, &length);
        if (r < 0)
            return r;
        if (length >= left || (length == 0 && i > 0))
            return -EUCLEAN;
        present += known ? (size_t)length : 0;
        left -= (size_t)length;
        known = !known;
    }
    *ret_present = present + (known ? left : 0);
    return 0;
}

static int block_parse_runs(struct varint_reader *reader, size_t entries,
                            struct block_column *column, size_t *ret_present)
{
    uint64_t count = 0;
    int r = varint_read(reader, &count);
    if (r < 0 || count > entries)
        return -EUCLEAN;
    column->run_count = (size_t)count;
    column->runs = reader->data;
    r = block_skip_runs(reader, entries, column->run_count, ret_present);
    column->runs_size = (size_t)(reader->data - column->runs);
    return r;
}

static int block_parse_column(struct varint_reader *reader, size_t entries,
                              struct block_column *ret_column)
{
    uint64_t code = 0, size = 0;
    size_t present = 0;
    struct block_column column = {0};
    int r = varint_read(reader, &code);
    if (r < 0 || code >= COLUMNS_CODE_LIMIT || code % COLUMNS_CODES == 0)
        return -EUCLEAN;
    column.code = (uint16_t)code;
    r = block_parse_runs(reader, entries, &column, &present);
    if (r == 0)
        r = varint_read(reader, &size);
    if (r == 0)
        r = block_take(reader, size, &column.data);
    if (r < 0)
        return r;
    column.data_size = (size_t)size;
    r = column_peek(column.data, column.data_size, present, &column.summary);
    if (r == 0)
        *ret_column = column;
    return r;
}

static int block_reserve_column(struct block *block)
{
    if (block->column_count == BLOCK_COLUMNS_LIMIT)
        return -EUCLEAN;
    if (block->column_count < block->column_capacity)
        return 0;
    size_t capacity = block->column_capacity ? block->column_capacity * 2 : 16;
    struct block_column *columns = realloc(block->columns, capacity * sizeof(*columns));
    if (!columns)
        return -ENOMEM;
    block->columns = columns;
    block->column_capacity = capacity;
    return 0;
}

static int block_parse_start(struct block *block, struct varint_reader *reader)
{
    uint64_t entries = 0, entry_ticks = 0;
    const uint8_t *layout;
    int r = block_take(reader, 1, &layout);
    if (r == 0)
        r = varint_read(reader, &entries);
    if (r == 0)
        r = varint_read(reader, &entry_ticks);
    if (r < 0 || (*layout != BLOCK_LAYOUT_PLAIN && *layout != BLOCK_LAYOUT_REST) || entries == 0 ||
        entries > BLOCK_TICKS_LIMIT || entry_ticks == 0 || entry_ticks > BLOCK_TICKS_LIMIT)
        return -EUCLEAN;
    block->has_rest = *layout == BLOCK_LAYOUT_REST;
    block->entries = (size_t)entries;
    block->entry_ticks = (size_t)entry_ticks;
    return 0;
}

/* Without a part nobody could tell RSS. */
static bool block_has_parts(const struct block *block)
{
    bool has = block_find(block, columns_code(METRIC_RSS)) != NULL;
    for (size_t i = 0; i < BLOCK_REST_PARTS; i++)
        has = has && block_find(block, block_rest_part(i));
    return has;
}

static int block_parse(struct block *block)
{
    struct varint_reader reader = {.data = (const uint8_t *)block->content.data,
                                   .size = block->content.size};
    int r = block_parse_start(block, &reader);
    while (r == 0 && reader.size > 0) {
        r = block_reserve_column(block);
        if (r == 0)
            r = block_parse_column(&reader, block->entries, &block->columns[block->column_count]);
        if (r == 0)
            block->column_count++;
    }
    return r == 0 && block->has_rest && !block_has_parts(block) ? -EUCLEAN : r;
}

int block_open(struct block *block, struct block_opener *opener, const void *data, size_t size)
{
    block->column_count = 0;
    block->has_rest = false;
    int r = block_unpack(block, opener, data, size);
    if (r == 0)
        r = block_parse(block);
    if (r < 0) {
        block->entries = 0;
        block->column_count = 0;
    }
    return r;
}

const struct block_column *block_find(const struct block *block, uint16_t code)
{
    for (size_t i = 0; i < block->column_count; i++)
        if (block->columns[i].code == code)
            return &block->columns[i];
    return NULL;
}

/* Spreads the known values, which are at the front, to their entries. From the end: none is
 * overwritten before it has moved. */
static void block_spread(const uint8_t *presence, size_t entries, size_t count, int64_t *values)
{
    for (size_t i = entries; i-- > 0;)
        values[i] = block_present(presence, i) ? values[--count] : 0;
}

static int block_read_presence(const struct block_column *column, size_t entries,
                               uint8_t *ret_presence)
{
    struct varint_reader reader = {.data = column->runs, .size = column->runs_size};
    memset(ret_presence, 0, (entries + 7) / 8);
    bool known = column->run_count == 0;
    size_t start = 0;
    for (size_t i = 0; i <= column->run_count; i++) {
        uint64_t length = entries - start;
        int r = i < column->run_count ? varint_read(&reader, &length) : 0;
        if (r < 0 || length > entries - start)
            return -EUCLEAN;
        if (known)
            block_set_run(ret_presence, start, (size_t)length);
        start += (size_t)length;
        known = !known;
    }
    return 0;
}

static int block_read_stored(const struct block *block, const struct block_column *column,
                             uint8_t *ret_presence, int64_t *ret_values)
{
    int r = block_read_presence(column, block->entries, ret_presence);
    if (r == 0)
        r = column_decode(column->data, column->data_size, column->summary.count, ret_values);
    if (r == 0 && column->summary.count < block->entries)
        block_spread(ret_presence, block->entries, column->summary.count, ret_values);
    return r;
}

static int block_add_part(const struct block *block, const struct block_column *part,
                          int64_t *values)
{
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    int64_t known[BLOCK_TICKS_LIMIT];
    bool whole = part->summary.count == block->entries;
    int r = column_decode(part->data, part->data_size, part->summary.count, known);
    if (r == 0 && !whole)
        r = block_read_presence(part, block->entries, presence);
    if (r == 0)
        block_rest_add_part(whole ? NULL : presence, block->entries, known, values);
    return r;
}

/* Adds the parts to the rest, at each entry. Most of them never change: these are added at once. */
static int block_add_parts(const struct block *block, int64_t *values)
{
    uint64_t constant = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < BLOCK_REST_PARTS; i++) {
        const struct block_column *part = block_find(block, block_rest_part(i));
        if (column_is_constant(part->data))
            constant += (uint64_t)part->summary.min;
        else
            r = block_add_part(block, part, values);
    }
    for (size_t i = 0; i < block->entries && constant != 0; i++)
        values[i] = (int64_t)((uint64_t)values[i] + constant);
    return r;
}

int block_read(const struct block *block, const struct block_column *column, uint8_t *ret_presence,
               int64_t *ret_values)
{
    int r = block_read_stored(block, column, ret_presence, ret_values);
    if (r < 0 || !block->has_rest || column->code != columns_code(METRIC_RSS))
        return r;
    r = block_add_parts(block, ret_values);
    for (size_t i = 0; i < block->entries && column->summary.count < block->entries; i++)
        if (!block_present(ret_presence, i))
            ret_values[i] = 0;
    return r;
}
