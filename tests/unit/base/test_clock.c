/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void test_format(void **state)
{
    (void)state;
    char text[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    clock_format_rfc3339(UINT64_C(1795344078123456), text);
    assert_string_equal(text, "2026-11-22T10:41:18.123Z");
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t usec;
    } cases[] = {
        {"2026-11-22T10:41:18Z", UINT64_C(1795344078000000)},
        {"2026-11-22T10:41:18.123Z", UINT64_C(1795344078123000)},
        {"2026-11-22T12:41:18.5+02:00", UINT64_C(1795344078500000)},
        {"2026-11-22T05:11:18-05:30", UINT64_C(1795344078000000)},
        {"1795344078", UINT64_C(1795344078000000)},
        {"2024-02-29T00:00:00Z", UINT64_C(1709164800000000)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t usec = 0;
        assert_int_equal(clock_parse_rfc3339(cases[i].text, &usec), 0);
        assert_true(usec == cases[i].usec);
    }
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "now",
        "2026-11-22",
        "2026-11-22T10:41:18",
        "2026-11-22T10:41:18+2",
        "2026-11-22T10:41:18+2:3",
        "2026-11-22T10:41:18+ 2: 3",
        "2026-11-22T10:41:18++2:+3",
        "2026-11-22T10:41:18+02:00x",
        "2026-11-22T10:41:18Zx",
        "2026-13-22T10:41:18Z",
        "1960-01-01T00:00:00Z",
        "18446744073709551615",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint64_t usec = 42;
        assert_int_equal(clock_parse_rfc3339(wrong[i], &usec), -EINVAL);
        assert_true(usec == 42);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    uint64_t now = clock_wall_usec() / USEC_PER_MSEC * USEC_PER_MSEC, back;
    char text[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(now, text);
    assert_int_equal(clock_parse_rfc3339(text, &back), 0);
    assert_true(back == now);
}

static void test_clocks_do_not_go_back(void **state)
{
    (void)state;
    uint64_t mono = clock_mono_usec(), cpu = clock_cpu_usec();
    for (int i = 0; i < 1000; i++) {
        uint64_t next = clock_mono_usec();
        assert_true(next >= mono);
        mono = next;
    }
    assert_true(clock_cpu_usec() >= cpu);
}

static void test_minute_of_day(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        uint64_t wall_usec;
        int minute;
    } cases[] = {
        {"UTC", 0, 0},
        {"UTC", UINT64_C(1795344078123456), 10 * 60 + 41},
        {"UTC", UINT64_C(86399) * USEC_PER_SEC, 1439},
        {"AAA-05:30", 0, 330}, /* east of Greenwich */
        {"BBB05", 0, 19 * 60}, /* west: the evening before */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
        tzset();
        assert_int_equal(clock_minute_of_day(cases[i].wall_usec), cases[i].minute);
    }
    unsetenv("TZ");
    tzset();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_clocks_do_not_go_back),
        cmocka_unit_test(test_minute_of_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
