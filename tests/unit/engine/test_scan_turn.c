/* SPDX-License-Identifier: MIT */
#include "engine/scan_turn.h"

#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MIB   (INT64_C(1) << 20)
#define START (1000 * USEC_PER_SEC)
#define SEC   USEC_PER_SEC

static bool due(const struct scan_turn *turn, int64_t rss, uint64_t now)
{
    return scan_turn_is_due(turn, rss, false, now);
}

static void test_first_at_once_then_ever_later(void **state)
{
    (void)state;
    struct scan_turn turn = {0};
    uint64_t now = START;
    assert_true(due(&turn, 100 * MIB, now));
    static const unsigned pauses[] = {10, 20, 40, 80, 160, 240, 240, 240};
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        scan_turn_done(&turn, 100 * MIB, now);
        assert_false(due(&turn, 100 * MIB, now + pauses[i] * SEC - 1));
        now += pauses[i] * SEC;
        assert_true(due(&turn, 100 * MIB, now));
    }
}

static void test_what_moved_comes_soon(void **state)
{
    (void)state;
    struct scan_turn turn = {0};
    uint64_t now = START;
    for (unsigned i = 0; i < 10; i++, now += 240 * SEC)
        scan_turn_done(&turn, 100 * MIB, now);
    now = turn.done_usec + 10 * SEC;
    assert_false(due(&turn, 100 * MIB, now));
    assert_false(due(&turn, 102 * MIB, now)); /* 2 %: noise */
    assert_true(due(&turn, 103 * MIB, now));
    assert_true(due(&turn, 90 * MIB, now));
    assert_false(due(&turn, 500 * MIB, now - 1)); /* never more often than this */
    /* The pauses begin anew. */
    scan_turn_done(&turn, 103 * MIB, now);
    assert_true(due(&turn, 103 * MIB, now + 10 * SEC));
}

static void test_little_is_noise(void **state)
{
    (void)state;
    struct scan_turn turn = {0};
    scan_turn_done(&turn, 5 * MIB, START);
    scan_turn_done(&turn, 5 * MIB, START + 10 * SEC);
    assert_false(due(&turn, 6 * MIB, START + 25 * SEC));
    assert_true(due(&turn, 7 * MIB, START + 25 * SEC));
}

static void test_what_a_rule_wants_is_not_put_off(void **state)
{
    (void)state;
    struct scan_turn turn = {0};
    scan_turn_done(&turn, MIB, START);
    scan_turn_done(&turn, MIB, START + 10 * SEC);
    assert_false(scan_turn_is_due(&turn, MIB, true, START + 20 * SEC - 1));
    assert_true(scan_turn_is_due(&turn, MIB, true, START + 20 * SEC));
}

static void test_refusals_are_rarely_tried_again(void **state)
{
    (void)state;
    static const int refusals[] = {-EPERM, -EACCES};
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct scan_turn turn = {0};
        scan_turn_failed(&turn, refusals[i], MIB, START);
        assert_false(due(&turn, 900 * MIB, START + 60 * SEC - 1));
        assert_false(scan_turn_is_due(&turn, 900 * MIB, true, START + 60 * SEC - 1));
        assert_true(due(&turn, MIB, START + 60 * SEC));
        for (unsigned tries = 0; tries < 10; tries++)
            scan_turn_failed(&turn, refusals[i], MIB, START);
        assert_false(due(&turn, MIB, START + 3600 * SEC - 1));
        assert_true(due(&turn, MIB, START + 3600 * SEC));
    }
    struct scan_turn turn = {0};
    scan_turn_failed(&turn, -EPIPE, MIB, START); /* the probe was lost: nobody's fault */
    assert_true(due(&turn, MIB, START + 10 * SEC));
}

/* What embeds Python later grows by that. */
static void test_strangers_are_looked_at_when_they_move(void **state)
{
    (void)state;
    struct scan_turn turn = {0};
    scan_turn_failed(&turn, -ENOEXEC, 10 * MIB, START);
    assert_false(due(&turn, 10 * MIB, START + 600 * SEC - 1));
    assert_false(scan_turn_is_due(&turn, 10 * MIB, true, START + 600 * SEC - 1));
    assert_false(due(&turn, 14 * MIB, START + 60 * SEC - 1));
    assert_true(due(&turn, 14 * MIB, START + 60 * SEC));
    assert_true(due(&turn, 10 * MIB, START + 600 * SEC));
    for (unsigned tries = 0; tries < 10; tries++)
        scan_turn_failed(&turn, -ENOEXEC, 14 * MIB, START);
    assert_false(due(&turn, 14 * MIB, START + 3600 * SEC - 1));
    assert_false(due(&turn, 20 * MIB, START + 60 * SEC - 1));
    assert_true(due(&turn, 20 * MIB, START + 60 * SEC));
    assert_true(due(&turn, 14 * MIB, START + 3600 * SEC));
    scan_turn_done(&turn, 20 * MIB, START);
    assert_false(due(&turn, 20 * MIB, START + 10 * SEC - 1));
    assert_true(due(&turn, 20 * MIB, START + 20 * SEC));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_at_once_then_ever_later),
        cmocka_unit_test(test_what_moved_comes_soon),
        cmocka_unit_test(test_little_is_noise),
        cmocka_unit_test(test_what_a_rule_wants_is_not_put_off),
        cmocka_unit_test(test_refusals_are_rarely_tried_again),
        cmocka_unit_test(test_strangers_are_looked_at_when_they_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
