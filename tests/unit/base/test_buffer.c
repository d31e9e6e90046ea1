/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_grows_up_to_its_limit(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(buffer_append_text(&buffer, "0123456789"), 0);
    assert_int_equal(buffer.size, 1000);
    assert_int_equal(buffer_append(&buffer, "x", 1), -ENOBUFS);
    assert_int_equal(buffer.size, 1000);
    assert_memory_equal(buffer.data + 990, "0123456789", 10);
    buffer_finish(&buffer);
    assert_null(buffer.data);
}

static void test_over_borrowed_storage_never_allocates(void **state)
{
    (void)state;
    char storage[8];
    struct buffer buffer;
    buffer_init_over(&buffer, storage, sizeof(storage));
    assert_int_equal(buffer_append(&buffer, "12345678", 8), 0);
    assert_ptr_equal(buffer.data, storage);
    assert_int_equal(buffer_append(&buffer, "9", 1), -ENOBUFS);
    assert_int_equal(buffer_append(&buffer, "", 0), 0);
    buffer_finish(&buffer);
    assert_memory_equal(storage, "12345678", 8);
}

static void test_consume_drops_from_the_front(void **state)
{
    (void)state;
    char storage[16];
    struct buffer buffer;
    buffer_init_over(&buffer, storage, sizeof(storage));
    buffer_append_text(&buffer, "line\nrest");
    buffer_consume(&buffer, 5);
    assert_int_equal(buffer.size, 4);
    assert_memory_equal(buffer.data, "rest", 4);
    buffer_consume(&buffer, 4);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(buffer_append_text(&buffer, "0123456789012345"), 0);
}

static void test_printf_short_and_long(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 4096);
    assert_int_equal(buffer_printf(&buffer, "%d-%s", 7, "x"), 0);
    char text[600];
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(buffer_printf(&buffer, "%s!", text), 0);
    assert_int_equal(buffer.size, 3 + 599 + 1);
    assert_memory_equal(buffer.data, "7-xyyy", 6);
    assert_int_equal(buffer.data[buffer.size - 1], '!');
    buffer_finish(&buffer);
}

static void test_printf_that_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    char storage[8];
    struct buffer buffer;
    buffer_init_over(&buffer, storage, sizeof(storage));
    assert_int_equal(buffer_printf(&buffer, "%s", "123456789"), -ENOBUFS);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(buffer_printf(&buffer, "%s", "12345678"), 0);
    assert_int_equal(buffer.size, 8);
}

static void test_reserve_and_grown(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 64);
    assert_int_equal(buffer_reserve(&buffer, 65), -ENOBUFS);
    assert_int_equal(buffer_reserve(&buffer, 64), 0);
    memcpy(buffer.data, "abc", 3);
    buffer_grown(&buffer, 3);
    assert_int_equal(buffer.size, 3);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), -ENOBUFS);
    buffer_finish(&buffer);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_up_to_its_limit),
        cmocka_unit_test(test_over_borrowed_storage_never_allocates),
        cmocka_unit_test(test_consume_drops_from_the_front),
        cmocka_unit_test(test_printf_short_and_long),
        cmocka_unit_test(test_printf_that_does_not_fit_changes_nothing),
        cmocka_unit_test(test_reserve_and_grown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
