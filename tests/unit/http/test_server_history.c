/* SPDX-License-Identifier: MIT */
/* Questions about the past over the real server, and those that cannot be answered. */
#include "fake_head.h"
#include "raw_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct fake_head head;
static struct raw_answer answer;

static int ask(const char *path)
{
    char request[1024];
    int fd = raw_connect_unix(head.path);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    assert_true(raw_send(fd, request));
    raw_read(fd, &answer);
    close(fd);
    return answer.status;
}

static int set_up(void **state)
{
    (void)state;
    fake_head_start(&head, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_head_stop(&head);
    return 0;
}

static void test_top(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        enum top_by by;
    } ways[] = {{"", TOP_PEAK_RSS},
                {"?metric=rss&order=average", TOP_MEAN_RSS},
                {"?metric=pss_bytes&order=peak&from=-1d&limit=5", TOP_PEAK_PSS},
                {"?metric=pss&order=average&from=-2d&to=-1d", TOP_MEAN_PSS}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "/api/v1/top%s", ways[i].query);
        assert_int_equal(ask(path), 200);
        json_t *list = raw_json(&answer), *items = json_object_get(list, "items");
        json_t *first = json_array_get(items, 0);
        assert_int_equal(json_array_size(items), 2);
        assert_true(json_is_null(json_object_get(list, "next_cursor")));
        assert_string_equal(json_string_value(json_object_get(first, "id")), "9-5");
        assert_string_equal(json_string_value(json_object_get(first, "comm")), "\"gone\"");
        assert_string_equal(json_string_value(json_object_get(first, "first_seen")),
                            "1970-01-01T00:00:01.000Z");
        assert_int_equal(json_integer_value(json_object_get(first, "average_bytes")), ways[i].by);
        assert_true(json_is_true(json_object_get(first, "ended")));
        json_decref(list);
    }
}

/* Each says what is allowed. */
static void test_impossible_questions(void **state)
{
    (void)state;
    static const char series[] = "/api/v1/series?target=host&metric=mem.total&";
    static const char top[] = "/api/v1/top?";
    static const struct {
        const char *base, *query, *says;
    } cases[] = {
        {series, "from=-1h&to=-2h", "from must be before to"},
        {series, "from=5&to=5", "from must be before to"},
        {series, "to=0", "from must be before to"},
        {series, "from=2100-01-01T00:00:00Z&to=2101-01-01T00:00:00Z", "future"},
        {series, "from=0&to=18446744073708", "too far in the future"},
        {series, "from=NaN", "must be a time: 2026"},
        {series, "from=-5", "must be a time"},
        {series, "to=-99999999999999999999d", "must be a time"},
        {series, "to=-999999999d", "must be a time"},
        {series, "from=18446744073709551616", "must be a time"},
        {series, "from=", "must be a time"},
        {series, "points=0", "1 to 2000"},
        {series, "points=2001", "1 to 2000"},
        {series, "points=-1", "1 to 2000"},
        {series, "points=1e3", "1 to 2000"},
        {series, "points=99999999999999999999", "1 to 2000"},
        {series, "agg=median", "avg, min, max, last or range"},
        {series, "target=host", "given twice"},
        {series, "limit=5", "not known here"},
        {"/api/v1/series?target=host&metric=", "rrs", "rrs is not a metric; there are rss, "},
        {"/api/v1/series?target=host&metric=", "rrs", ", swap.out"},
        {"/api/v1/series?target=host&metric=", "%1b%5b31m", "is not a metric"},
        {"/api/v1/series?target=host&metric=", "limit", "has no history"},
        {"/api/v1/series?target=host&metric=", "rss,rss,rss,rss,rss,rss,rss,rss,rss", "1 to 8"},
        {"/api/v1/series?metric=rss&target=", "host,host,host,host,host,host,host,host,host",
         "1 to 8"},
        {"/api/v1/series?metric=rss&target=", "pid:x", "PID-START, unit:NAME or group:NAME"},
        {"/api/v1/series?metric=rss&target=", "", "1 to 8"},
        {top, "from=-1h&to=-2h", "from must be before to"},
        {top, "from=2100-01-01T00:00:00Z&to=2101-01-01T00:00:00Z", "future"},
        {top, "from=NaN", "must be a time"},
        {top, "metric=cpu", "rss or pss, not cpu"},
        {top, "order=median", "peak or average, not median"},
        {top, "limit=0", "1 to 1000"},
        {top, "limit=1001", "1 to 1000"},
        {top, "limit=-1", "1 to 1000"},
        {top, "points=5", "not known here"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s%s", cases[i].base, cases[i].query);
        if (ask(path) != 422)
            fail_msg("%s: %d", path, answer.status);
        assert_string_equal(raw_header(&answer, "Content-Type"), "application/problem+json");
        json_t *problem = raw_json(&answer);
        const char *detail = json_string_value(json_object_get(problem, "detail"));
        if (!detail || !strstr(detail, cases[i].says))
            fail_msg("%s: %s", path, detail);
        json_decref(problem);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_top, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_impossible_questions, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
