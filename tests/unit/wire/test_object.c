/* SPDX-License-Identifier: MIT */
#include "wire/object.h"

#include "wire/limits.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct object_node nodes[CONTROL_TOKENS_MAX];

static int read_text(const char *text)
{
    return object_read(text, strlen(text), CONTROL_DEPTH_MAX, nodes, CONTROL_TOKENS_MAX);
}

static void takes_sound_text(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        " \t{ } \r\n",
        "{\"a\":1}",
        "{\"a\":-0.5e+10,\"b\":[],\"c\":{}}",
        "{\"a\":[1,2,3],\"b\":[\"x\",null,true,false]}",
        "{\"a\":[{\"b\":1}]}",
        "{\"a\":\"\\u00e9\\ud83d\\ude00\\n\\\"\\\\\\/\"}",
        "{\"a\" : 1 , \"b\" : 2}",
        "{\"\":0}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (read_text(texts[i]) < 1)
            fail_msg("refused: %s", texts[i]);
}

static void refuses_all_else(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "1",
        "\"a\"",
        "[]",
        "null",
        "{",
        "}",
        "{}}",
        "{}{}",
        "{} x",
        "x {}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\":1,,\"b\":2}",
        "{\"a\":1 \"b\":2}",
        "{\"a\",1}",
        "{\"a\"::1}",
        "{\"a\":1:2}",
        "{\"a\":1;\"b\":2}",
        "{a:1}",
        "{1:1}",
        "{'a':1}",
        "{\"a\":[1 2]}",
        "{\"a\":[1,]}",
        "{\"a\":[,1]}",
        "{\"a\":[1:2]}",
        "{\"a\":[\"b\":1]}",
        "{\"a\":[1}",
        "{\"a\":[1]]}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":-}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":0x10}",
        "{\"a\":NaN}",
        "{\"a\":tru}",
        "{\"a\":truest}",
        "{\"a\":nul}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"tab\there\"}",
        "{\"a\":\"line\nbreak\"}",
        "{\"a\":\"open}",
        "{\"a\":1,\"a\":2}",
        "{\"x\":{\"a\":1,\"b\":2,\"a\":3}}",
        "{\"\\u0061\":1}",
        "{\"a\":[[[]]]}",
        "{\"a\":{\"b\":{\"c\":{}}}}",
        "{\"a\":1}//",
        "{/**/\"a\":1}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (read_text(texts[i]) != -EBADMSG)
            fail_msg("taken: %s", texts[i]);
}

static void refuses_every_cut_of_a_sound_line(void **state)
{
    (void)state;
    static const char text[] = "{\"t\":\"x\",\"a\":[1,-2.5e3],\"b\":{\"c\":\"\\ud83d\\ude00\"}}";
    assert_true(read_text(text) > 0);
    for (size_t length = 0; length < sizeof(text) - 1; length++)
        assert_int_equal(object_read(text, length, 3, nodes, CONTROL_TOKENS_MAX), -EBADMSG);
}

static void looks_behind_a_nul_byte(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":1}\0{\"a\":2}";
    assert_int_equal(object_read(text, sizeof(text) - 1, 3, nodes, CONTROL_TOKENS_MAX), -EBADMSG);
    static const char inside[] = "{\"a\":\"x\0y\"}";
    assert_int_equal(object_read(inside, sizeof(inside) - 1, 3, nodes, CONTROL_TOKENS_MAX),
                     -EBADMSG);
}

static void refuses_more_nodes_than_there_is_room_for(void **state)
{
    (void)state;
    assert_int_equal(object_read("{\"a\":1}", 7, 3, nodes, 2), -EBADMSG);
    assert_int_equal(object_read("{\"a\":1}", 7, 3, nodes, 3), 3);
    static char bomb[CONTROL_LINE_MAX_BYTES];
    memset(bomb, '[', sizeof(bomb));
    memcpy(bomb, "{\"a\":", 5);
    assert_int_equal(object_read(bomb, sizeof(bomb), 3, nodes, CONTROL_TOKENS_MAX), -EBADMSG);
}

static void reads_numbers_exactly(void **state)
{
    (void)state;
    static const char *const bad[] = {"{\"a\":-1}", "{\"a\":1.0}", "{\"a\":1e3}", "{\"a\":\"1\"}",
                                      "{\"a\":null}"};
    uint64_t value = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(read_text(bad[i]) > 0);
        assert_int_equal(object_u64(bad[i], &nodes[2], INT64_MAX, &value), -EINVAL);
    }
    const char *large = "{\"a\":9223372036854775808}", *huge = "{\"a\":99999999999999999999999}";
    assert_true(read_text(large) > 0);
    assert_int_equal(object_u64(large, &nodes[2], INT64_MAX, &value), -ERANGE);
    assert_true(read_text(huge) > 0);
    assert_int_equal(object_u64(huge, &nodes[2], INT64_MAX, &value), -ERANGE);
    assert_int_equal(value, 7);
    const char *most = "{\"a\":9223372036854775807}";
    assert_true(read_text(most) > 0);
    assert_int_equal(object_u64(most, &nodes[2], INT64_MAX, &value), 0);
    assert_true(value == INT64_MAX);
}

static void unescapes_and_cleans_text(void **state)
{
    (void)state;
    const char *line = "{\"a\":\"\\u00e9\\ud83d\\ude00\\\"\\u001b[31m\\u202e\xFF\"}";
    char text[64];
    assert_true(read_text(line) > 0);
    assert_int_equal(object_text(line, &nodes[2], text, sizeof(text)), 0);
    assert_string_equal(text, "\xC3\xA9\xF0\x9F\x98\x80\"\xEF\xBF\xBD[31m\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void never_cuts_text(void **state)
{
    (void)state;
    const char *line = "{\"a\":\"abc\"}";
    char text[4] = "zzz";
    assert_true(read_text(line) > 0);
    assert_int_equal(object_text(line, &nodes[2], text, 3), -ENOBUFS);
    assert_string_equal(text, "zzz");
    assert_int_equal(object_text(line, &nodes[2], text, 4), 0);
    assert_string_equal(text, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_sound_text),
        cmocka_unit_test(refuses_all_else),
        cmocka_unit_test(refuses_every_cut_of_a_sound_line),
        cmocka_unit_test(looks_behind_a_nul_byte),
        cmocka_unit_test(refuses_more_nodes_than_there_is_room_for),
        cmocka_unit_test(reads_numbers_exactly),
        cmocka_unit_test(unescapes_and_cleans_text),
        cmocka_unit_test(never_cuts_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
