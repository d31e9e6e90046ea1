/* SPDX-License-Identifier: MIT */
#include "storage/varint.h"

#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    uint64_t value;
    const char *bytes;
    size_t size;
} examples[] = {
    {0, "\x00", 1},
    {1, "\x01", 1},
    {127, "\x7f", 1},
    {128, "\x80\x01", 2},
    {300, "\xac\x02", 2},
    {16383, "\xff\x7f", 2},
    {16384, "\x80\x80\x01", 3},
    {UINT64_C(1) << 63, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10},
    {UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
};

static void these_are_the_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        uint8_t bytes[VARINT_SIZE_LIMIT];
        assert_int_equal(varint_put(examples[i].value, bytes), examples[i].size);
        assert_memory_equal(bytes, examples[i].bytes, examples[i].size);
    }
}

static void small_numbers_of_either_sign_are_short(void **state)
{
    (void)state;
    assert_int_equal(varint_fold(0), 0);
    assert_int_equal(varint_fold(-1), 1);
    assert_int_equal(varint_fold(1), 2);
    assert_int_equal(varint_fold(-64), 127);
    assert_true(varint_fold(INT64_MAX) == UINT64_MAX - 1);
    assert_true(varint_fold(INT64_MIN) == UINT64_MAX);
}

static void any_number_comes_back(void **state)
{
    (void)state;
    uint64_t random = 7;
    char storage[4096];
    for (size_t round = 0; round < 1000; round++) {
        uint64_t values[64];
        struct buffer buffer;
        buffer_init_over(&buffer, storage, sizeof(storage));
        for (size_t i = 0; i < 64; i++) {
            values[i] = random_next(&random) >> i;
            assert_int_equal(varint_append(&buffer, values[i]), 0);
            assert_int_equal(varint_append_signed(&buffer, (int64_t)values[i]), 0);
        }
        struct varint_reader reader = {.data = (uint8_t *)storage, .size = buffer.size};
        for (size_t i = 0; i < 64; i++) {
            uint64_t value;
            int64_t number;
            assert_int_equal(varint_read(&reader, &value), 0);
            assert_true(value == values[i]);
            assert_int_equal(varint_read_signed(&reader, &number), 0);
            assert_true(number == (int64_t)values[i]);
        }
        assert_int_equal(reader.size, 0);
    }
}

static void a_full_buffer_stays_as_it_was(void **state)
{
    (void)state;
    char storage[2] = {0};
    struct buffer buffer;
    buffer_init_over(&buffer, storage, sizeof(storage));
    assert_int_equal(varint_append(&buffer, 16384), -ENOBUFS);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(varint_append(&buffer, 16383), 0);
    assert_int_equal(buffer.size, 2);
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"", 0},
        {"\x80", 1},
        {"\xff\xff\xff", 3},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct varint_reader reader = {.data = (const uint8_t *)bad[i].bytes, .size = bad[i].size};
        uint64_t value = 42;
        assert_int_equal(varint_read(&reader, &value), -EUCLEAN);
        assert_int_equal(value, 42);
        assert_int_equal(reader.size, bad[i].size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(these_are_the_bytes),
        cmocka_unit_test(small_numbers_of_either_sign_are_short),
        cmocka_unit_test(any_number_comes_back),
        cmocka_unit_test(a_full_buffer_stays_as_it_was),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
