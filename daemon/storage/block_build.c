/* SPDX-License-Identifier: MIT */
#include "storage/block.h"

#include "storage/block_rest.h"
#include "storage/varint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#define BLOCK_LEVEL 3 /* 19 makes it 3 % smaller and takes five times as long */

struct block_builder {
    ZSTD_CCtx *zstd;
    size_t entries, column_count;
    struct block_summary summary;
    struct buffer content, column, blob;
    /* The same with RSS as its rest; where in `content` RSS's size and bytes are, and how many. */
    struct block_rest rest;
    struct buffer rest_content, rest_blob;
    size_t rss_start, rss_end, rss_size;
};

int block_builder_new(struct block_builder **ret_builder)
{
    _cleanup_(block_builder_freep) struct block_builder *builder = calloc(1, sizeof(*builder));
    if (!builder)
        return -ENOMEM;
    builder->zstd = ZSTD_createCCtx();
    if (!builder->zstd)
        return -ENOMEM;
    buffer_init(&builder->content, BLOCK_CONTENT_LIMIT);
    buffer_init(&builder->column, BLOCK_CONTENT_LIMIT);
    buffer_init(&builder->blob, ZSTD_COMPRESSBOUND(BLOCK_CONTENT_LIMIT));
    buffer_init(&builder->rest_content, BLOCK_CONTENT_LIMIT);
    buffer_init(&builder->rest_blob, ZSTD_COMPRESSBOUND(BLOCK_CONTENT_LIMIT));
    ZSTD_CCtx_setParameter(builder->zstd, ZSTD_c_compressionLevel, BLOCK_LEVEL);
    /* Four bytes, so that no damage is taken for values. */
    ZSTD_CCtx_setParameter(builder->zstd, ZSTD_c_checksumFlag, 1);
    *ret_builder = STEAL(builder);
    return 0;
}

void block_builder_free(struct block_builder *builder)
{
    if (!builder)
        return;
    ZSTD_freeCCtx(builder->zstd);
    buffer_finish(&builder->content);
    buffer_finish(&builder->column);
    buffer_finish(&builder->blob);
    buffer_finish(&builder->rest_content);
    buffer_finish(&builder->rest_blob);
    free(builder);
}

int block_begin(struct block_builder *builder, size_t entries, size_t entry_ticks)
{
    if (entries == 0 || entries > BLOCK_TICKS_LIMIT || entry_ticks == 0 ||
        entry_ticks > BLOCK_TICKS_LIMIT)
        return -ERANGE;
    builder->entries = entries;
    builder->column_count = 0;
    builder->summary = (struct block_summary){0};
    builder->content.size = 0;
    block_rest_begin(&builder->rest, entries);
    const uint8_t layout = BLOCK_LAYOUT_PLAIN;
    int r = buffer_append(&builder->content, &layout, sizeof(layout));
    if (r == 0)
        r = varint_append(&builder->content, entries);
    return r < 0 ? r : varint_append(&builder->content, entry_ticks);
}

/* The length of each run but the last; *ret_count is how many these are. */
static int block_append_runs(struct buffer *out, const uint8_t *presence, size_t entries,
                             size_t *ret_count)
{
    size_t count = 0, start = 0;
    bool known = false;
    for (size_t i = 0; i < entries; i++) {
        if (block_present(presence, i) == known)
            continue;
        int r = varint_append(out, i - start);
        if (r < 0)
            return r;
        start = i;
        known = !known;
        count++;
    }
    *ret_count = count;
    return 0;
}

size_t block_count_present(const uint8_t *presence, size_t entries)
{
    size_t count = 0, i = 0;
    for (; i + 64 <= entries; i += 64) {
        uint64_t bits;
        memcpy(&bits, presence + i / 8, sizeof(bits));
        count += (size_t)__builtin_popcountll(bits);
    }
    for (; i < entries; i++)
        count += block_present(presence, i);
    return count;
}

void block_set_run(uint8_t *presence, size_t first, size_t count)
{
    size_t end = first + count, bytes_first = (first + 7) / 8 * 8, bytes_end = end / 8 * 8;
    if (bytes_first < bytes_end) {
        memset(presence + bytes_first / 8, 0xff, (bytes_end - bytes_first) / 8);
        for (size_t i = bytes_end; i < end; i++)
            block_set_present(presence, i);
        end = bytes_first;
    }
    for (size_t i = first; i < end; i++)
        block_set_present(presence, i);
}

static int block_append_presence(struct block_builder *builder, const uint8_t *presence,
                                 size_t present)
{
    if (!presence || present == builder->entries)
        return varint_append(&builder->content, 0);
    size_t count;
    builder->column.size = 0;
    int r = block_append_runs(&builder->column, presence, builder->entries, &count);
    if (r == 0)
        r = varint_append(&builder->content, count);
    if (r < 0)
        return r;
    return buffer_append(&builder->content, builder->column.data, builder->column.size);
}

static void block_summarize(struct block_summary *all, uint16_t code,
                            const struct column_summary *column)
{
    const uint16_t rss = columns_code(METRIC_RSS), pss = columns_code(METRIC_PSS);
    uint16_t base = columns_of_kind(code, COLUMNS_VALUE);
    if (base != rss && base != pss)
        return;
    int64_t *count = base == rss ? &all->count : &all->pss_count;
    int64_t *max = base == rss ? &all->rss_max : &all->pss_max;
    int64_t *sum = base == rss ? &all->rss_sum : &all->pss_sum;
    enum columns_kind kind = columns_kind(code);
    if (kind == COLUMNS_VALUE)
        *count = (int64_t)column->count;
    if (kind == COLUMNS_COUNT)
        *count = column->sum;
    if (kind == COLUMNS_VALUE || kind == COLUMNS_MAX)
        *max = column->max;
    if (kind == COLUMNS_VALUE || kind == COLUMNS_SUM)
        *sum = column->sum;
}

/* Its size and its bytes. */
static int block_append_column(struct buffer *out, const struct buffer *column)
{
    int r = varint_append(out, column->size);
    return r < 0 ? r : buffer_append(out, column->data, column->size);
}

int block_add(struct block_builder *builder, uint16_t code, const uint8_t *presence,
              const int64_t *values)
{
    size_t present = presence ? block_count_present(presence, builder->entries) : builder->entries;
    if (code % COLUMNS_CODES == 0 || code >= COLUMNS_CODE_LIMIT)
        return -ERANGE;
    if (present == 0)
        return 0;
    if (builder->column_count == BLOCK_COLUMNS_LIMIT)
        return -ENOBUFS;
    int r = varint_append(&builder->content, code);
    if (r == 0)
        r = block_append_presence(builder, presence, present);
    if (r < 0)
        return r;
    struct column_summary summary;
    size_t start = builder->content.size;
    builder->column.size = 0;
    r = column_encode(values, present, &builder->column, &summary);
    if (r == 0)
        r = block_append_column(&builder->content, &builder->column);
    if (r < 0)
        return r;
    if (code == columns_code(METRIC_RSS)) {
        builder->rss_start = start;
        builder->rss_end = builder->content.size;
        builder->rss_size = builder->column.size;
    }
    block_rest_take(&builder->rest, code, presence, present, values);
    builder->column_count++;
    block_summarize(&builder->summary, code, &summary);
    return 0;
}

/* The content with another column for RSS: the one in builder->column. */
static int block_copy_with_rest(struct block_builder *builder)
{
    const struct buffer *content = &builder->content;
    struct buffer *out = &builder->rest_content;
    out->size = 0;
    int r = buffer_append(out, content->data, builder->rss_start);
    if (r == 0)
        r = block_append_column(out, &builder->column);
    if (r == 0)
        r = buffer_append(out, content->data + builder->rss_end, content->size - builder->rss_end);
    if (r == 0)
        out->data[0] = BLOCK_LAYOUT_REST;
    return r;
}

/* Which layouts are tried. */
struct block_choice {
    bool plain, rest;
};

/* A rest that never changes is nearly nothing. Another one may be shorter than RSS, but where RSS
 * is much like a part zstd sees that too: then both are tried. */
static int block_choose(struct block_builder *builder, struct block_choice *ret_choice)
{
    *ret_choice = (struct block_choice){.plain = true};
    if (!block_rest_is_complete(&builder->rest))
        return 0;
    struct column_summary summary;
    builder->column.size = 0;
    int r = block_rest_encode(&builder->rest, &builder->column, &summary);
    if (r < 0 || builder->column.size >= builder->rss_size)
        return r;
    *ret_choice = (struct block_choice){.plain = summary.min != summary.max, .rest = true};
    return block_copy_with_rest(builder);
}

static int block_compress(struct block_builder *builder, const struct buffer *content,
                          struct buffer *blob)
{
    blob->size = 0;
    int r = buffer_reserve(blob, ZSTD_compressBound(content->size));
    if (r < 0)
        return r;
    size_t size =
        ZSTD_compress2(builder->zstd, blob->data, blob->capacity, content->data, content->size);
    if (ZSTD_isError(size))
        return -EIO;
    blob->size = size;
    return 0;
}

int block_seal(struct block_builder *builder, const uint8_t **ret_data, size_t *ret_size)
{
    struct block_choice choice;
    int r = block_choose(builder, &choice);
    if (r == 0 && choice.plain)
        r = block_compress(builder, &builder->content, &builder->blob);
    if (r == 0 && choice.rest)
        r = block_compress(builder, &builder->rest_content, &builder->rest_blob);
    if (r < 0)
        return r;
    bool rest = choice.rest && (!choice.plain || builder->rest_blob.size < builder->blob.size);
    const struct buffer *blob = rest ? &builder->rest_blob : &builder->blob;
    *ret_data = (const uint8_t *)blob->data;
    *ret_size = blob->size;
    return 0;
}

struct block_summary block_summary(const struct block_builder *builder)
{
    return builder->summary;
}
