/* SPDX-License-Identifier: MIT */
#include "http/order.h"
#include "http/query.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW (1000000 * USEC_PER_SEC)

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t usec; /* 0 = refused */
    } cases[] = {
        {"now", NOW},
        {"-0s", NOW},
        {"-30s", NOW - 30 * USEC_PER_SEC},
        {"-5m", NOW - 300 * USEC_PER_SEC},
        {"-1h", NOW - 3600 * USEC_PER_SEC},
        {"-2d", NOW - 172800 * USEC_PER_SEC},
        {"1000", 1000 * USEC_PER_SEC},
        {"1970-01-01T00:00:10Z", 10 * USEC_PER_SEC},
        {"", 0},
        {"-", 0},
        {"-1", 0},
        {"-1y", 0},
        {"--1h", 0},
        {"-1h ", 0},
        {"-99999d", 0},
        {"-99999999999999999999d", 0},
        {"-18446744073709551615d", 0},
        {"tomorrow", 0},
        {"1e3", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t usec = 0;
        int r = query_parse_time(cases[i].text, NOW, &usec);
        if ((r < 0) != (cases[i].usec == 0) || usec != cases[i].usec)
            fail_msg("%s", cases[i].text);
    }
}

static void test_durations(void **state)
{
    (void)state;
    uint64_t usec;
    assert_int_equal(query_parse_duration("10s", &usec), 0);
    assert_int_equal(usec, 10 * USEC_PER_SEC);
    assert_int_equal(query_parse_duration("500ms", &usec), 0);
    assert_int_equal(usec, 500 * USEC_PER_MSEC);
    assert_int_equal(query_parse_duration("7", &usec), 0);
    assert_int_equal(usec, 7 * USEC_PER_SEC);
    static const char *const bad[] = {"",
                                      "s",
                                      "-1",
                                      "1.5s",
                                      "10 s",
                                      "10m",
                                      "1h",
                                      "0x1",
                                      "10S",
                                      "99999999999999999999",
                                      "18446744073709551615s"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (query_parse_duration(bad[i], &usec) == 0)
            fail_msg("%s", bad[i]);
}

static void test_cursors(void **state)
{
    (void)state;
    assert_true(query_is_cursor("Az09_-", 48));
    assert_true(query_is_cursor("1234567", 8));
    assert_false(query_is_cursor("12345678", 8));
    assert_false(query_is_cursor("", 48));
    assert_false(query_is_cursor("a b", 48));
    assert_false(query_is_cursor("a'--", 48));
    assert_false(query_is_cursor("a\n", 48));
}

static struct request *request_with(const struct argument *arguments, size_t count)
{
    static struct request request;
    request = (struct request){.argument_count = count};
    for (size_t i = 0; i < count; i++)
        request.arguments[i] = arguments[i];
    return &request;
}

static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t limit; /* 0 = refused */
    } cases[] = {{"1", 1},    {"1000", 1000}, {"007", 7}, {"0", 0},
                 {"1001", 0}, {"", 0},        {"+5", 0},  {"5 ", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct argument argument = {"limit", cases[i].text, strlen(cases[i].text)};
        struct reply reply;
        size_t limit = 0;
        reply_init(&reply);
        bool good = query_limit(request_with(&argument, 1), &reply, &limit);
        assert_int_equal(good, cases[i].limit > 0);
        assert_int_equal(limit, cases[i].limit);
        assert_int_equal(reply.status, good ? 0 : 422);
        reply_finish(&reply);
    }
    struct reply reply;
    size_t limit;
    reply_init(&reply);
    assert_true(query_limit(request_with(NULL, 0), &reply, &limit));
    assert_int_equal(limit, 100);
}

static void test_names_are_known_and_once(void **state)
{
    (void)state;
    static const char *const names[] = {"q", "limit", NULL};
    static const struct {
        struct argument arguments[2];
        size_t count;
        bool good;
    } cases[] = {
        {.count = 0, .good = true},
        {{{"q", "x", 1}}, 1, true},
        {{{"q", "", 0}, {"limit", "1", 1}}, 2, true},
        {{{"q", "x", 1}, {"q", "y", 1}}, 2, false},
        {{{"Q", "x", 1}}, 1, false},
        {{{"q", "x", 3}}, 1, false}, /* a NUL inside */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct argument arguments[2];
        struct reply reply;
        memcpy(arguments, cases[i].arguments, sizeof(arguments));
        reply_init(&reply);
        assert_int_equal(query_check(request_with(arguments, cases[i].count), names, &reply),
                         cases[i].good);
        assert_int_equal(reply.status, cases[i].good ? 0 : 422);
        reply_finish(&reply);
    }
}

static void test_orders(void **state)
{
    (void)state;
    struct order order;
    assert_int_equal(order_find("rss", &order), 0);
    assert_int_equal(order.metric, METRIC_RSS);
    assert_int_equal(order_find("heap_free_bytes", &order), 0);
    assert_int_equal(order.metric, METRIC_HEAP_FREE);
    assert_int_equal(order_find("comm", &order), 0);
    assert_int_equal(order.by, ORDER_COMM);
    assert_int_equal(order_find("psi.some.avg10", &order), -EINVAL);
    assert_int_equal(order_find("RSS", &order), -EINVAL);
}

static void test_order_cursors_come_back(void **state)
{
    (void)state;
    const struct order orders[] = {
        {.by = ORDER_METRIC, .metric = METRIC_RSS}, {.by = ORDER_PID}, {.by = ORDER_COMM}};
    struct process process = {.id = {4194304, UINT64_MAX}, .comm = "a/\"\xe2\x9c\x93 b"};
    for (int step = 0; step < 3; step++) {
        if (step == 1)
            sample_set(&process.sample, METRIC_RSS, INT64_MAX, 1);
        if (step == 2) {
            sample_set(&process.sample, METRIC_RSS, -INT64_MAX, 1);
            memset(process.comm, 'z', sizeof(process.comm) - 1);
        }
        for (size_t i = 0; i < 3; i++) {
            struct order_key key, back;
            char cursor[ORDER_CURSOR_SIZE];
            order_key(&orders[i], &process, &key);
            order_cursor_format(&orders[i], &key, cursor);
            assert_true(query_is_cursor(cursor, sizeof(cursor)));
            assert_int_equal(order_cursor_parse(&orders[i], cursor, &back), 0);
            assert_int_equal(order_compare(&orders[i], &key, &back), 0);
        }
    }
}

static void test_bad_order_cursors(void **state)
{
    (void)state;
    const struct order rss = {.by = ORDER_METRIC, .metric = METRIC_RSS}, comm = {.by = ORDER_COMM};
    static const char *const bad[] = {"",        "v",     "v_",       "v1_",
                                      "v1_2",    "1_2-3", "p_1-2",    "vx_1-2",
                                      "v1_0-3",  "v1_1-", "v1_1-2_3", "v99999999999999999999_1-2",
                                      "v--1_1-2"};
    struct order_key key;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (order_cursor_parse(&rss, bad[i], &key) == 0)
            fail_msg("%s", bad[i]);
    assert_int_equal(order_cursor_parse(&comm, "c6_1-2", &key), -EINVAL);
    assert_int_equal(order_cursor_parse(&comm, "cXY_1-2", &key), -EINVAL);
    assert_int_equal(order_cursor_parse(&comm, "c6100_1-2", &key), -EINVAL);
    assert_int_equal(order_cursor_parse(&comm, "c61_1-2", &key), 0);
    assert_string_equal(key.comm, "a");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_cursors),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_names_are_known_and_once),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_order_cursors_come_back),
        cmocka_unit_test(test_bad_order_cursors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
