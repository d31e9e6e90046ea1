/* SPDX-License-Identifier: MIT */
#include "http/api.h"
#include "http/route.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_finds(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        void (*handle)(struct request *, struct reply *); /* NULL: no route */
        bool known;
        const char *parameter, *allow;
    } cases[] = {
        {"GET", "/", assets_index, true, "", "GET, HEAD"},
        {"HEAD", "/livez", api_livez, true, "", "GET, HEAD"},
        {"GET", "/assets/app.js", assets_get, true, "app.js", "GET, HEAD"},
        {"GET", "/api/v1/processes/4711-88213", api_processes_get, true, "4711-88213", "GET, HEAD"},
        {"GET", "/api/v1/rules/x", api_rules_get, true, "x", "GET, HEAD, PUT, DELETE"},
        {"POST", "/api/v1/rules/x/arm", api_rules_arm, true, "x", "POST"},
        {"POST", "/api/v1/rules/check", api_rules_check, true, "", "POST"},
        {"GET", "/api/v1/rules/check", NULL, true, "", "POST"},
        {"POST", "/api/v1/rules/x", NULL, true, "x", "GET, HEAD, PUT, DELETE"},
        {"get", "/livez", NULL, true, "", "GET, HEAD"},
        {"POST", "/api/v1/events", api_events_post, true, "", "GET, HEAD, POST"},
        {"GET", "/api/v1/events/7/window", api_events_window, true, "7", "GET, HEAD"},
        {"GET", "/api/v1/events/7", NULL, false, "", ""},
        {"GET", "", NULL, false, "", ""},
        {"GET", "//", NULL, false, "", ""},
        {"GET", "*", NULL, false, "", ""},
        {"GET", "/livez/", NULL, false, "", ""},
        {"GET", "/assets/", NULL, false, "", ""},
        {"GET", "/assets/a/b", NULL, false, "", ""},
        {"GET", "/api/v1/rules//arm", NULL, false, "", ""},
        {"GET", "/api/v1/rules/x/y", NULL, false, "", ""},
        {"GET", "/API/v1/status", NULL, false, "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct route_match match;
        route_find(cases[i].method, cases[i].path, &match);
        if ((match.route ? match.route->handle : NULL) != cases[i].handle ||
            match.path_known != cases[i].known ||
            strcmp(match.parameter, cases[i].parameter) != 0 ||
            strcmp(match.allow, cases[i].allow) != 0)
            fail_msg("%s %s: %s (%s)", cases[i].method, cases[i].path, match.parameter,
                     match.allow);
    }
}

static void test_long_segments(void **state)
{
    (void)state;
    char path[HTTP_PARAMETER + 64] = "/api/v1/rules/";
    size_t length = strlen(path);
    struct route_match match;
    memset(path + length, 'a', HTTP_PARAMETER - 1);
    route_find("GET", path, &match);
    assert_true(match.path_known);
    path[length + HTTP_PARAMETER - 1] = 'a';
    route_find("GET", path, &match);
    assert_false(match.path_known);
}

/* "/api/v1/rules/{name}" -> "/api/v1/rules/{}" */
static void plain_pattern(const char *path, char *ret_pattern, size_t size)
{
    size_t length = 0;
    for (; *path && length + 2 < size; path++) {
        ret_pattern[length++] = *path;
        if (*path == '{')
            path += strcspn(path, "}") - 1;
    }
    ret_pattern[length] = '\0';
}

static bool described(const json_t *paths, const struct route *route)
{
    static const char *const methods[] = {"get", "post", "put", "delete"};
    const char *path;
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)paths, path, item)
    {
        char pattern[128];
        plain_pattern(path, pattern, sizeof(pattern));
        if (strcmp(pattern, route->pattern) == 0 && json_object_get(item, methods[route->method]))
            return true;
    }
    return false;
}

static void test_openapi_describes_what_exists(void **state)
{
    (void)state;
    json_error_t error;
    json_t *document =
        json_load_file(SOURCE_DIR "/daemon/http/openapi.json", JSON_REJECT_DUPLICATES, &error);
    if (!document)
        fail_msg("%d: %s", error.line, error.text);
    json_t *paths = json_object_get(document, "paths"), *item, *operation;
    const char *path, *method;
    size_t routes = 0, operations = 0;
    for (const struct route *route = route_table(); route->pattern; route++, routes++)
        if (!described(paths, route))
            fail_msg("openapi.json lacks %s", route->pattern);
    json_object_foreach(paths, path, item)
    {
        json_object_foreach(item, method, operation)
        {
            operations += strcmp(method, "parameters") != 0;
        }
    }
    assert_int_equal(operations, routes);
    json_decref(document);
}

static void test_commands_have_answers(void **state)
{
    (void)state;
    for (const struct route *route = route_table(); route->pattern; route++) {
        assert_non_null(route->handle);
        assert_true(route->method != METHOD_GET || route->body == BODY_NONE);
        assert_true(route->rights != RIGHTS_OPEN || route->method == METHOD_GET);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds),
        cmocka_unit_test(test_long_segments),
        cmocka_unit_test(test_openapi_describes_what_exists),
        cmocka_unit_test(test_commands_have_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
