/* SPDX-License-Identifier: MIT */
/*
 * A stored block. The first byte says whether the rest is the blob itself (0) or what is inside its
 * frame, which is then packed here: else nothing would come past the checksum. What opens has
 * columns within the limits; what reads agrees with its summary, unless that is of a rest.
 */
#include "storage/block.h"

#include <stdlib.h>

#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void read_column(const struct block *block, const struct block_column *column)
{
    static int64_t values[BLOCK_TICKS_LIMIT];
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    const struct column_summary *summary = &column->summary;
    must(summary->count > 0 && summary->count <= block->entries);
    must(summary->min <= summary->last && summary->last <= summary->max);
    if (block_read(block, column, presence, values) < 0)
        return;
    size_t count = 0;
    for (size_t i = 0; i < block->entries; i++) {
        if (block_present(presence, i))
            values[count++] = values[i];
        else
            must(values[i] == 0);
    }
    if (block->has_rest && column->code == columns_code(METRIC_RSS))
        return; /* the summary is that of its rest */
    struct column_summary found;
    must(count == summary->count && column_summarize(values, count, &found) == 0);
    must(found.min == summary->min && found.max == summary->max);
    must(found.last == summary->last && found.sum == summary->sum);
}

static void open_block(const uint8_t *data, size_t size)
{
    _cleanup_(block_opener_freep) struct block_opener *opener = NULL;
    _cleanup_(block_finish) struct block block;
    block_init(&block);
    must(block_opener_new(&opener) == 0);
    if (block_open(&block, opener, data, size) < 0) {
        must(block.column_count == 0);
        return;
    }
    must(block.entries > 0 && block.entries <= BLOCK_TICKS_LIMIT);
    must(block.entry_ticks > 0 && block.entry_ticks <= BLOCK_TICKS_LIMIT);
    must(block.column_count <= BLOCK_COLUMNS_LIMIT);
    for (size_t i = 0; i < block.column_count; i++) {
        must(block_find(&block, block.columns[i].code) != NULL);
        read_column(&block, &block.columns[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 0) {
        open_block(data + 1, size - 1);
        return 0;
    }
    size_t room = ZSTD_compressBound(size - 1);
    uint8_t *frame = malloc(room);
    must(frame != NULL);
    size_t length = ZSTD_compress(frame, room, data + 1, size - 1, 1);
    must(!ZSTD_isError(length));
    open_block(frame, length);
    free(frame);
    return 0;
}
