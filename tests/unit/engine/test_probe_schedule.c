/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "engine/probe_schedule.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SHORT UINT64_C(50) /* microseconds */

/* Any time: everything here works on differences. */
#define START (UINT64_C(1000) * USEC_PER_SEC)

static struct process_id id_of(pid_t pid)
{
    return (struct process_id){.pid = pid, .start_ticks = 1};
}

static int make(void **state)
{
    struct probe_schedule *schedule = malloc(sizeof(*schedule));
    probe_schedule_init(schedule, 0, START);
    *state = schedule;
    return 0;
}

static int drop(void **state)
{
    free(*state);
    return 0;
}

static struct probe_pending *add(struct probe_schedule *schedule, pid_t pid, uint64_t stall_usec,
                                 uint32_t what, enum probe_priority priority)
{
    return probe_schedule_add(schedule, id_of(pid), stall_usec, what, priority);
}

static void expect_next(struct probe_schedule *schedule, uint64_t now, pid_t pid, uint32_t what,
                        int result)
{
    struct probe_pending *pending = probe_schedule_next(schedule, now);
    assert_non_null(pending);
    assert_int_equal(pending->id.pid, pid);
    assert_int_equal(pending->what, what);
    assert_int_equal(pending->result, result);
    probe_schedule_release(schedule, pending);
}

static void test_order(void **state)
{
    struct probe_schedule *schedule = *state;
    add(schedule, 1, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_ROUTINE);
    add(schedule, 2, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RULE);
    add(schedule, 3, SHORT, PROBE_WHAT_CMDLINE, PROBE_PRIORITY_ROUTINE);
    add(schedule, 4, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RECEIPT);
    add(schedule, 5, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RECEIPT);
    assert_int_equal(probe_schedule_waiting(schedule), 5);
    expect_next(schedule, START, 4, PROBE_WHAT_ROLLUP, 0);
    expect_next(schedule, START, 5, PROBE_WHAT_ROLLUP, 0);
    expect_next(schedule, START, 3, PROBE_WHAT_CMDLINE, 0);
    expect_next(schedule, START, 2, PROBE_WHAT_ROLLUP, 0);
    expect_next(schedule, START, 1, PROBE_WHAT_ROLLUP, 0);
    assert_null(probe_schedule_next(schedule, START));
    assert_true(probe_schedule_when(schedule, START) == UINT64_MAX);
}

static void test_returned_comes_first(void **state)
{
    struct probe_schedule *schedule = *state;
    add(schedule, 1, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RULE);
    add(schedule, 2, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RULE);
    struct probe_pending *pending = probe_schedule_next(schedule, START);
    probe_schedule_return(schedule, pending);
    expect_next(schedule, START, 1, PROBE_WHAT_ROLLUP, 0);
    expect_next(schedule, START, 2, PROBE_WHAT_ROLLUP, 0);
}

static void test_lines_are_bounded_and_leave_room_for_receipts(void **state)
{
    struct probe_schedule *schedule = *state;
    size_t taken = 0;
    for (pid_t pid = 1; pid <= PROBE_CLIENT_LIMIT; pid++) {
        taken += add(schedule, pid, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_ROUTINE) != NULL;
        taken += add(schedule, pid, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RULE) != NULL;
        taken += add(schedule, pid, SHORT, PROBE_WHAT_CMDLINE, PROBE_PRIORITY_RULE) != NULL;
    }
    assert_true(taken < PROBE_CLIENT_LIMIT);
    assert_int_equal(probe_schedule_room(schedule, PROBE_PRIORITY_ROUTINE, START), 0);
    size_t room = probe_schedule_room(schedule, PROBE_PRIORITY_RECEIPT, START);
    assert_true(room >= 256);
    for (size_t i = 0; i < room; i++)
        assert_non_null(add(schedule, 9, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RECEIPT));
    assert_null(add(schedule, 9, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RECEIPT));
    size_t drained = 0;
    for (struct probe_pending *pending; (pending = probe_schedule_drain(schedule)); drained++)
        probe_schedule_release(schedule, pending);
    assert_int_equal(drained, PROBE_CLIENT_LIMIT);
    assert_non_null(add(schedule, 9, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_ROUTINE));
}

/* Half a percent of a core: after 50 ms of reading at once, 5 ms a second. */
static void test_budget_over_a_minute(void **state)
{
    struct probe_schedule *schedule = *state;
    uint64_t read_usec = 0;
    for (uint64_t now = START; now < START + 60 * USEC_PER_SEC; now += 1000) {
        while (probe_budget_allows(&schedule->budget, now)) {
            probe_budget_spend(&schedule->budget, now, 1000);
            read_usec += 1000;
        }
    }
    assert_in_range(read_usec, 50000 + 60 * 5000 - 2000, 50000 + 60 * 5000 + 2000);
}

static void test_budget_does_not_pile_up(void **state)
{
    struct probe_schedule *schedule = *state;
    uint64_t later = START + 3600 * USEC_PER_SEC, read_usec = 0;
    for (; probe_budget_allows(&schedule->budget, later); read_usec += 1000)
        probe_budget_spend(&schedule->budget, later, 1000);
    assert_in_range(read_usec, 50000, 51000);
}

static void test_receipts_overdraw_and_routine_pays_back(void **state)
{
    struct probe_schedule *schedule = *state;
    probe_budget_spend(&schedule->budget, START, 150000); /* 100 ms too much */
    add(schedule, 1, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_ROUTINE);
    add(schedule, 2, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RECEIPT);
    assert_int_equal(probe_schedule_room(schedule, PROBE_PRIORITY_ROUTINE, START), 0);
    assert_true(probe_schedule_room(schedule, PROBE_PRIORITY_RECEIPT, START) > 0);
    assert_true(probe_schedule_when(schedule, START) == START);
    expect_next(schedule, START, 2, PROBE_WHAT_ROLLUP, 0);
    assert_null(probe_schedule_next(schedule, START));
    uint64_t when = probe_schedule_when(schedule, START);
    assert_in_range(when - START, 20 * USEC_PER_SEC, 20 * USEC_PER_SEC + 10);
    assert_null(probe_schedule_next(schedule, when - 1000));
    expect_next(schedule, when, 1, PROBE_WHAT_ROLLUP, 0);
}

/* A scan takes what is left: it comes last, one part at a time, and waits for the budget. */
static void test_scans_come_last(void **state)
{
    struct probe_schedule *schedule = *state;
    assert_non_null(add(schedule, 1, 0, PROBE_WHAT_POOLS, PROBE_PRIORITY_ROUTINE));
    assert_null(add(schedule, 2, 0, PROBE_WHAT_POOLS, PROBE_PRIORITY_ROUTINE));
    add(schedule, 3, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_ROUTINE);
    expect_next(schedule, START, 3, PROBE_WHAT_ROLLUP, 0);
    probe_budget_spend(&schedule->budget, START, 60000);
    assert_null(probe_schedule_next(schedule, START));
    uint64_t when = probe_schedule_when(schedule, START);
    assert_true(when > START && when < UINT64_MAX);
    expect_next(schedule, when, 1, PROBE_WHAT_POOLS, 0);
    probe_budget_mark(&schedule->budget, id_of(4), when);
    add(schedule, 4, 0, PROBE_WHAT_POOLS, PROBE_PRIORITY_ROUTINE);
    expect_next(schedule, when, 4, 0, -ETIMEDOUT);
}

static void test_debt_has_a_floor(void **state)
{
    struct probe_schedule *schedule = *state;
    for (int i = 0; i < 1000; i++)
        probe_budget_spend(&schedule->budget, START, 1000 * USEC_PER_SEC);
    uint64_t when = probe_budget_when(&schedule->budget, START);
    assert_in_range(when - START, 599 * USEC_PER_SEC, 601 * USEC_PER_SEC);
}

/* A command line is never held up: the rollup is left out and the answer says why. */
static void test_command_lines_do_not_wait_for_the_budget(void **state)
{
    struct probe_schedule *schedule = *state;
    probe_budget_spend(&schedule->budget, START, 60000);
    add(schedule, 1, SHORT, PROBE_WHAT_ALL, PROBE_PRIORITY_RULE);
    add(schedule, 2, USEC_PER_SEC, PROBE_WHAT_ALL, PROBE_PRIORITY_RULE);
    expect_next(schedule, START, 1, PROBE_WHAT_CMDLINE, -EBUSY);
    expect_next(schedule, START, 2, PROBE_WHAT_CMDLINE, -EFBIG);
}

static void test_too_dear(void **state)
{
    struct probe_schedule *schedule = *state;
    add(schedule, 1, 10 * USEC_PER_MSEC, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_ROUTINE);
    expect_next(schedule, START, 1, PROBE_WHAT_ROLLUP, 0);
    add(schedule, 2, 11 * USEC_PER_MSEC, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_ROUTINE);
    expect_next(schedule, START, 2, 0, -EFBIG);
    add(schedule, 3, 11 * USEC_PER_MSEC, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RECEIPT);
    expect_next(schedule, START, 3, PROBE_WHAT_ROLLUP, 0);
    add(schedule, 4, 110 * USEC_PER_MSEC, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RECEIPT);
    expect_next(schedule, START, 4, 0, -EFBIG);
    /* A person's question overdraws the budget, but holds nobody up for longer. */
    probe_budget_spend(&schedule->budget, START, 60000);
    add(schedule, 5, SHORT, PROBE_WHAT_LAYERS, PROBE_PRIORITY_QUESTION);
    expect_next(schedule, START, 5, PROBE_WHAT_LAYERS, 0);
    add(schedule, 6, 11 * USEC_PER_MSEC, PROBE_WHAT_LAYERS, PROBE_PRIORITY_QUESTION);
    expect_next(schedule, START, 6, 0, -EFBIG);
    /* What is paused holds nobody up at all, whatever it takes. */
    add(schedule, 7, USEC_PER_SEC, PROBE_WHAT_PAGES, PROBE_PRIORITY_RECEIPT);
    expect_next(schedule, START, 7, PROBE_WHAT_PAGES, 0);
}

/* Pages of one process at a time, before the routine and within the budget. */
static void test_pages_in_parts(void **state)
{
    struct probe_schedule *schedule = *state;
    add(schedule, 1, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_ROUTINE);
    assert_non_null(add(schedule, 2, 0, PROBE_WHAT_PAGES, PROBE_PRIORITY_ROUTINE));
    assert_null(add(schedule, 3, 0, PROBE_WHAT_PAGES, PROBE_PRIORITY_ROUTINE));
    expect_next(schedule, START, 2, PROBE_WHAT_PAGES, 0);
    expect_next(schedule, START, 1, PROBE_WHAT_ROLLUP, 0);
    probe_budget_spend(&schedule->budget, START, 60000);
    add(schedule, 2, 0, PROBE_WHAT_PAGES, PROBE_PRIORITY_ROUTINE);
    assert_null(probe_schedule_next(schedule, START));
}

static void test_unreadable_for_ten_minutes(void **state)
{
    struct probe_schedule *schedule = *state;
    assert_true(probe_budget_mark(&schedule->budget, id_of(1), START));
    add(schedule, 1, SHORT, PROBE_WHAT_ALL, PROBE_PRIORITY_RECEIPT);
    expect_next(schedule, START, 1, 0, -ETIMEDOUT);
    add(schedule, 2, SHORT, PROBE_WHAT_ROLLUP, PROBE_PRIORITY_RECEIPT);
    expect_next(schedule, START, 2, PROBE_WHAT_ROLLUP, 0);
    /* The pid is someone else's by now. */
    struct process_id other = {.pid = 1, .start_ticks = 2};
    assert_false(probe_budget_is_unreadable(&schedule->budget, other, START));
    uint64_t later = START + 600 * USEC_PER_SEC;
    assert_true(probe_budget_is_unreadable(&schedule->budget, id_of(1), later - 1));
    assert_false(probe_budget_is_unreadable(&schedule->budget, id_of(1), later));
    /* It hung again: no news. */
    assert_false(probe_budget_mark(&schedule->budget, id_of(1), later));
    assert_true(probe_budget_is_unreadable(&schedule->budget, id_of(1), later + 1));
}

static void test_unreadable_list_is_bounded(void **state)
{
    struct probe_schedule *schedule = *state;
    for (pid_t pid = 1; pid <= PROBE_BUDGET_UNREADABLE_LIMIT + 1; pid++)
        probe_budget_mark(&schedule->budget, id_of(pid), START + (uint64_t)pid);
    uint64_t now = START + 1000;
    assert_false(probe_budget_is_unreadable(&schedule->budget, id_of(1), now));
    for (pid_t pid = 2; pid <= PROBE_BUDGET_UNREADABLE_LIMIT + 1; pid++)
        assert_true(probe_budget_is_unreadable(&schedule->budget, id_of(pid), now));
}

#define schedule_test(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        schedule_test(test_order),
        schedule_test(test_returned_comes_first),
        schedule_test(test_lines_are_bounded_and_leave_room_for_receipts),
        schedule_test(test_budget_over_a_minute),
        schedule_test(test_budget_does_not_pile_up),
        schedule_test(test_receipts_overdraw_and_routine_pays_back),
        schedule_test(test_debt_has_a_floor),
        schedule_test(test_scans_come_last),
        schedule_test(test_command_lines_do_not_wait_for_the_budget),
        schedule_test(test_too_dear),
        schedule_test(test_pages_in_parts),
        schedule_test(test_unreadable_for_ten_minutes),
        schedule_test(test_unreadable_list_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
