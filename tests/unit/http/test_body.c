/* SPDX-License-Identifier: MIT */
#include "http/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t depth;
    } cases[] = {
        {"", 0},        {"1", 0},         {"{}", 1},           {"[{}]", 2},
        {"[[],[]]", 2}, {"\"[[[\"", 0},   {"[\"\\\"[[\"]", 1}, {"[\"\\\\\",[]]", 2},
        {"]]][[", 2},   {"{\"a\":[{", 3}, {"\"[", 0},          {"\\\"[", 0},
        {"\"\\", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (body_depth(cases[i].text, strlen(cases[i].text)) != cases[i].depth)
            fail_msg("%s", cases[i].text);
}

static json_t *parse(const char *text, enum body body, struct reply *reply)
{
    static const char *const keys[] = {"a", "b", NULL};
    struct route route = {.body = body};
    struct request request = {.route = &route};
    buffer_init(&request.body, HTTP_BODY_BYTES);
    assert_int_equal(buffer_append_text(&request.body, text), 0);
    reply_init(reply);
    json_t *object = body_object(&request, keys, reply);
    buffer_finish(&request.body);
    return object;
}

static void test_objects(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum body body;
        unsigned status;
    } cases[] = {
        {"{}", BODY_JSON, 0},           {" {\"a\":1,\"b\":[]} ", BODY_JSON, 0},
        {"", BODY_OPTIONAL, 0},         {"", BODY_JSON, 400},
        {" ", BODY_OPTIONAL, 400},      {"{\"a\":1,\"a\":2}", BODY_JSON, 400},
        {"{\"a\":1,}", BODY_JSON, 400}, {"{\"a\":\"\xc0\xaf\"}", BODY_JSON, 400},
        {"{} {}", BODY_JSON, 400},      {"null", BODY_JSON, 422},
        {"[]", BODY_JSON, 422},         {"{\"c\":1}", BODY_JSON, 422},
        {"{\"A\":1}", BODY_JSON, 422},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reply reply;
        json_t *object = parse(cases[i].text, cases[i].body, &reply);
        if (reply.status != cases[i].status || !object != (cases[i].status != 0))
            fail_msg("%s: %u", cases[i].text, reply.status);
        json_decref(object);
        reply_finish(&reply);
    }
}

static void test_depth_limit(void **state)
{
    (void)state;
    char text[128] = "{\"a\":";
    size_t length = strlen(text);
    for (size_t extra = 31; extra <= 32; extra++) {
        struct reply reply;
        memset(text + length, '[', extra);
        memset(text + length + extra, ']', extra);
        text[length + 2 * extra] = '}';
        text[length + 2 * extra + 1] = '\0';
        json_t *object = parse(text, BODY_JSON, &reply);
        assert_int_equal(reply.status, extra == 31 ? 0 : 400);
        json_decref(object);
        reply_finish(&reply);
    }
}

static void test_fields(void **state)
{
    (void)state;
    struct reply reply;
    json_t *object = parse("{\"a\":\"x\",\"b\":true}", BODY_JSON, &reply);
    const char *text = "otherwise";
    bool value;
    assert_true(body_text(object, "none", false, &reply, &text));
    assert_string_equal(text, "otherwise");
    assert_true(body_text(object, "a", true, &reply, &text));
    assert_string_equal(text, "x");
    assert_true(body_bool(object, "b", false, &reply, &value));
    assert_true(value);
    assert_true(body_bool(object, "none", true, &reply, &value));
    assert_true(value);
    assert_false(body_text(object, "b", false, &reply, &text));
    assert_int_equal(reply.status, 422);
    assert_false(body_text(object, "none", true, &reply, &text));
    assert_false(body_bool(object, "a", false, &reply, &value));
    json_decref(object);
    reply_finish(&reply);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_depth_limit),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
