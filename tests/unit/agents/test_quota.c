/* SPDX-License-Identifier: MIT */
#include "agents/quota.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_burst_then_the_rate(void **state)
{
    (void)state;
    struct quota quota;
    uint64_t now = 1000 * USEC_PER_SEC;
    quota_init(&quota, 10, 5, now);
    for (int i = 0; i < 5; i++)
        assert_true(quota_take(&quota, now));
    assert_false(quota_take(&quota, now));
    assert_false(quota_take(&quota, now + 99 * USEC_PER_MSEC));
    assert_true(quota_take(&quota, now + 100 * USEC_PER_MSEC));
    assert_false(quota_take(&quota, now + 100 * USEC_PER_MSEC));
}

static void no_more_than_a_burst_is_saved(void **state)
{
    (void)state;
    struct quota quota;
    quota_init(&quota, 10, 5, 0);
    int taken = 0;
    while (quota_take(&quota, 3600 * USEC_PER_SEC))
        taken++;
    assert_int_equal(taken, 5);
}

static void time_that_goes_back_gives_nothing(void **state)
{
    (void)state;
    struct quota quota;
    quota_init(&quota, 10, 1, USEC_PER_SEC);
    assert_true(quota_take(&quota, USEC_PER_SEC));
    assert_false(quota_take(&quota, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_then_the_rate),
        cmocka_unit_test(no_more_than_a_burst_is_saved),
        cmocka_unit_test(time_that_goes_back_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
