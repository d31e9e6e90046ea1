/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define REPLACED "\xEF\xBF\xBD"

static void test_parse_takes_only_whole_numbers(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_int_equal(text_parse_u64("0", &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(text_parse_u64("18446744073709551615", &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(text_parse_u64("18446744073709551616", &value), -ERANGE);
    static const char *const wrong[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "1k"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(text_parse_u64(wrong[i], &value), -EINVAL);
    assert_true(value == UINT64_MAX);
}

static void test_parse_signed(void **state)
{
    (void)state;
    int64_t value = 7;
    assert_int_equal(text_parse_i64("-5", &value), 0);
    assert_int_equal(value, -5);
    assert_int_equal(text_parse_i64("9223372036854775807", &value), 0);
    assert_true(value == INT64_MAX);
    assert_int_equal(text_parse_i64("9223372036854775808", &value), -ERANGE);
    assert_int_equal(text_parse_i64("--5", &value), -EINVAL);
    assert_int_equal(text_parse_i64("-", &value), -EINVAL);
}

static void test_scan_stops_at_the_span(void **state)
{
    (void)state;
    uint64_t value;
    size_t used;
    assert_int_equal(text_scan_u64("12345", 3, &value, &used), 0);
    assert_int_equal(value, 123);
    assert_int_equal(used, 3);
    assert_int_equal(text_scan_u64("12 kB", 5, &value, &used), 0);
    assert_int_equal(used, 2);
    assert_int_equal(text_scan_u64("12", 0, &value, &used), -EINVAL);
}

static void test_copy_cuts_whole_characters(void **state)
{
    (void)state;
    char text[6];
    assert_int_equal(text_copy(text, sizeof(text), "abc"), 3);
    assert_string_equal(text, "abc");
    /* "abcd" and a three-byte character: it does not fit, so none of it is there. */
    assert_int_equal(text_copy(text, sizeof(text), "abcd\xE2\x82\xAC"), 4);
    assert_string_equal(text, "abcd");
    assert_int_equal(text_copy(text, sizeof(text), "abcdefgh"), 5);
    assert_string_equal(text, "abcde");
}

struct clean_case {
    const char *source, *expected;
};

static void test_clean_replaces_what_is_hostile(void **state)
{
    (void)state;
    static const struct clean_case cases[] = {
        {"plain", "plain"},
        {"<img onerror=x>", "<img onerror=x>"},
        {"a\nb\tc\rd", "a" REPLACED "b" REPLACED "c" REPLACED "d"},
        {"\x1b[31mred", REPLACED "[31mred"},
        {"\x7f", REPLACED},
        {"\xC2\x80\xC2\x9B\xC2\xA0", REPLACED REPLACED "\xC2\xA0"}, /* C1, then NBSP */
        {"\xE2\x80\xAE"
         "gpj.exe",
         REPLACED "gpj.exe"},                            /* U+202E */
        {"\xE2\x81\xA6\xE2\x81\xA9", REPLACED REPLACED}, /* U+2066, U+2069 */
        {"\xE2\x80\xA8\xE2\x80\xA9", REPLACED REPLACED}, /* line separators */
        {"\xE2\x82\xAC", "\xE2\x82\xAC"},
        {"\xF0\x9F\x90\x8D", "\xF0\x9F\x90\x8D"},
        {"\xFF\xFE", REPLACED REPLACED},
        {"\xC0\xAF", REPLACED REPLACED},                           /* overlong '/' */
        {"\xE0\x80\xAF", REPLACED REPLACED REPLACED},              /* overlong '/' */
        {"\xED\xA0\x80", REPLACED REPLACED REPLACED},              /* surrogate */
        {"\xF4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED}, /* above U+10FFFF */
        {"\xE2\x82", REPLACED REPLACED},                           /* cut */
        {"\xE2\x82X", REPLACED REPLACED "X"},
        {"\x80\xBF", REPLACED REPLACED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64];
        size_t length = text_clean(text, sizeof(text), cases[i].source, strlen(cases[i].source));
        assert_string_equal(text, cases[i].expected);
        assert_int_equal(length, strlen(text));
        assert_true(text_is_clean(text));
        assert_int_equal(text_is_clean(cases[i].source),
                         strcmp(cases[i].source, cases[i].expected) == 0);
    }
}

static void test_clean_takes_nul_as_a_byte(void **state)
{
    (void)state;
    char text[16];
    assert_int_equal(text_clean(text, sizeof(text), "a\0b", 3), 5);
    assert_string_equal(text, "a" REPLACED "b");
}

static void test_clean_never_writes_past_its_room(void **state)
{
    (void)state;
    for (size_t size = 1; size < 12; size++) {
        char *text = malloc(size); /* exact, so that the sanitizers see one byte too far */
        assert_non_null(text);
        size_t length = text_clean(text, size, "a\xFF\xE2\x82\xAC\xFF", 6);
        assert_true(length < size);
        assert_int_equal(strlen(text), length);
        assert_true(text_is_clean(text));
        free(text);
    }
}

/* Whatever comes in, what goes out can be shown. */
static void test_clean_holds_for_random_bytes(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        char source[24], text[3 * sizeof(source) + 1];
        for (size_t i = 0; i < sizeof(source); i++) {
            seed = seed * 1103515245u + 12345u;
            source[i] = (char)(seed >> 16);
        }
        text_clean(text, sizeof(text), source, sizeof(source));
        assert_true(text_is_clean(text));
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_true(text_is_name("idle-after_burst.2", 32));
    static const char *const wrong[] = {"", ".x", "-x", "a b", "a/b", "a\n", "\xC3\xA9"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(text_is_name(wrong[i], 32));
    assert_true(text_is_name("abc", 3));
    assert_false(text_is_name("abcd", 3));
}

static void test_contains_and_prefix(void **state)
{
    (void)state;
    assert_true(text_contains_ignore_case("Gunicorn", "CORN"));
    assert_true(text_contains_ignore_case("x", ""));
    assert_false(text_contains_ignore_case("", "x"));
    assert_true(text_contains_ignore_case("aab", "ab"));
    assert_true(text_starts_with("unit:x", "unit:"));
    assert_false(text_starts_with("uni", "unit:"));
}

static void test_distance(void **state)
{
    (void)state;
    assert_int_equal(text_distance("collect", "collect", 3), 0);
    assert_int_equal(text_distance("colect", "collect", 3), 1);
    assert_int_equal(text_distance("kitten", "sitting", 3), 3);
    assert_int_equal(text_distance("", "abc", 5), 3);
    char long_text[100];
    memset(long_text, 'a', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    assert_true(text_distance(long_text, "a", 3) > 3);
}

static void test_format_bytes(void **state)
{
    (void)state;
    static const struct {
        int64_t bytes;
        const char *expected;
    } cases[] = {
        {0, "0 B"},
        {12, "12 B"},
        {-4096, "-4.0 KiB"},
        {1536, "1.5 KiB"},
        {222298112, "212 MiB"},
        {INT64_C(3) << 29, "1.5 GiB"},
        {INT64_MAX, "8.0 EiB"},
        {INT64_MIN, "-8.0 EiB"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[TEXT_BYTES_SIZE];
        text_format_bytes(cases[i].bytes, text);
        assert_string_equal(text, cases[i].expected);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_takes_only_whole_numbers),
        cmocka_unit_test(test_parse_signed),
        cmocka_unit_test(test_scan_stops_at_the_span),
        cmocka_unit_test(test_copy_cuts_whole_characters),
        cmocka_unit_test(test_clean_replaces_what_is_hostile),
        cmocka_unit_test(test_clean_takes_nul_as_a_byte),
        cmocka_unit_test(test_clean_never_writes_past_its_room),
        cmocka_unit_test(test_clean_holds_for_random_bytes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_contains_and_prefix),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_format_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
