/* SPDX-License-Identifier: MIT */
#include "engine/probe_patience.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LEAST (2 * USEC_PER_SEC)

/* What is known to take long is waited for longer, within bounds, whatever the number. */
static void grows_with_what_it_takes(void **state)
{
    (void)state;
    const struct probe_patience patience = {.least_usec = LEAST};
    assert_int_equal(probe_patience_usec(&patience, 0), LEAST);
    assert_int_equal(probe_patience_usec(&patience, 100 * USEC_PER_MSEC), LEAST * 2);
    uint64_t before = 0;
    for (uint64_t stall = 1; stall; stall <<= 1) {
        uint64_t usec = probe_patience_usec(&patience, stall);
        assert_true(usec >= before && usec >= LEAST && usec <= LEAST * 4);
        before = usec;
    }
    assert_int_equal(before, LEAST * 4);
}

static void a_new_probe_is_given_time_to_start(void **state)
{
    (void)state;
    struct probe_patience patience = {.least_usec = LEAST};
    probe_patience_turn(&patience, 0, false, 1000);
    assert_int_equal(patience.deadline_usec, 1000 + LEAST);
    probe_patience_turn(&patience, 0, true, 1000);
    assert_int_equal(patience.deadline_usec, 1000 + LEAST * PROBE_PATIENCE_START_FACTOR);
}

/* Each sign gives it the same time again, but not for ever. */
static void signs_of_life_give_time(void **state)
{
    (void)state;
    struct probe_patience patience = {.least_usec = LEAST};
    uint64_t now = 5 * USEC_PER_SEC, begun = now;
    probe_patience_turn(&patience, 0, false, now);
    probe_patience_moved(&patience, 0, now + LEAST / 2);
    assert_int_equal(patience.deadline_usec, now + LEAST / 2 + LEAST);
    for (int i = 0; i < 1000 && now < patience.deadline_usec; i++) {
        now += LEAST / 8;
        probe_patience_moved(&patience, 0, now);
    }
    assert_true(now >= patience.deadline_usec);
    assert_in_range(now - begun, 4 * LEAST, 10 * LEAST);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_with_what_it_takes),
        cmocka_unit_test(a_new_probe_is_given_time_to_start),
        cmocka_unit_test(signs_of_life_give_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
