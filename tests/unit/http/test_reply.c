/* SPDX-License-Identifier: MIT */
#include "http/request.h"
#include "http/sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *body_of(struct reply *reply)
{
    assert_int_equal(buffer_append(&reply->body, "", 1), 0);
    return reply->body.data;
}

static void test_problem(void **state)
{
    (void)state;
    struct reply reply;
    reply_init(&reply);
    reply_problem(&reply, 404, "not_found", "no %s", "such <b>\x1b[0m \xff thing");
    assert_int_equal(reply.status, 404);
    assert_string_equal(reply.content_type, "application/problem+json");
    assert_string_equal(body_of(&reply),
                        "{\"type\":\"urn:memtend:problem:not_found\",\"title\":\"Not Found\","
                        "\"status\":404,\"detail\":\"no such <b>\xef\xbf\xbd[0m \xef\xbf\xbd "
                        "thing\"}");
    reply_finish(&reply);
}

static void test_problem_with_places(void **state)
{
    (void)state;
    struct error errors[2] = {{.line = 2, .column = 7, .text = "unknown metric"},
                              {.line = 3, .text = "a step is missing"}};
    struct reply reply;
    reply_init(&reply);
    reply_problem_at(&reply, 422, "bad_rule", errors, 2);
    assert_string_equal(body_of(&reply),
                        "{\"type\":\"urn:memtend:problem:bad_rule\","
                        "\"title\":\"Unprocessable Content\",\"status\":422,"
                        "\"detail\":\"unknown metric\",\"errors\":[{\"line\":2,\"column\":7,"
                        "\"message\":\"unknown metric\"},{\"line\":3,\"message\":\"a step is "
                        "missing\"}]}");
    reply_finish(&reply);
}

static void test_no_memory_is_json(void **state)
{
    (void)state;
    struct reply reply;
    reply_init(&reply);
    assert_int_equal(buffer_append_text(&reply.body, "half an answer"), 0);
    reply_no_memory(&reply);
    assert_int_equal(reply.status, 503);
    json_t *problem = json_loadb(reply.body.data, reply.body.size, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), 503);
    json_decref(problem);
    reply_finish(&reply);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        enum command_result result;
        unsigned status;
        const char *slug;
    } cases[] = {
        {COMMAND_NOT_FOUND, 404, "not_found"}, {COMMAND_NO_AGENT, 409, "no_agent"},
        {COMMAND_CONFLICT, 409, "conflict"},   {COMMAND_FORBIDDEN, 403, "forbidden"},
        {COMMAND_INVALID, 422, "invalid"},     {COMMAND_UNAVAILABLE, 503, "unavailable"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct command command = {.result = cases[i].result};
        struct reply reply;
        char type[64];
        reply_init(&reply);
        reply_refusal(&reply, &command);
        assert_int_equal(reply.status, cases[i].status);
        snprintf(type, sizeof(type), "urn:memtend:problem:%s\"", cases[i].slug);
        assert_non_null(strstr(body_of(&reply), type));
        reply_finish(&reply);
    }
}

static void test_no_agent_says_the_way_out(void **state)
{
    (void)state;
    struct command command = {0};
    struct reply reply;
    for (int i = 0; i < 3; i++) {
        command_refuse(&command, COMMAND_NO_AGENT, "%s", i == 0 ? "" : "process 7 has none");
        if (i == 2)
            memset(command.error.text, 'x', sizeof(command.error.text) - 1);
        reply_init(&reply);
        reply_refusal(&reply, &command);
        assert_non_null(strstr(body_of(&reply), "memtend run -- CMD"));
        reply_finish(&reply);
    }
}

static void test_numbers_and_absence(void **state)
{
    (void)state;
    struct sheet sheet;
    struct reply reply;
    sheet_init(&sheet);
    sheet_real(&sheet, "tenth", 0.1);
    sheet_real(&sheet, "whole", 5);
    sheet_seconds(&sheet, "seconds", 1234567);
    sheet_integer(&sheet, "large", INT64_MAX);
    sheet_integer(&sheet, "negative", -5);
    sheet_time(&sheet, "time", UINT64_C(1795344078123000));
    sheet_time(&sheet, "never", 0);
    sheet_text(&sheet, "none", "");
    sheet_text(&sheet, "lines", "a\n\tb");
    sheet_text(&sheet, "broken", "a\xff\xfe");
    reply_init(&reply);
    reply_json(&reply, 200, sheet_take(&sheet));
    assert_string_equal(body_of(&reply),
                        "{\"tenth\":0.1,\"whole\":5.0,\"seconds\":1.234567,"
                        "\"large\":9223372036854775807,\"negative\":-5,"
                        "\"time\":\"2026-11-22T10:41:18.123Z\",\"never\":null,\"none\":null,"
                        "\"lines\":\"a\\n\\tb\",\"broken\":\"a\xef\xbf\xbd\xef\xbf\xbd\"}");
    reply_finish(&reply);
}

static void test_sheet_fails_whole(void **state)
{
    (void)state;
    struct sheet sheet;
    sheet_init(&sheet);
    sheet_integer(&sheet, "good", 1);
    sheet_value(&sheet, "lost", NULL);
    assert_null(sheet_take(&sheet));
    struct reply reply;
    reply_init(&reply);
    reply_json(&reply, 200, NULL);
    assert_int_equal(reply.status, 503);
    reply_finish(&reply);
}

static void test_lists(void **state)
{
    (void)state;
    struct list list;
    struct reply reply;
    reply_init(&reply);
    list_begin(&list, &reply);
    list_end(&list, "");
    assert_string_equal(body_of(&reply), "{\"items\":[],\"next_cursor\":null}");
    reply_finish(&reply);
    reply_init(&reply);
    list_begin(&list, &reply);
    list_item(&list, json_integer(1));
    list_item(&list, sheet_string("a\"b"));
    list_end(&list, "c-7");
    assert_string_equal(body_of(&reply), "{\"items\":[1,\"a\\\"b\"],\"next_cursor\":\"c-7\"}");
    reply_finish(&reply);
    reply_init(&reply);
    list_begin(&list, &reply);
    list_item(&list, NULL);
    list_end(&list, "");
    assert_int_equal(reply.status, 503);
    reply_finish(&reply);
}

static void test_tags(void **state)
{
    (void)state;
    assert_true(etag_matches("\"a-1\"", "\"a-1\""));
    assert_true(etag_matches("\"x\", W/\"a-1\"", "\"a-1\""));
    assert_true(etag_matches("*", "\"a-1\""));
    assert_false(etag_matches("\"a-11\"", "\"a-1\""));
    assert_false(etag_matches("", "\"a-1\""));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problem),
        cmocka_unit_test(test_problem_with_places),
        cmocka_unit_test(test_no_memory_is_json),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_agent_says_the_way_out),
        cmocka_unit_test(test_numbers_and_absence),
        cmocka_unit_test(test_sheet_fails_whole),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
