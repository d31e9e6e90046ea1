/* SPDX-License-Identifier: MIT */
#include "agents/regions.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW (1000 * USEC_PER_SEC)

static struct regions regions;
static char text[EVENT_TEXT_SIZE];

static int setup(void **state)
{
    (void)state;
    regions_init(&regions, NOW);
    return 0;
}

static struct control_mark end_of(uint64_t usec)
{
    return (struct control_mark){
        .name = "batch", .phase = CONTROL_PHASE_END, .span = 1, .usec = usec};
}

static void lengths_are_said_in_fitting_units(void **state)
{
    (void)state;
    static const struct {
        uint64_t usec;
        const char *text;
    } rows[] = {
        {0, "batch took 0 us"},
        {999, "batch took 999 us"},
        {1500, "batch took 1.50 ms"},
        {12345, "batch took 12 ms"},
        {1234567, "batch took 1.23 s"},
        {150 * USEC_PER_SEC, "batch took 2.5 min"},
        {3 * 3600 * USEC_PER_SEC, "batch took 3.0 h"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct control_mark mark = end_of(rows[i].usec);
        assert_true(regions_on_mark(&regions, &mark, NOW, text));
        assert_string_equal(text, rows[i].text);
    }
}

static void phases_have_their_words(void **state)
{
    (void)state;
    struct control_mark mark = {.name = "load", .phase = CONTROL_PHASE_POINT};
    assert_true(regions_on_mark(&regions, &mark, NOW, text));
    assert_string_equal(text, "load");
    mark.phase = CONTROL_PHASE_BEGIN;
    mark.usec = 10 * USEC_PER_SEC;
    assert_true(regions_on_mark(&regions, &mark, NOW, text));
    assert_string_equal(text, "load: under way for 10.00 s");
}

static void a_flood_is_counted(void **state)
{
    (void)state;
    struct control_mark mark = end_of(7);
    int told = 0;
    for (int i = 0; i < 1000; i++)
        told += regions_on_mark(&regions, &mark, NOW, text);
    assert_int_equal(told, 20);
    mark.left_out = 500;
    assert_true(regions_on_mark(&regions, &mark, NOW + 6 * USEC_PER_SEC, text));
    assert_string_equal(text, "batch took 7 us (1480 marks before it were left out)");
    mark.left_out = 0;
    assert_false(regions_on_mark(&regions, &mark, NOW + 6 * USEC_PER_SEC, text));
}

static void no_claim_overflows(void **state)
{
    (void)state;
    struct control_mark mark = end_of(UINT64_MAX);
    memset(mark.name, 'x', sizeof(mark.name) - 1);
    mark.left_out = UINT64_MAX;
    for (int i = 0; i < 3; i++)
        assert_true(regions_on_mark(&regions, &mark, NOW, text));
    assert_non_null(strstr(text, "18446744073709551615 marks"));
    while (regions_on_mark(&regions, &mark, NOW, text))
        continue;
    assert_int_equal(regions.left_out, UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lengths_are_said_in_fitting_units, setup),
        cmocka_unit_test_setup(phases_have_their_words, setup),
        cmocka_unit_test_setup(a_flood_is_counted, setup),
        cmocka_unit_test_setup(no_claim_overflows, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
