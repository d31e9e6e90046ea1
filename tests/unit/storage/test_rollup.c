/* SPDX-License-Identifier: MIT */
#include "storage/rollup.h"

#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOUR    (size_t)3600
#define MINUTES (size_t)60
#define PERIOD  (size_t)600
#define RSS     16 /* code of that column */
#define CPU     17
#define ANON    21
#define FILES   22
#define SHMEM   23

/* What the parts and the result of a test are made with. */
struct fixture {
    struct rollup *rollup;
    struct block_builder *builder;
    struct block_opener *opener;
    struct block parts[24], result;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    *state = fixture;
    if (!fixture || rollup_new(&fixture->rollup) < 0 || block_builder_new(&fixture->builder) < 0)
        return -1;
    for (size_t i = 0; i < 24; i++)
        block_init(&fixture->parts[i]);
    block_init(&fixture->result);
    return block_opener_new(&fixture->opener);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 24; i++)
        block_finish(&fixture->parts[i]);
    block_finish(&fixture->result);
    block_opener_free(fixture->opener);
    block_builder_free(fixture->builder);
    rollup_free(fixture->rollup);
    free(fixture);
    return 0;
}

static void open_built(struct fixture *fixture, struct block *block)
{
    const uint8_t *data;
    size_t size;
    assert_int_equal(block_seal(fixture->builder, &data, &size), 0);
    assert_int_equal(block_open(block, fixture->opener, data, size), 0);
}

/* An hour of one process: values, and where they are known. */
struct hour {
    bool known[HOUR];
    int64_t values[HOUR];
};

static void make_hour(uint64_t *random, size_t shape, bool whole, struct hour *ret_hour)
{
    random_column(random, shape, HOUR, ret_hour->values);
    for (size_t i = 0; i < HOUR; i++)
        ret_hour->known[i] = whole || (i >= 700 && i / 180 % 2 == 0 && i % 7 != 3);
}

/* Puts entries first .. end of the hour into the block that is being built. */
static void add_piece(struct block_builder *builder, uint16_t code, const struct hour *hour,
                      size_t first, size_t end)
{
    static int64_t packed[HOUR];
    uint8_t presence[BLOCK_PRESENCE_SIZE] = {0};
    size_t count = 0;
    for (size_t i = first; i < end; i++)
        if (hour->known[i]) {
            block_set_present(presence, i - first);
            packed[count++] = hour->values[i];
        }
    assert_int_equal(block_add(builder, code, presence, packed), 0);
}

static const struct block *piece(struct fixture *fixture, size_t part, const struct hour *rss,
                                 const struct hour *cpu, size_t first, size_t end)
{
    assert_int_equal(block_begin(fixture->builder, end - first, 1), 0);
    add_piece(fixture->builder, RSS, rss, first, end);
    if (cpu)
        add_piece(fixture->builder, CPU, cpu, first, end);
    open_built(fixture, &fixture->parts[part]);
    return &fixture->parts[part];
}

static void expect_hour(const struct block *block, uint16_t code, const struct hour *hour)
{
    static int64_t values[HOUR];
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    const struct block_column *column = block_find(block, code);
    assert_non_null(column);
    assert_int_equal(block_read(block, column, presence, values), 0);
    for (size_t i = 0; i < HOUR; i++) {
        assert_int_equal(block_present(presence, i), hour->known[i]);
        assert_true(values[i] == (hour->known[i] ? hour->values[i] : 0));
    }
}

/* The copy alone, behind some ticks that it leaves out. */
static int join(struct rollup *rollup, const struct rollup_part *parts, size_t count, size_t ticks,
                struct block_builder *builder)
{
    struct block_builder *minutes;
    struct rollup_part moved[ROLLUP_PARTS_LIMIT + 1];
    const struct rollup_copy copy = {
        .first = ticks < HOUR ? 7 : 0, .ticks = ticks, .builder = builder};
    assert_int_equal(block_builder_new(&minutes), 0);
    for (size_t i = 0; i < count; i++) {
        moved[i] = parts[i];
        moved[i].offset += parts[i].offset < SIZE_MAX ? copy.first : 0;
    }
    int r = rollup_ticks(rollup, moved, count, copy.first + ticks, 60, minutes, &copy);
    block_builder_free(minutes);
    return r;
}

static void parts_become_an_hour(void **state)
{
    struct fixture *fixture = *state;
    static struct hour rss, cpu;
    uint64_t random = 31;
    for (size_t shape = 0; shape < RANDOM_SHAPES; shape++) {
        make_hour(&random, shape, false, &rss);
        make_hour(&random, shape, true, &cpu);
        struct rollup_part parts[6];
        for (size_t i = 0; i < 6; i++) {
            size_t first = i * PERIOD;
            parts[i] = (struct rollup_part){
                .block = piece(fixture, i, &rss, i == 2 ? NULL : &cpu, first, first + PERIOD),
                .offset = first};
        }
        for (size_t i = 2 * PERIOD; i < 3 * PERIOD; i++)
            cpu.known[i] = false;
        assert_int_equal(join(fixture->rollup, parts, 6, HOUR, fixture->builder), 0);
        open_built(fixture, &fixture->result);
        assert_int_equal(fixture->result.entries, HOUR);
        assert_int_equal(fixture->result.entry_ticks, 1);
        assert_int_equal(fixture->result.column_count, 2);
        expect_hour(&fixture->result, RSS, &rss);
        expect_hour(&fixture->result, CPU, &cpu);
    }
}

/* After restarts the parts of an hour are of any length, and there are holes between them. */
static void parts_may_lie_anywhere(void **state)
{
    struct fixture *fixture = *state;
    static struct hour rss;
    uint64_t random = 37;
    make_hour(&random, 3, true, &rss);
    const struct rollup_part parts[] = {
        {.block = piece(fixture, 0, &rss, NULL, 13, 14), .offset = 13},
        {.block = piece(fixture, 1, &rss, NULL, 601, 1199), .offset = 601},
        {.block = piece(fixture, 2, &rss, NULL, 3000, 3600), .offset = 3000},
    };
    for (size_t i = 0; i < HOUR; i++)
        rss.known[i] = i == 13 || (i >= 601 && i < 1199) || i >= 3000;
    assert_int_equal(join(fixture->rollup, parts, 3, HOUR, fixture->builder), 0);
    open_built(fixture, &fixture->result);
    expect_hour(&fixture->result, RSS, &rss);
}

static int64_t value_of(const struct block *block, enum columns_kind kind, size_t entry)
{
    int64_t values[ROLLUP_ENTRIES_LIMIT];
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    const struct block_column *column = block_find(block, columns_of_kind(RSS, kind));
    assert_non_null(column);
    assert_true(block->entries <= ROLLUP_ENTRIES_LIMIT);
    assert_int_equal(block_read(block, column, presence, values), 0);
    assert_true(block_present(presence, entry));
    return values[entry];
}

static bool is_known(const struct block *block, size_t entry)
{
    int64_t values[ROLLUP_ENTRIES_LIMIT];
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    const struct block_column *column = block_find(block, columns_of_kind(RSS, COLUMNS_COUNT));
    if (!column)
        return false;
    assert_int_equal(block_read(block, column, presence, values), 0);
    return block_present(presence, entry);
}

/* Against the plain definition: what is known of the hour in first .. end. */
static void expect_entry(const struct block *block, size_t entry, const struct hour *hour,
                         size_t first, size_t end)
{
    static int64_t packed[HOUR];
    size_t count = 0;
    for (size_t i = first; i < end; i++)
        if (hour->known[i])
            packed[count++] = hour->values[i];
    assert_int_equal(is_known(block, entry), count > 0);
    struct column_summary summary;
    if (column_summarize(packed, count, &summary) < 0)
        return;
    assert_true(value_of(block, COLUMNS_MIN, entry) == summary.min);
    assert_true(value_of(block, COLUMNS_MAX, entry) == summary.max);
    assert_true(value_of(block, COLUMNS_LAST, entry) == summary.last);
    assert_true(value_of(block, COLUMNS_SUM, entry) == summary.sum);
    assert_int_equal(value_of(block, COLUMNS_COUNT, entry), count);
}

static void an_hour_becomes_minutes(void **state)
{
    struct fixture *fixture = *state;
    static struct hour rss;
    uint64_t random = 41;
    for (size_t shape = 0; shape < RANDOM_SHAPES; shape++) {
        make_hour(&random, shape, shape % 2, &rss);
        struct rollup_part part = {.block = piece(fixture, 0, &rss, NULL, 0, HOUR)};
        assert_int_equal(rollup_ticks(fixture->rollup, &part, 1, HOUR, 60, fixture->builder, NULL),
                         0);
        open_built(fixture, &fixture->result);
        assert_int_equal(fixture->result.entries, MINUTES);
        assert_int_equal(fixture->result.entry_ticks, 60);
        for (size_t i = 0; i < MINUTES; i++)
            expect_entry(&fixture->result, i, &rss, i * 60, i * 60 + 60);
        struct column_summary summary = block_find(&fixture->parts[0], RSS)->summary;
        struct block_summary row = block_summary(fixture->builder);
        assert_int_equal(row.count, summary.count);
        assert_true(row.rss_max == summary.max);
        assert_int_equal(row.pss_count, 0);
    }
}

/* Some blocks have RSS as its rest, others as it is: an hour and its minutes tell the same of it.
 */
static void layouts_go_together(void **state)
{
    struct fixture *fixture = *state;
    static struct hour rss, parts_of[3];
    static const uint16_t codes[3] = {ANON, FILES, SHMEM};
    uint64_t random = 101;
    for (size_t i = 0; i < 3; i++)
        make_hour(&random, 3, i != 1, &parts_of[i]);
    make_hour(&random, 5, false, &rss);
    for (size_t i = 0; i < HOUR; i++)
        if (i / PERIOD % 2 == 0 && i >= 2 * PERIOD)
            rss.values[i] = parts_of[0].values[i] + parts_of[1].values[i] + parts_of[2].values[i];
    struct rollup_part parts[6];
    size_t rests = 0;
    for (size_t i = 0; i < 6; i++) {
        size_t first = i * PERIOD;
        assert_int_equal(block_begin(fixture->builder, PERIOD, 1), 0);
        add_piece(fixture->builder, RSS, &rss, first, first + PERIOD);
        for (size_t k = 0; k < 3; k++)
            add_piece(fixture->builder, codes[k], &parts_of[k], first, first + PERIOD);
        open_built(fixture, &fixture->parts[i]);
        parts[i] = (struct rollup_part){.block = &fixture->parts[i], .offset = first};
        rests += fixture->parts[i].has_rest;
    }
    assert_in_range(rests, 1, 5);
    assert_int_equal(join(fixture->rollup, parts, 6, HOUR, fixture->builder), 0);
    open_built(fixture, &fixture->result);
    expect_hour(&fixture->result, RSS, &rss);
    for (size_t k = 0; k < 3; k++)
        expect_hour(&fixture->result, codes[k], &parts_of[k]);
    assert_int_equal(rollup_ticks(fixture->rollup, parts, 6, HOUR, 60, fixture->builder, NULL), 0);
    open_built(fixture, &fixture->result);
    for (size_t i = 0; i < MINUTES; i++)
        expect_entry(&fixture->result, i, &rss, i * 60, i * 60 + 60);
}

/* The ten-minute blocks give the same roll-up as the hour that is made of them. */
static void minutes_come_from_parts_too(void **state)
{
    struct fixture *fixture = *state;
    static struct hour rss;
    uint64_t random = 43;
    make_hour(&random, 3, false, &rss);
    struct rollup_part parts[6];
    for (size_t i = 0; i < 6; i++)
        parts[i] = (struct rollup_part){
            .block = piece(fixture, i, &rss, NULL, i * PERIOD, (i + 1) * PERIOD),
            .offset = i * PERIOD};
    assert_int_equal(rollup_ticks(fixture->rollup, parts, 6, HOUR, 60, fixture->builder, NULL), 0);
    open_built(fixture, &fixture->result);
    for (size_t i = 0; i < MINUTES; i++)
        expect_entry(&fixture->result, i, &rss, i * 60, i * 60 + 60);
}

static void the_last_entry_may_be_shorter(void **state)
{
    struct fixture *fixture = *state;
    static struct hour rss;
    uint64_t random = 47;
    make_hour(&random, 5, true, &rss);
    struct rollup_part part = {.block = piece(fixture, 0, &rss, NULL, 0, 130)};
    assert_int_equal(rollup_ticks(fixture->rollup, &part, 1, 130, 60, fixture->builder, NULL), 0);
    open_built(fixture, &fixture->result);
    assert_int_equal(fixture->result.entries, 3);
    expect_entry(&fixture->result, 2, &rss, 120, 130);
}

static void hours_become_a_day(void **state)
{
    struct fixture *fixture = *state;
    static struct hour hours[24];
    uint64_t random = 53;
    struct rollup_part day[24];
    size_t count = 0;
    for (size_t i = 0; i < 24; i++) {
        make_hour(&random, i % RANDOM_SHAPES, i % 2, &hours[i]);
        if (i == 5) /* not running */
            continue;
        struct rollup_part part = {.block = piece(fixture, count, &hours[i], NULL, 0, HOUR)};
        assert_int_equal(rollup_ticks(fixture->rollup, &part, 1, HOUR, 60, fixture->builder, NULL),
                         0);
        open_built(fixture, &fixture->parts[count]);
        day[count] = (struct rollup_part){.block = &fixture->parts[count], .offset = i};
        count++;
    }
    assert_int_equal(rollup_hours(fixture->rollup, day, count, 24, HOUR, fixture->builder), 0);
    open_built(fixture, &fixture->result);
    assert_int_equal(fixture->result.entries, 24);
    assert_int_equal(fixture->result.entry_ticks, HOUR);
    assert_false(is_known(&fixture->result, 5));
    for (size_t i = 0; i < 24; i++) {
        /* Where a sum stopped on the way there is no other definition than the way. */
        if (i == 5 || i % RANDOM_SHAPES < 2 || i % RANDOM_SHAPES == 6)
            continue;
        expect_entry(&fixture->result, i, &hours[i], 0, HOUR);
    }
}

/* A process of which an hour was written twice, in two halves. */
static void halves_of_an_hour_are_put_together(void **state)
{
    struct fixture *fixture = *state;
    static struct hour rss;
    uint64_t random = 59;
    make_hour(&random, 5, true, &rss);
    struct rollup_part parts[2];
    for (size_t i = 0; i < 2; i++) {
        size_t first = i * HOUR / 2;
        struct rollup_part half = {.block = piece(fixture, i, &rss, NULL, first, first + HOUR / 2),
                                   .offset = first};
        assert_int_equal(rollup_ticks(fixture->rollup, &half, 1, HOUR, 60, fixture->builder, NULL),
                         0);
        open_built(fixture, &fixture->parts[i]);
        parts[i] = (struct rollup_part){.block = &fixture->parts[i], .offset = 3};
    }
    assert_int_equal(rollup_hours(fixture->rollup, parts, 2, 24, HOUR, fixture->builder), 0);
    open_built(fixture, &fixture->result);
    expect_entry(&fixture->result, 3, &rss, 0, HOUR);
}

static void what_does_not_go_together_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static struct hour rss;
    uint64_t random = 61;
    make_hour(&random, 5, true, &rss);
    struct rollup_part parts[ROLLUP_PARTS_LIMIT + 1] = {
        {.block = piece(fixture, 0, &rss, NULL, 0, HOUR)}};
    struct rollup *rollup = fixture->rollup;
    struct block_builder *builder = fixture->builder;
    assert_int_equal(rollup_ticks(rollup, parts, 1, HOUR, 60, builder, NULL), 0);
    open_built(fixture, &fixture->parts[1]);
    parts[1] = (struct rollup_part){.block = &fixture->parts[1]};
    assert_int_equal(join(rollup, parts, 2, HOUR, builder), -ERANGE);
    assert_int_equal(rollup_ticks(rollup, parts, 2, HOUR, 60, builder, NULL), -ERANGE);
    assert_int_equal(rollup_ticks(rollup, parts + 1, 1, HOUR, 60, builder, NULL), -ERANGE);
    assert_int_equal(rollup_hours(rollup, parts, 2, 24, HOUR, builder), -ERANGE);
    for (size_t i = 1; i <= ROLLUP_PARTS_LIMIT; i++)
        parts[i] = parts[0];
    assert_int_equal(join(rollup, parts, 0, HOUR, builder), -ERANGE);
    assert_int_equal(join(rollup, parts, ROLLUP_PARTS_LIMIT + 1, HOUR, builder), -ERANGE);
    assert_int_equal(join(rollup, parts, 1, HOUR + 1, builder), -ERANGE);
    assert_int_equal(rollup_ticks(rollup, parts, 1, 0, 60, builder, NULL), -ERANGE);
    assert_int_equal(rollup_ticks(rollup, parts, 1, HOUR + 1, 60, builder, NULL), -ERANGE);
    assert_int_equal(rollup_ticks(rollup, parts, 1, HOUR, 0, builder, NULL), -ERANGE);
    assert_int_equal(rollup_ticks(rollup, parts, 1, HOUR, 1, builder, NULL), -ERANGE);
    assert_int_equal(rollup_hours(rollup, parts, 1, ROLLUP_ENTRIES_LIMIT + 1, HOUR, builder),
                     -ERANGE);
}

static void what_lies_outside_is_left_out(void **state)
{
    struct fixture *fixture = *state;
    static struct hour rss;
    uint64_t random = 67;
    make_hour(&random, 5, true, &rss);
    const struct rollup_part parts[] = {
        {.block = piece(fixture, 0, &rss, NULL, 0, 100), .offset = 550},
        {.block = piece(fixture, 1, &rss, NULL, 0, 100), .offset = 600},
        {.block = piece(fixture, 2, &rss, NULL, 0, 100), .offset = SIZE_MAX},
    };
    assert_int_equal(join(fixture->rollup, parts, 3, 600, fixture->builder), 0);
    open_built(fixture, &fixture->result);
    assert_int_equal(block_find(&fixture->result, RSS)->summary.count, 50);
    assert_int_equal(rollup_ticks(fixture->rollup, parts, 3, 600, 60, fixture->builder, NULL), 0);
    open_built(fixture, &fixture->result);
    assert_int_equal(value_of(&fixture->result, COLUMNS_COUNT, 9), 50);
    assert_false(is_known(&fixture->result, 8));
    open_built(fixture, &fixture->parts[3]);
    const struct rollup_part hours[] = {
        {.block = &fixture->parts[3], .offset = 1},
        {.block = &fixture->parts[3], .offset = 24},
        {.block = &fixture->parts[3], .offset = SIZE_MAX},
    };
    assert_int_equal(rollup_hours(fixture->rollup, hours, 3, 24, HOUR, fixture->builder), 0);
    assert_int_equal(block_summary(fixture->builder).count, 50);
}

/* A part whose steps do not agree with its head opens, but it is not summed up. */
static void damage_in_a_part_is_said(void **state)
{
    struct fixture *fixture = *state;
    static struct hour rss;
    uint64_t random = 71;
    make_hour(&random, 5, true, &rss);
    struct rollup_part part = {.block = piece(fixture, 0, &rss, NULL, 0, HOUR)};
    fixture->parts[0].content.data[fixture->parts[0].content.size - 20] ^= 2;
    struct rollup *rollup = fixture->rollup;
    assert_int_equal(join(rollup, &part, 1, HOUR, fixture->builder), -EUCLEAN);
    assert_int_equal(rollup_ticks(rollup, &part, 1, HOUR, 60, fixture->builder, NULL), -EUCLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_become_an_hour),
        cmocka_unit_test(parts_may_lie_anywhere),
        cmocka_unit_test(an_hour_becomes_minutes),
        cmocka_unit_test(layouts_go_together),
        cmocka_unit_test(minutes_come_from_parts_too),
        cmocka_unit_test(the_last_entry_may_be_shorter),
        cmocka_unit_test(hours_become_a_day),
        cmocka_unit_test(halves_of_an_hour_are_put_together),
        cmocka_unit_test(what_does_not_go_together_is_refused),
        cmocka_unit_test(what_lies_outside_is_left_out),
        cmocka_unit_test(damage_in_a_part_is_said),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
