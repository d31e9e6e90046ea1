/* SPDX-License-Identifier: MIT */
#include "storage/block.h"

#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COLUMNS 12

/* One builder, opener and block for all tests: what one block leaves behind is not in the next. */
struct fixture {
    struct block_builder *builder;
    struct block_opener *opener;
    struct block block;
};

/* What is put in, entry by entry. */
struct series {
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    int64_t values[BLOCK_TICKS_LIMIT]; /* 0 where unknown */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    *state = fixture;
    if (!fixture || block_builder_new(&fixture->builder) < 0)
        return -1;
    block_init(&fixture->block);
    return block_opener_new(&fixture->opener);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    block_finish(&fixture->block);
    block_opener_free(fixture->opener);
    block_builder_free(fixture->builder);
    free(fixture);
    return 0;
}

/* Known: everywhere, nowhere, from a tick on, in pieces, every other tick, at one tick. */
#define PRESENCES 6
static bool is_known(uint64_t *random, size_t pattern, size_t i, size_t entries)
{
    switch (pattern) {
    case 0:
        return true;
    case 1:
        return false;
    case 2:
        return i >= entries / 3;
    case 3:
        return i / 50 % 3 != 1 && random_below(random, 100) > 0;
    case 4:
        return i % 2 == 1;
    default:
        return i == entries / 2;
    }
}

static void make_series(uint64_t *random, size_t pattern, size_t shape, size_t entries,
                        struct series *ret_series)
{
    memset(ret_series->presence, 0, sizeof(ret_series->presence));
    random_column(random, shape, entries, ret_series->values);
    for (size_t i = 0; i < entries; i++) {
        if (is_known(random, pattern, i, entries))
            block_set_present(ret_series->presence, i);
        else
            ret_series->values[i] = 0;
    }
}

static size_t add(struct block_builder *builder, uint16_t code, const struct series *series,
                  size_t entries)
{
    static int64_t packed[BLOCK_TICKS_LIMIT];
    size_t count = 0;
    for (size_t i = 0; i < entries; i++)
        if (block_present(series->presence, i))
            packed[count++] = series->values[i];
    assert_int_equal(block_add(builder, code, series->presence, packed), 0);
    return count;
}

static void seal_and_open(struct fixture *fixture)
{
    const uint8_t *data;
    size_t size;
    assert_int_equal(block_seal(fixture->builder, &data, &size), 0);
    assert_int_equal(block_open(&fixture->block, fixture->opener, data, size), 0);
}

static void expect(const struct block *block, uint16_t code, const struct series *series,
                   size_t entries, size_t count)
{
    static struct series found;
    const struct block_column *column = block_find(block, code);
    if (count == 0) {
        assert_null(column);
        return;
    }
    assert_non_null(column);
    assert_int_equal(column->summary.count, count);
    assert_int_equal(block_read(block, column, found.presence, found.values), 0);
    assert_memory_equal(found.presence, series->presence, (entries + 7) / 8);
    assert_memory_equal(found.values, series->values, entries * sizeof(int64_t));
}

static void anything_comes_back(void **state)
{
    struct fixture *fixture = *state;
    static struct series series[COLUMNS];
    static const size_t spans[] = {1, 2, 7, 8, 9, 600, BLOCK_TICKS_LIMIT};
    uint64_t random = 3;
    for (size_t round = 0; round < 42; round++) {
        size_t entries = spans[round % 7], counts[COLUMNS];
        assert_int_equal(block_begin(fixture->builder, entries, 1 + round), 0);
        for (size_t i = 0; i < COLUMNS; i++) {
            make_series(&random, (round + i) % PRESENCES, random_below(&random, RANDOM_SHAPES),
                        entries, &series[i]);
            counts[i] = add(fixture->builder, (uint16_t)(1 + i * 60), &series[i], entries);
        }
        seal_and_open(fixture);
        assert_int_equal(fixture->block.entries, entries);
        assert_int_equal(fixture->block.entry_ticks, 1 + round);
        for (size_t i = 0; i < COLUMNS; i++)
            expect(&fixture->block, (uint16_t)(1 + i * 60), &series[i], entries, counts[i]);
    }
}

static void known_everywhere_needs_no_bits(void **state)
{
    struct fixture *fixture = *state;
    static struct series series;
    uint64_t random = 9;
    make_series(&random, 0, 3, 600, &series);
    assert_int_equal(block_begin(fixture->builder, 600, 1), 0);
    assert_int_equal(block_add(fixture->builder, 16, NULL, series.values), 0);
    seal_and_open(fixture);
    expect(&fixture->block, 16, &series, 600, 600);
}

static void without_columns_it_is_a_block(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(block_begin(fixture->builder, 600, 1), 0);
    seal_and_open(fixture);
    assert_int_equal(fixture->block.entries, 600);
    assert_int_equal(fixture->block.column_count, 0);
    assert_null(block_find(&fixture->block, 16));
}

static void the_row_says_what_top_n_asks(void **state)
{
    struct fixture *fixture = *state;
    struct block_builder *builder = fixture->builder;
    const uint16_t rss = columns_code(METRIC_RSS), pss = columns_code(METRIC_PSS);
    const uint8_t second = 2;
    assert_int_equal(block_begin(builder, 3, 1), 0);
    assert_int_equal(block_summary(builder).count, 0);
    assert_int_equal(block_add(builder, rss, NULL, (int64_t[]){10, 30, 20}), 0);
    assert_int_equal(block_add(builder, columns_code(METRIC_ANON), NULL, (int64_t[]){9, 9, 99}), 0);
    assert_int_equal(block_add(builder, pss, &second, (int64_t[]){7}), 0);
    struct block_summary summary = block_summary(builder);
    assert_int_equal(summary.count, 3);
    assert_int_equal(summary.rss_max, 30);
    assert_int_equal(summary.rss_sum, 60);
    assert_int_equal(summary.pss_count, 1);
    assert_int_equal(summary.pss_max, 7);
    assert_int_equal(summary.pss_sum, 7);
}

static void limits_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct block_builder *builder = fixture->builder;
    static const int64_t values[2] = {1, 2};
    assert_int_equal(block_begin(builder, 0, 1), -ERANGE);
    assert_int_equal(block_begin(builder, BLOCK_TICKS_LIMIT + 1, 1), -ERANGE);
    assert_int_equal(block_begin(builder, 1, 0), -ERANGE);
    assert_int_equal(block_begin(builder, 1, BLOCK_TICKS_LIMIT + 1), -ERANGE);
    assert_int_equal(block_begin(builder, 2, 1), 0);
    assert_int_equal(block_add(builder, 0, NULL, values), -ERANGE);
    assert_int_equal(block_add(builder, COLUMNS_CODES, NULL, values), -ERANGE);
    assert_int_equal(block_add(builder, COLUMNS_CODE_LIMIT, NULL, values), -ERANGE);
    size_t added = 0;
    for (uint16_t code = 1; code < COLUMNS_CODE_LIMIT && added < BLOCK_COLUMNS_LIMIT; code++)
        if (code % COLUMNS_CODES != 0) {
            assert_int_equal(block_add(builder, code, NULL, values), 0);
            added++;
        }
    assert_int_equal(block_add(builder, 16, NULL, values), -ENOBUFS);
    seal_and_open(fixture);
    assert_int_equal(fixture->block.column_count, BLOCK_COLUMNS_LIMIT);
}

/* More than an hour of one process can be. */
static void an_hour_of_noise_fits(void **state)
{
    struct fixture *fixture = *state;
    static struct series series;
    uint64_t random = 21;
    make_series(&random, 3, 0, BLOCK_TICKS_LIMIT, &series);
    assert_int_equal(block_begin(fixture->builder, BLOCK_TICKS_LIMIT, 1), 0);
    size_t count = 0;
    for (uint16_t code = 16; code < 48; code++)
        count = add(fixture->builder, code, &series, BLOCK_TICKS_LIMIT);
    seal_and_open(fixture);
    expect(&fixture->block, 47, &series, BLOCK_TICKS_LIMIT, count);
}

/* What is inside the frame of the small block below. */
static const uint8_t golden_content[] = {
    1,    6,    1,                /* layout, entries, ticks of each */
    16,   0,    13,               /* rss, known everywhere, size */
    0x80, 0x20, 0x80, 0x80, 0x05, /* unit 4096, first 40960 */
    0,    2,    2,    8,          /* min, max, last, sum */
    0,    1,    4,    1,          /* twice the same, 2 up, 1 down */
    17,   2,    1,    3,    4,    /* cpu, one unknown, three known, size */
    0,    0xb9, 0xbc, 0x01,       /* all are -12061 */
    0x90, 0x01, 1,    2,    2,    /* min of rss, two unknown, size */
    0,    9,                      /* all are -5 */
};

/* The same as a frame. What zstd makes of it may change; that this is read must not. */
static const uint8_t golden_frame[] = {
    0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x23, 0x19, 0x01, 0x00, 0x01, 0x06, 0x01, 0x10, 0x00, 0x0d, 0x80,
    0x20, 0x80, 0x80, 0x05, 0x00, 0x02, 0x02, 0x08, 0x00, 0x01, 0x04, 0x01, 0x11, 0x02, 0x01, 0x03,
    0x04, 0x00, 0xb9, 0xbc, 0x01, 0x90, 0x01, 0x01, 0x02, 0x02, 0x00, 0x09, 0x7d, 0xdb, 0x8a, 0x0d,
};

static void add_golden(struct block_builder *builder)
{
    const int64_t rss[] = {40960, 40960, 40960, 49152, 45056, 45056};
    const int64_t cpu[] = {-12061, -12061, -12061};
    const int64_t min[] = {-5, -5, -5, -5};
    const uint8_t cpu_known = 0x0e, min_known = 0x3c;
    assert_int_equal(block_begin(builder, 6, 1), 0);
    assert_int_equal(block_add(builder, 16, NULL, rss), 0);
    assert_int_equal(block_add(builder, 17, &cpu_known, cpu), 0);
    assert_int_equal(block_add(builder, columns_of_kind(16, COLUMNS_MIN), &min_known, min), 0);
}

static void these_are_the_bytes(void **state)
{
    struct fixture *fixture = *state;
    add_golden(fixture->builder);
    seal_and_open(fixture);
    assert_int_equal(fixture->block.content.size, sizeof(golden_content));
    assert_memory_equal(fixture->block.content.data, golden_content, sizeof(golden_content));
}

static void blocks_of_the_plain_layout_are_read(void **state)
{
    struct fixture *fixture = *state;
    struct block *block = &fixture->block;
    static const int64_t cpu[] = {0, -12061, -12061, -12061, 0, 0};
    uint8_t presence;
    int64_t values[6];
    assert_int_equal(block_open(block, fixture->opener, golden_frame, sizeof(golden_frame)), 0);
    assert_int_equal(block->entries, 6);
    assert_int_equal(block->column_count, 3);
    assert_int_equal(block_read(block, block_find(block, 17), &presence, values), 0);
    assert_int_equal(presence, 0x0e);
    assert_memory_equal(values, cpu, sizeof(cpu));
    assert_int_equal(block_find(block, 16)->summary.sum, 262144);
    assert_int_equal(block_find(block, 144)->summary.last, -5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_comes_back),
        cmocka_unit_test(known_everywhere_needs_no_bits),
        cmocka_unit_test(without_columns_it_is_a_block),
        cmocka_unit_test(the_row_says_what_top_n_asks),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(an_hour_of_noise_fits),
        cmocka_unit_test(these_are_the_bytes),
        cmocka_unit_test(blocks_of_the_plain_layout_are_read),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
