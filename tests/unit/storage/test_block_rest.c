/* SPDX-License-Identifier: MIT */
/*
 * Blocks of samples in which RSS may be stored as what anonymous, file and shared memory leave of
 * it. Whatever the four columns are, they come back; and a block is never larger for it.
 */
#include "storage/block.h"

#include "storage/block_rest.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES 600

enum { RSS, ANON, FILES, SHMEM, CPU, COLUMNS };
static const uint16_t codes[COLUMNS] = {16, 21, 22, 23, 17};

struct series {
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    int64_t values[BLOCK_TICKS_LIMIT]; /* 0 where unknown */
};

struct fixture {
    struct block_builder *builder;
    struct block_opener *opener;
    struct block block;
    struct series series[COLUMNS];
    size_t blob_size, rests;
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

/* From a value on that is known everywhere. */
static void hide(struct series *series, uint64_t *random, size_t pattern, size_t entries)
{
    memset(series->presence, 0, sizeof(series->presence));
    for (size_t i = 0; i < entries; i++) {
        static const size_t every[] = {1, 2, 7, 50};
        bool known = pattern < 4 ? (i + pattern) % every[pattern] == 0 : i / 90 % 3 != pattern % 3;
        if (pattern == 6)
            known = random_below(random, 20) > 0 && i >= entries / 4;
        if (known)
            block_set_present(series->presence, i);
        else
            series->values[i] = 0;
    }
}

static void add(struct fixture *fixture, size_t column, uint16_t code, size_t entries)
{
    static int64_t packed[BLOCK_TICKS_LIMIT];
    const struct series *series = &fixture->series[column];
    size_t count = 0;
    for (size_t i = 0; i < entries; i++)
        if (block_present(series->presence, i))
            packed[count++] = series->values[i];
    assert_int_equal(block_add(fixture->builder, code, series->presence, packed), 0);
}

static void expect(struct fixture *fixture, size_t column, size_t entries)
{
    static struct series found;
    const struct series *series = &fixture->series[column];
    const struct block_column *stored = block_find(&fixture->block, codes[column]);
    if (block_count_present(series->presence, entries) == 0) {
        assert_null(stored);
        return;
    }
    assert_non_null(stored);
    assert_int_equal(block_read(&fixture->block, stored, found.presence, found.values), 0);
    assert_memory_equal(found.presence, series->presence, (entries + 7) / 8);
    assert_memory_equal(found.values, series->values, entries * sizeof(int64_t));
}

/* The columns of the fixture, in an order that begins anywhere, as a block; all come back. */
static void store(struct fixture *fixture, size_t entries, size_t first)
{
    const uint8_t *data;
    assert_int_equal(block_begin(fixture->builder, entries, 1), 0);
    for (size_t i = 0; i < COLUMNS; i++) {
        size_t column = (first + i) % COLUMNS;
        add(fixture, column, codes[column], entries);
    }
    assert_int_equal(block_seal(fixture->builder, &data, &fixture->blob_size), 0);
    assert_int_equal(block_open(&fixture->block, fixture->opener, data, fixture->blob_size), 0);
    for (size_t i = 0; i < COLUMNS; i++)
        expect(fixture, i, entries);
    fixture->rests += fixture->block.has_rest;
}

/* As large as the block would be with the other layout: PSS has no parts, and costs what RSS does;
 * its code has one byte too. */
static size_t size_without(struct fixture *fixture, size_t entries)
{
    const uint8_t *data;
    size_t size;
    assert_int_equal(block_begin(fixture->builder, entries, 1), 0);
    for (size_t i = 0; i < COLUMNS; i++)
        add(fixture, i, i == RSS ? columns_code(METRIC_PSS) : codes[i], entries);
    assert_int_equal(block_seal(fixture->builder, &data, &size), 0);
    return size;
}

static void make_sum(struct fixture *fixture, size_t entries)
{
    struct series *series = fixture->series;
    for (size_t i = 0; i < entries; i++)
        series[RSS].values[i] =
            (int64_t)((uint64_t)series[ANON].values[i] + (uint64_t)series[FILES].values[i] +
                      (uint64_t)series[SHMEM].values[i]);
}

static void any_columns_come_back(void **state)
{
    struct fixture *fixture = *state;
    static const size_t spans[] = {1, 2, 7, 8, 9, ENTRIES, BLOCK_TICKS_LIMIT};
    uint64_t random = 73;
    fixture->rests = 0;
    for (size_t round = 0; round < 210; round++) {
        size_t entries = spans[round % 7];
        for (size_t i = 0; i < COLUMNS; i++)
            random_column(&random, random_below(&random, RANDOM_SHAPES), entries,
                          fixture->series[i].values);
        if (round % 3 > 0) /* the sum of them, wherever it wraps */
            make_sum(fixture, entries);
        for (size_t i = 0; i < COLUMNS; i++)
            hide(&fixture->series[i], &random, round % 3 == 1 ? 0 : random_below(&random, 7),
                 entries);
        store(fixture, entries, round % COLUMNS);
    }
    assert_in_range(fixture->rests, 60, 180); /* of both kinds */
}

/* Steps of pages, all known. */
static void make_pages(struct fixture *fixture, uint64_t *random)
{
    for (size_t i = 0; i < COLUMNS; i++)
        random_column(random, 3, ENTRIES, fixture->series[i].values);
    make_sum(fixture, ENTRIES);
    for (size_t i = 0; i < COLUMNS; i++)
        hide(&fixture->series[i], random, 0, ENTRIES);
}

static void the_sum_takes_nearly_nothing(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 79;
    make_pages(fixture, &random);
    store(fixture, ENTRIES, 0);
    assert_true(fixture->block.has_rest);
    assert_int_equal(block_find(&fixture->block, 16)->data_size, 2);
    assert_true(fixture->blob_size + 100 < size_without(fixture, ENTRIES));
}

/* Parts that are read later than RSS, or not at each tick. */
static void parts_that_lag_never_make_it_larger(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 83;
    static struct series whole[COLUMNS];
    for (size_t lag = 1; lag < 60; lag += lag < 4 ? 1 : 7) {
        make_pages(fixture, &random);
        memcpy(whole, fixture->series, sizeof(whole));
        for (size_t i = ANON; i <= SHMEM; i++)
            for (size_t k = 0; k < ENTRIES; k++)
                fixture->series[i].values[k] = whole[i].values[k < lag ? 0 : (k - lag) / lag * lag];
        store(fixture, ENTRIES, 0);
        /* Another code is another byte, which zstd may find elsewhere. */
        assert_true(fixture->blob_size <= size_without(fixture, ENTRIES) + 8);
    }
}

/* RSS is a part as it is, which zstd has seen already; its rest has fewer bytes, but new ones. */
static void shorter_bytes_are_not_a_smaller_block(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 103;
    make_pages(fixture, &random);
    struct series *series = fixture->series;
    random_column(&random, 5, ENTRIES, series[ANON].values);
    memcpy(series[RSS].values, series[ANON].values, sizeof(series[RSS].values));
    for (size_t i = 1; i < ENTRIES; i++)
        series[FILES].values[i] =
            i % 3 ? series[FILES].values[i - 1] : (int64_t)random_below(&random, 1000);
    memset(series[SHMEM].values, 0, sizeof(series[SHMEM].values));
    store(fixture, ENTRIES, 0);
    assert_false(fixture->block.has_rest);
}

static void what_gains_nothing_stays_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 89;
    make_pages(fixture, &random);
    random_column(&random, 0, ENTRIES, fixture->series[SHMEM].values);
    store(fixture, ENTRIES, 0);
    assert_false(fixture->block.has_rest);
    make_pages(fixture, &random);
    for (size_t missing = ANON; missing <= SHMEM; missing++) {
        make_pages(fixture, &random);
        memset(&fixture->series[missing], 0, sizeof(fixture->series[missing]));
        store(fixture, ENTRIES, 0);
        assert_false(fixture->block.has_rest);
    }
    make_pages(fixture, &random);
    memset(&fixture->series[RSS], 0, sizeof(fixture->series[RSS]));
    store(fixture, ENTRIES, 0);
    assert_false(fixture->block.has_rest);
}

/* The row beside the block tells of RSS itself. */
static void the_row_has_the_true_values(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 97;
    make_pages(fixture, &random);
    store(fixture, ENTRIES, 0);
    assert_true(fixture->block.has_rest);
    struct column_summary rss;
    assert_int_equal(column_summarize(fixture->series[RSS].values, ENTRIES, &rss), 0);
    struct block_summary row = block_summary(fixture->builder);
    assert_int_equal(row.count, ENTRIES);
    assert_int_equal(row.rss_max, rss.max);
    assert_int_equal(row.rss_sum, rss.sum);
}

/* Anonymous memory is unknown at first and in the middle; RSS is unknown at the end. */
static const uint8_t golden_content[] = {
    2,  8,  1,              /* layout, entries, ticks of each */
    16, 2,  0,    7,    2,  /* RSS, all but the last known, size */
    0,  2,                  /* the rest is always 1 */
    21, 3,  1,    2,    2,  /* anonymous, unknown 1, known 2, unknown 2 */
    10, 50, 0x90, 0x03,     /* size, unit, first 200 */
    0,  1,  2,    6,        /* min, max, last, sum */
    0,  0,  2,              /* the same once more, then up */
    22, 0,  2,    0,    20, /* file is always 10 */
    23, 0,  2,    0,    0   /* shared is always 0 */
};

static void these_are_the_bytes(void **state)
{
    struct fixture *fixture = *state;
    static const int64_t rss[] = {211, 211, 211, 211, 211, 261, 261};
    static const int64_t anon[] = {200, 200, 250, 250, 250};
    static const int64_t file[] = {10, 10, 10, 10, 10, 10, 10, 10}, shmem[8] = {0};
    const uint8_t rss_known = 0x7f, anon_known = 0xe6;
    uint8_t presence;
    int64_t values[8];
    struct block_builder *builder = fixture->builder;
    assert_int_equal(block_begin(builder, 8, 1), 0);
    assert_int_equal(block_add(builder, 16, &rss_known, rss), 0);
    assert_int_equal(block_add(builder, 21, &anon_known, anon), 0);
    assert_int_equal(block_add(builder, 22, NULL, file), 0);
    assert_int_equal(block_add(builder, 23, NULL, shmem), 0);
    const uint8_t *data;
    size_t size;
    assert_int_equal(block_seal(builder, &data, &size), 0);
    assert_int_equal(block_open(&fixture->block, fixture->opener, data, size), 0);
    const uint8_t *content = (const uint8_t *)fixture->block.content.data;
    assert_int_equal(fixture->block.content.size, sizeof(golden_content));
    assert_memory_equal(content, golden_content, sizeof(golden_content));
    const struct block_column *column = block_find(&fixture->block, 16);
    assert_int_equal(block_read(&fixture->block, column, &presence, values), 0);
    assert_int_equal(presence, rss_known);
    assert_memory_equal(values, rss, sizeof(rss));
    assert_int_equal(values[7], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_columns_come_back),
        cmocka_unit_test(the_sum_takes_nearly_nothing),
        cmocka_unit_test(parts_that_lag_never_make_it_larger),
        cmocka_unit_test(shorter_bytes_are_not_a_smaller_block),
        cmocka_unit_test(what_gains_nothing_stays_as_it_is),
        cmocka_unit_test(the_row_has_the_true_values),
        cmocka_unit_test(these_are_the_bytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
