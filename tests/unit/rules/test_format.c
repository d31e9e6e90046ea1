/* SPDX-License-Identifier: MIT */
/* How errors are shown; the usual ones are in tests/rules. */
#include "rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char out[RULES_FORMAT_SIZE];

static const char *format(const char *source, int line, int column)
{
    struct error error = {.line = line, .column = column, .text = "wrong"};
    size_t length = rules_format_error(source, strlen(source), &error, "f", out, sizeof(out));
    assert_int_equal(length, strlen(out));
    return out;
}

static void without_a_place(void **state)
{
    (void)state;
    assert_string_equal(format("abc", 0, 0), "f: error: wrong\n");
    assert_string_equal(format("abc", 7, 1), "f: error: wrong\n");
}

static void with_a_place(void **state)
{
    (void)state;
    assert_string_equal(format("abc def", 1, 5), "f:1:5: error: wrong\nabc def\n    ^~~\n");
    assert_string_equal(format("x\nabc def\ny", 2, 1), "f:2:1: error: wrong\nabc def\n^~~\n");
    assert_string_equal(format("a \"b c\" d", 1, 3), "f:1:3: error: wrong\na \"b c\" d\n  ^~~~~\n");
    assert_string_equal(format("a >= b", 1, 3), "f:1:3: error: wrong\na >= b\n  ^\n");
}

static void at_and_behind_the_end(void **state)
{
    (void)state;
    assert_string_equal(format("abc", 1, 4), "f:1:4: error: wrong\nabc\n   ^\n");
    assert_string_equal(format("abc\nx", 1, 99), "f:1:99: error: wrong\nabc\n   ^\n");
    assert_string_equal(format("", 1, 1), "f:1:1: error: wrong\n\n^\n");
    assert_string_equal(format("a\n", 2, 1), "f:2:1: error: wrong\n\n^\n");
}

static void hostile_bytes_are_replaced(void **state)
{
    (void)state;
    assert_string_equal(format("a\x1b[2J b", 1, 7),
                        "f:1:7: error: wrong\na\xEF\xBF\xBD[2J b\n      ^\n");
    assert_string_equal(format("\xff\xfe b", 1, 4),
                        "f:1:4: error: wrong\n\xEF\xBF\xBD\xEF\xBF\xBD b\n   ^\n");
    /* A column inside of a character does not tear the line apart for a terminal. */
    const char *torn = format("\xe5\x86\x85 b", 1, 2);
    assert_true(strlen(torn) > 0);
}

static void a_long_line_is_cut_around_the_place(void **state)
{
    char source[1000];
    (void)state;
    memset(source, 'a', sizeof(source) - 1);
    source[sizeof(source) - 1] = '\0';
    memcpy(source + 500, " here ", 6);
    const char *shown = format(source, 1, 502);
    assert_non_null(strstr(shown, " here "));
    assert_true(strlen(shown) < 400);
    /* The caret stands under the word. */
    const char *line = strchr(shown, '\n') + 1, *mark = strchr(line, '\n') + 1;
    assert_memory_equal(line + strspn(mark, " "), "here", 4);
    memset(source, (char)0x80, sizeof(source) - 1);
    assert_true(strlen(format(source, 1, 700)) < RULES_FORMAT_SIZE - 1);
}

static void a_small_buffer_is_filled_and_ended(void **state)
{
    struct error error = {.line = 1, .column = 1, .text = "wrong"};
    char small[10];
    (void)state;
    for (size_t size = 1; size <= sizeof(small); size++) {
        memset(small, 'x', sizeof(small));
        assert_int_equal(rules_format_error("abc", 3, &error, "f", small, size), size - 1);
        assert_int_equal(strlen(small), size - 1);
    }
}

static void steps(void **state)
{
    char text[RULES_STEPS_SIZE];
    enum step_kind kinds[STEP_LIMIT] = {STEP_COLLECT, STEP_TRIM};
    (void)state;
    rules_format_steps(kinds, 2, text);
    assert_string_equal(text, "collect, trim");
    rules_format_steps(kinds, 0, text);
    assert_string_equal(text, "");
    rules_format_steps(kinds, STEP_LIMIT, text);
    assert_true(strlen(text) < RULES_STEPS_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_place),
        cmocka_unit_test(with_a_place),
        cmocka_unit_test(at_and_behind_the_end),
        cmocka_unit_test(hostile_bytes_are_replaced),
        cmocka_unit_test(a_long_line_is_cut_around_the_place),
        cmocka_unit_test(a_small_buffer_is_filled_and_ended),
        cmocka_unit_test(steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
