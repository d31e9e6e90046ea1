/* SPDX-License-Identifier: MIT */
#include "engine/probe_pace.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START (1000 * USEC_PER_SEC)

static void the_first_is_due_at_once(void **state)
{
    (void)state;
    struct probe_pace pace;
    probe_pace_init(&pace, START);
    assert_true(probe_pace_is_due(&pace, START));
    probe_pace_opened(&pace, START);
    assert_false(probe_pace_is_due(&pace, START + USEC_PER_SEC));
}

static void pauses_grow_to_a_limit(void **state)
{
    (void)state;
    struct probe_pace pace;
    uint64_t now = START, last_usec = 0;
    probe_pace_init(&pace, now);
    for (int i = 0; i < 20; i++) {
        probe_pace_opened(&pace, now);
        probe_pace_ended(&pace, now);
        uint64_t pause_usec = pace.next_usec - now;
        assert_true(pause_usec == 2 * last_usec || pause_usec == last_usec || last_usec == 0);
        assert_int_equal(probe_pace_is_long(&pace, now), pause_usec > USEC_PER_SEC);
        assert_false(probe_pace_is_due(&pace, pace.next_usec - 1));
        assert_true(probe_pace_is_due(&pace, pace.next_usec));
        last_usec = pause_usec;
        now = pace.next_usec;
    }
    assert_int_equal(last_usec, 25600 * USEC_PER_MSEC);
}

static void one_that_lived_makes_the_next_come_soon(void **state)
{
    (void)state;
    struct probe_pace pace;
    probe_pace_init(&pace, START);
    for (int i = 0; i < 20; i++)
        probe_pace_ended(&pace, START);
    probe_pace_opened(&pace, START);
    probe_pace_ended(&pace, START + 60 * USEC_PER_SEC);
    assert_int_equal(pace.next_usec, START + 60 * USEC_PER_SEC + 100 * USEC_PER_MSEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_due_at_once),
        cmocka_unit_test(pauses_grow_to_a_limit),
        cmocka_unit_test(one_that_lived_makes_the_next_come_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
