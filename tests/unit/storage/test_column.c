/* SPDX-License-Identifier: MIT */
#include "storage/column.h"

#include "storage/varint.h"

#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void encode(const int64_t *values, size_t count, struct buffer *out)
{
    buffer_init(out, (size_t)1 << 20);
    assert_int_equal(column_encode(values, count, out, NULL), 0);
}

static void comes_back(const int64_t *values, size_t count)
{
    struct buffer out;
    encode(values, count, &out);
    struct column_summary expected, found;
    assert_int_equal(column_summarize(values, count, &expected), 0);
    const uint8_t *data = (const uint8_t *)out.data;
    assert_int_equal(column_peek(data, out.size, count, &found), 0);
    assert_int_equal(found.count, expected.count);
    assert_true(found.min == expected.min && found.max == expected.max);
    assert_true(found.last == expected.last && found.sum == expected.sum);
    int64_t *decoded = malloc(count * sizeof(*decoded));
    assert_non_null(decoded);
    assert_int_equal(column_decode(data, out.size, count, decoded), 0);
    assert_memory_equal(decoded, values, count * sizeof(*decoded));
    free(decoded);
    buffer_finish(&out);
}

static void any_values_come_back(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 3, 17, 600, COLUMN_COUNT_LIMIT};
    static int64_t values[COLUMN_COUNT_LIMIT];
    uint64_t random = 1;
    for (size_t round = 0; round < 20; round++)
        for (size_t shape = 0; shape < RANDOM_SHAPES; shape++)
            for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
                random_column(&random, shape, counts[i], values);
                comes_back(values, counts[i]);
            }
}

static void the_ends_come_back(void **state)
{
    (void)state;
    static const int64_t columns[][4] = {
        {INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX},
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
        {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN},
        {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN + 1},
        {INT64_MAX, INT64_MAX - 6, INT64_MAX - 12, INT64_MAX - 3},
        {INT64_MIN, 0, INT64_MIN, 0},
        {0, INT64_MIN, 0, 0},
        {INT64_MIN, -1, INT64_MAX, 0},
        {-1, INT64_MAX - 1, -1, INT64_MAX - 1},
        {INT64_MAX / 2, INT64_MAX / 2, INT64_MAX / 2, INT64_MAX / 2 + 2},
        {0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        for (size_t count = 1; count <= 4; count++)
            comes_back(columns[i], count);
}

static void the_summary_is_exact_or_stops(void **state)
{
    (void)state;
    struct column_summary summary;
    assert_int_equal(column_summarize((int64_t[]){3, -5, 10, 4}, 4, &summary), 0);
    assert_int_equal(summary.count, 4);
    assert_int_equal(summary.min, -5);
    assert_int_equal(summary.max, 10);
    assert_int_equal(summary.last, 4);
    assert_int_equal(summary.sum, 12);
    /* On the way it is more than an int64 holds; in the end it is not. */
    const int64_t there_and_back[] = {INT64_MAX, INT64_MAX, INT64_MIN};
    assert_int_equal(column_summarize(there_and_back, 3, &summary), 0);
    assert_true(summary.sum == INT64_MAX - 1);
    assert_int_equal(column_summarize(there_and_back, 2, &summary), 0);
    assert_true(summary.sum == INT64_MAX);
    assert_int_equal(column_summarize((int64_t[]){INT64_MIN, -1}, 2, &summary), 0);
    assert_true(summary.sum == INT64_MIN);
}

static void none_and_too_many_are_refused(void **state)
{
    (void)state;
    static int64_t values[COLUMN_COUNT_LIMIT + 1];
    char storage[64];
    struct buffer out;
    struct column_summary summary;
    buffer_init_over(&out, storage, sizeof(storage));
    assert_int_equal(column_encode(values, 0, &out, NULL), -ERANGE);
    assert_int_equal(column_encode(values, COLUMN_COUNT_LIMIT + 1, &out, NULL), -ERANGE);
    assert_int_equal(out.size, 0);
    assert_int_equal(column_encode(values, COLUMN_COUNT_LIMIT, &out, NULL), 0);
    const uint8_t *data = (const uint8_t *)storage;
    assert_int_equal(column_peek(data, out.size, 0, &summary), -EUCLEAN);
    assert_int_equal(column_peek(data, out.size, COLUMN_COUNT_LIMIT + 1, &summary), -EUCLEAN);
    assert_int_equal(column_decode(data, out.size, 0, values), -EUCLEAN);
}

static void full_buffer_is_said(void **state)
{
    (void)state;
    static int64_t values[600];
    uint64_t random = 5;
    random_column(&random, 0, 600, values);
    char storage[600];
    struct buffer out;
    buffer_init_over(&out, storage, sizeof(storage));
    assert_int_equal(column_encode(values, 600, &out, NULL), -ENOBUFS);
}

static void idle_and_regular_columns_are_short(void **state)
{
    (void)state;
    static int64_t values[COLUMN_COUNT_LIMIT];
    struct buffer out;
    for (size_t i = 0; i < COLUMN_COUNT_LIMIT; i++)
        values[i] = 300 << 20;
    encode(values, COLUMN_COUNT_LIMIT, &out);
    assert_int_equal(out.size, 6);
    buffer_finish(&out);
    /* A counter of whole seconds: one byte a step, whatever the second is counted in. */
    for (size_t i = 0; i < COLUMN_COUNT_LIMIT; i++)
        values[i] = (int64_t)(i * 1000000);
    encode(values, COLUMN_COUNT_LIMIT, &out);
    assert_in_range(out.size, COLUMN_COUNT_LIMIT, COLUMN_COUNT_LIMIT + 20);
    buffer_finish(&out);
    /* One step of a page in an hour. */
    for (size_t i = 0; i < COLUMN_COUNT_LIMIT; i++)
        values[i] = i < 1000 ? 0 : 4096;
    encode(values, COLUMN_COUNT_LIMIT, &out);
    assert_in_range(out.size, 8, 14);
    buffer_finish(&out);
}

/* One value, in units of 4096: 40960 40960 40960 49152 45056 45056. */
static const uint8_t golden[] = {
    0x80, 0x20,       /* unit 4096 */
    0x80, 0x80, 0x05, /* first 40960 */
    0x00, 0x02,       /* min 0 below, max 2 above it */
    0x02,             /* last 1 above */
    0x08,             /* sum 4 above 6 times the first */
    0x00, 0x01, 0x04, /* two more of the same, then 2 up */
    0x01,             /* 1 down, and so to the end */
};

static void these_are_the_bytes(void **state)
{
    (void)state;
    const int64_t values[] = {40960, 40960, 40960, 49152, 45056, 45056};
    int64_t decoded[6];
    struct buffer out;
    encode(values, 6, &out);
    assert_int_equal(out.size, sizeof(golden));
    assert_memory_equal(out.data, golden, sizeof(golden));
    assert_int_equal(column_decode(golden, sizeof(golden), 6, decoded), 0);
    assert_memory_equal(decoded, values, sizeof(values));
    buffer_finish(&out);
}

static void decode_copy(const uint8_t *data, size_t size, size_t count, bool must_fail)
{
    /* On the heap, so that a byte too far is seen. */
    uint8_t *bytes = malloc(size ? size : 1);
    int64_t *values = malloc((count ? count : 1) * sizeof(*values));
    assert_true(bytes && values);
    if (size > 0)
        memcpy(bytes, data, size);
    struct column_summary promised, found;
    int r = column_decode(bytes, size, count, values);
    assert_true(r == 0 || r == -EUCLEAN);
    if (must_fail)
        assert_int_equal(r, -EUCLEAN);
    if (r == 0) {
        assert_int_equal(column_peek(bytes, size, count, &promised), 0);
        assert_int_equal(column_summarize(values, count, &found), 0);
        assert_true(promised.sum == found.sum && promised.max == found.max);
    }
    free(values);
    free(bytes);
}

static void cut_short_it_is_damaged(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(golden); size++)
        decode_copy(golden, size, 6, true);
}

static void another_count_is_damage(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 12; count++)
        decode_copy(golden, sizeof(golden), count, count != 6);
}

static void impossible_heads_are_damage(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[8];
        size_t size;
    } bad[] = {
        {{0x00, 0x02, 0x00}, 3},                               /* all equal, and more behind it */
        {{0x01, 0x02, 0x00, 0x00, 0x02, 0x00, 0x02}, 7},       /* the last above the largest */
        {{0x01, 0x02, 0x00, 0x01, 0x00, 0x7f, 0x02}, 7},       /* a sum that no values have */
        {{0x01, 0x02, 0x00, 0x01, 0x02, 0x02, 0x00}, 7},       /* a run without its length */
        {{0x01, 0x02, 0x00, 0x01, 0x02, 0x02, 0x00, 0x7f}, 8}, /* longer than the column */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        decode_copy(bad[i].bytes, bad[i].size, 2, true);
}

/* Who reads heads only must not be told of extremes that cross. */
static void heads_alone_are_checked(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[12];
        size_t size;
    } bad[] = {
        {{0x00, 0x02, 0x02}, 3},                         /* all equal, and a step behind it */
        {{0x01, 0x02, 0x00, 0x00, 0x02, 0x00, 0x02}, 7}, /* the last above the largest */
        {{0x01, 0x02, 0x01, 0x01, 0x05, 0x00, 0x02}, 7}, /* below the smallest */
        {{0x01, 0x02, 0x00, 0x01, 0x00, 0x7f, 0x02}, 7}, /* a sum that no values have */
        {{0x01, 0x02, 0x00, 0x01, 0x00, 0x7e, 0x02}, 7},
    };
    struct column_summary summary;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(column_peek(bad[i].bytes, bad[i].size, 2, &summary), -EUCLEAN);
        decode_copy(bad[i].bytes, bad[i].size, 2, true);
    }
}

static void any_bytes_are_safe(void **state)
{
    (void)state;
    uint64_t random = 11;
    for (size_t round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        size_t size = random_below(&random, sizeof(bytes) + 1);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(random_next(&random) >> random_below(&random, 32));
        decode_copy(bytes, size, random_below(&random, 100), false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_values_come_back),
        cmocka_unit_test(the_ends_come_back),
        cmocka_unit_test(the_summary_is_exact_or_stops),
        cmocka_unit_test(none_and_too_many_are_refused),
        cmocka_unit_test(full_buffer_is_said),
        cmocka_unit_test(idle_and_regular_columns_are_short),
        cmocka_unit_test(these_are_the_bytes),
        cmocka_unit_test(cut_short_it_is_damaged),
        cmocka_unit_test(another_count_is_damage),
        cmocka_unit_test(impossible_heads_are_damage),
        cmocka_unit_test(heads_alone_are_checked),
        cmocka_unit_test(any_bytes_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
