/* SPDX-License-Identifier: MIT */
/*
 * Blocks that are not as they were written. Whatever the bytes are: an error, or values that agree
 * with their own summary, unless that is of a rest; under the sanitizers no byte too far.
 */
#include "storage/block.h"

#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include <cmocka.h>

#define ENTRIES 100 /* small: every cut of it is tried */
#define COLUMNS 8
#define FLIPS   10000

struct fixture {
    struct block_opener *opener;
    ZSTD_CCtx *zstd;
    struct block block;
    uint8_t *blob, *content;
    size_t blob_size, content_size;
    size_t opened, read; /* damaged blocks that could be opened, all of whose columns were read */
};

static int build(struct block_builder *builder, struct fixture *fixture)
{
    static int64_t values[ENTRIES];
    uint8_t presence[BLOCK_PRESENCE_SIZE] = {0};
    uint64_t random = 17;
    for (size_t i = 7; i < ENTRIES; i++)
        if (i / 20 != 3)
            block_set_present(presence, i);
    int r = block_begin(builder, ENTRIES, 1);
    for (uint16_t i = 0; r == 0 && i < COLUMNS; i++) {
        random_column(&random, i % RANDOM_SHAPES, ENTRIES, values);
        r = block_add(builder, (uint16_t)(16 + i * 20), i % 3 == 1 ? presence : NULL, values);
    }
    const uint8_t *data;
    if (r == 0)
        r = block_seal(builder, &data, &fixture->blob_size);
    if (r < 0)
        return r;
    fixture->blob = malloc(fixture->blob_size);
    if (!fixture->blob)
        return -ENOMEM;
    memcpy(fixture->blob, data, fixture->blob_size);
    return 0;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    _cleanup_(block_builder_freep) struct block_builder *builder = NULL;
    *state = fixture;
    if (!fixture || block_builder_new(&builder) < 0 || block_opener_new(&fixture->opener) < 0)
        return -1;
    block_init(&fixture->block);
    fixture->zstd = ZSTD_createCCtx();
    if (!fixture->zstd)
        return -1;
    if (build(builder, fixture) < 0 ||
        block_open(&fixture->block, fixture->opener, fixture->blob, fixture->blob_size) < 0)
        return -1;
    fixture->content_size = fixture->block.content.size;
    fixture->content = malloc(fixture->content_size);
    if (!fixture->content)
        return -1;
    memcpy(fixture->content, fixture->block.content.data, fixture->content_size);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    block_finish(&fixture->block);
    block_opener_free(fixture->opener);
    ZSTD_freeCCtx(fixture->zstd);
    free(fixture->blob);
    free(fixture->content);
    free(fixture);
    return 0;
}

static void read_all(struct fixture *fixture)
{
    static int64_t values[BLOCK_TICKS_LIMIT];
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    bool all = true;
    for (size_t i = 0; i < fixture->block.column_count; i++) {
        const struct block_column *column = &fixture->block.columns[i];
        int r = block_read(&fixture->block, column, presence, values);
        assert_true(r == 0 || r == -EUCLEAN);
        all = all && r == 0;
        if (fixture->block.has_rest && column->code == columns_code(METRIC_RSS))
            continue;
        int64_t last = 0;
        for (size_t k = 0; r == 0 && k < fixture->block.entries; k++) {
            if (!block_present(presence, k))
                continue;
            last = values[k];
            assert_true(last >= column->summary.min && last <= column->summary.max);
        }
        assert_true(r < 0 || last == column->summary.last);
    }
    fixture->read += all;
}

/* Opens an exact copy of the bytes, and reads all. */
static int try(struct fixture *fixture, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size > 0)
        memcpy(copy, data, size);
    int r = block_open(&fixture->block, fixture->opener, copy, size);
    free(copy);
    assert_true(r == 0 || r == -EUCLEAN);
    if (r == 0) {
        fixture->opened++;
        read_all(fixture);
    } else {
        assert_int_equal(fixture->block.column_count, 0);
        assert_null(block_find(&fixture->block, 16));
    }
    return r;
}

/* The content in a frame of its own: past what zstd's checksum finds. */
static int try_content(struct fixture *fixture, const uint8_t *content, size_t size)
{
    size_t room = ZSTD_compressBound(size);
    uint8_t *frame = malloc(room);
    assert_non_null(frame);
    size_t length = ZSTD_compressCCtx(fixture->zstd, frame, room, content, size, 1);
    assert_false(ZSTD_isError(length));
    int r = try(fixture, frame, length);
    free(frame);
    return r;
}

static void cut_short_it_is_damaged(void **state)
{
    struct fixture *fixture = *state;
    for (size_t size = 0; size < fixture->blob_size; size++)
        assert_int_equal(try(fixture, fixture->blob, size), -EUCLEAN);
    assert_int_equal(try(fixture, fixture->blob, fixture->blob_size), 0);
}

static void bytes_behind_it_are_damage(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *twice = malloc(2 * fixture->blob_size);
    assert_non_null(twice);
    memcpy(twice, fixture->blob, fixture->blob_size);
    memcpy(twice + fixture->blob_size, fixture->blob, fixture->blob_size);
    assert_int_equal(try(fixture, twice, fixture->blob_size + 1), -EUCLEAN);
    assert_int_equal(try(fixture, twice, 2 * fixture->blob_size), -EUCLEAN);
    /* A frame that zstd itself would step over. */
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
    memcpy(twice + fixture->blob_size, skippable, sizeof(skippable));
    assert_int_equal(try(fixture, twice, fixture->blob_size + sizeof(skippable)), -EUCLEAN);
    free(twice);
}

/* The frame's checksum finds them, but for bits that mean nothing: then it reads as it was. */
static void no_flipped_bit_is_taken_for_values(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 23;
    for (size_t i = 0; i < FLIPS; i++) {
        size_t bit = random_below(&random, fixture->blob_size * 8);
        fixture->blob[bit / 8] = (uint8_t)(fixture->blob[bit / 8] ^ 1U << bit % 8);
        if (try(fixture, fixture->blob, fixture->blob_size) == 0) {
            assert_int_equal(fixture->block.content.size, fixture->content_size);
            assert_memory_equal(fixture->block.content.data, fixture->content,
                                fixture->content_size);
        }
        fixture->blob[bit / 8] = (uint8_t)(fixture->blob[bit / 8] ^ 1U << bit % 8);
    }
}

static void cut_content_is_damaged_or_has_fewer_columns(void **state)
{
    struct fixture *fixture = *state;
    for (size_t size = 0; size < fixture->content_size; size++)
        if (try_content(fixture, fixture->content, size) == 0)
            assert_true(fixture->block.column_count < COLUMNS);
}

static void flipped_content_is_safe(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 29;
    fixture->opened = 0;
    fixture->read = 0;
    for (size_t i = 0; i < FLIPS; i++) {
        /* Half of them in the first columns, where the lengths of all are decided sooner. */
        size_t span = i % 2 ? fixture->content_size : fixture->content_size / 8;
        size_t bit = random_below(&random, span * 8);
        fixture->content[bit / 8] = (uint8_t)(fixture->content[bit / 8] ^ 1U << bit % 8);
        try_content(fixture, fixture->content, fixture->content_size);
        fixture->content[bit / 8] = (uint8_t)(fixture->content[bit / 8] ^ 1U << bit % 8);
    }
    /* Steps are only looked at when they are read; there nearly all of it is found. */
    assert_true(fixture->opened > FLIPS / 2);
    assert_true(fixture->read < FLIPS / 20);
}

/* RSS as what 21, 22 and 23 leave of it: 0, then 2. */
static const uint8_t rest_content[] = {
    2,  6, 1,                                   /* layout, entries, ticks of each */
    16, 2, 1, 3, 9,  1, 0, 0,  2,  4,  4, 0, 0, /* three known, from the second on */
    4,                                          /* 0, 0, 2 */
    21, 0, 7, 1, 20, 0, 5, 10, 50, 10,          /* 10, then 15 */
    22, 1, 2, 2, 0,  2,                         /* 1, known from the third on */
    23, 0, 2, 0, 0                              /* always 0 */
};

static void flipped_rest_is_safe(void **state)
{
    struct fixture *fixture = *state;
    uint8_t content[sizeof(rest_content)];
    memcpy(content, rest_content, sizeof(content));
    fixture->read = 0;
    assert_int_equal(try_content(fixture, content, sizeof(content)), 0);
    assert_int_equal(fixture->read, 1);
    for (size_t bit = 0; bit < sizeof(content) * 8; bit++) {
        content[bit / 8] = (uint8_t)(content[bit / 8] ^ 1U << bit % 8);
        try_content(fixture, content, sizeof(content));
        content[bit / 8] = (uint8_t)(content[bit / 8] ^ 1U << bit % 8);
    }
    for (size_t size = 0; size < sizeof(content); size++)
        assert_int_equal(try_content(fixture, content, size), -EUCLEAN);
}

static void other_layouts_are_not_guessed(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned layout = 0; layout < 256; layout++) {
        fixture->content[0] = (uint8_t)layout;
        int r = try_content(fixture, fixture->content, fixture->content_size);
        assert_int_equal(r, layout == BLOCK_LAYOUT_PLAIN ? 0 : -EUCLEAN);
    }
    fixture->content[0] = BLOCK_LAYOUT_PLAIN;
}

static void impossible_content_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        uint8_t bytes[16];
        size_t size;
    } bad[] = {
        {{BLOCK_LAYOUT_PLAIN, 0, 1}, 3},                           /* no entries */
        {{BLOCK_LAYOUT_PLAIN, 0x91, 0x1c, 1}, 4},                  /* 3601 of them */
        {{BLOCK_LAYOUT_PLAIN, 6, 0}, 3},                           /* entries of no ticks */
        {{BLOCK_LAYOUT_PLAIN, 6, 0x91, 0x1c}, 4},                  /* of 3601 */
        {{BLOCK_LAYOUT_PLAIN, 6, 1, 0, 0, 2, 0, 9}, 8},            /* column number 0 */
        {{BLOCK_LAYOUT_PLAIN, 6, 1, 0x80, 0x06, 0, 2, 0, 9}, 9},   /* number 768 */
        {{BLOCK_LAYOUT_PLAIN, 6, 1, 16, 0, 3, 0, 9}, 8},           /* longer than the block */
        {{BLOCK_LAYOUT_PLAIN, 6, 1, 16, 0, 0}, 6},                 /* a column of no bytes */
        {{BLOCK_LAYOUT_PLAIN, 6, 1, 16, 1, 6, 2, 0, 9}, 9},        /* a run to the end */
        {{BLOCK_LAYOUT_PLAIN, 6, 1, 16, 3, 1, 0, 1, 2, 0, 9}, 11}, /* a run of nothing */
        {{BLOCK_LAYOUT_PLAIN, 6, 1, 16, 2, 0, 6, 2, 0, 9}, 10}, /* known up to the end, and more */
        {{BLOCK_LAYOUT_PLAIN, 6, 1, 16, 7, 1, 1, 1, 1, 1, 1, 1}, 12} /* more runs than entries */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(try_content(fixture, bad[i].bytes, bad[i].size), -EUCLEAN);
    /* The one that all of these were made from. */
    static const uint8_t good[] = {BLOCK_LAYOUT_PLAIN, 6, 1, 16, 1, 5, 2, 0, 9};
    assert_int_equal(try_content(fixture, good, sizeof(good)), 0);
}

static void too_many_columns_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static uint8_t content[3 + 5 * (BLOCK_COLUMNS_LIMIT + 1)] = {BLOCK_LAYOUT_PLAIN, 6, 1};
    for (size_t i = 3; i < sizeof(content); i += 5)
        memcpy(content + i, (uint8_t[]){16, 0, 2, 0, 9}, 5);
    assert_int_equal(try_content(fixture, content, sizeof(content)), -EUCLEAN);
    assert_int_equal(try_content(fixture, content, sizeof(content) - 5), 0);
}

/* 64 MiB of zeros in 2 KiB: not unpacked, whatever the frame says of its size. */
static void more_than_the_limit_is_not_unpacked(void **state)
{
    struct fixture *fixture = *state;
    const size_t size = (size_t)64 << 20;
    uint8_t *zeros = calloc(1, size);
    assert_non_null(zeros);
    assert_int_equal(try_content(fixture, zeros, size), -EUCLEAN);
    assert_true(fixture->block.content.capacity <= BLOCK_CONTENT_LIMIT);
    free(zeros);
}

static void a_frame_that_hides_its_size_is_refused(void **state)
{
    struct fixture *fixture = *state;
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    uint8_t frame[65536];
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
    size_t size =
        ZSTD_compress2(zstd, frame, sizeof(frame), fixture->content, fixture->content_size);
    ZSTD_freeCCtx(zstd);
    assert_false(ZSTD_isError(size));
    assert_int_equal(try(fixture, frame, size), -EUCLEAN);
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 6};
    assert_int_equal(try(fixture, skippable, sizeof(skippable)), -EUCLEAN);
    assert_int_equal(try(fixture, NULL, 0), -EUCLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_short_it_is_damaged),
        cmocka_unit_test(bytes_behind_it_are_damage),
        cmocka_unit_test(no_flipped_bit_is_taken_for_values),
        cmocka_unit_test(cut_content_is_damaged_or_has_fewer_columns),
        cmocka_unit_test(flipped_content_is_safe),
        cmocka_unit_test(flipped_rest_is_safe),
        cmocka_unit_test(other_layouts_are_not_guessed),
        cmocka_unit_test(impossible_content_is_refused),
        cmocka_unit_test(too_many_columns_are_refused),
        cmocka_unit_test(more_than_the_limit_is_not_unpacked),
        cmocka_unit_test(a_frame_that_hides_its_size_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
