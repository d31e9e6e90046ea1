/* SPDX-License-Identifier: MIT */
/* What the gate counts and keeps: sessions, rates, commands on their way. */
#include "http/pending.h"
#include "http/rate.h"
#include "http/session.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_sessions_end(void **state)
{
    (void)state;
    struct session_store store = {0};
    char id[SESSION_ID_SIZE];
    assert_false(session_is_known(&store, "", 1));
    assert_int_equal(session_add(&store, 1000, id), 0);
    assert_int_equal(strlen(id), 2 * SESSION_ID_BYTES);
    assert_true(session_is_known(&store, id, 1000));
    assert_true(session_is_known(&store, id, 1000 + HTTP_SESSION_USEC - 1));
    assert_false(session_is_known(&store, id, 1000 + HTTP_SESSION_USEC));
    assert_false(session_is_known(&store, "", 1000));
    assert_false(session_is_known(&store, "0", 1000));
    session_drop(&store, "0");
    assert_true(session_is_known(&store, id, 1000));
    session_drop(&store, id);
    assert_false(session_is_known(&store, id, 1000));
}

static void test_the_oldest_session_makes_room(void **state)
{
    (void)state;
    struct session_store store = {0};
    char ids[HTTP_SESSIONS + 2][SESSION_ID_SIZE];
    for (unsigned i = 0; i < HTTP_SESSIONS + 2; i++)
        assert_int_equal(session_add(&store, 1000 + i, ids[i]), 0);
    for (unsigned i = 0; i < HTTP_SESSIONS + 2; i++)
        assert_int_equal(session_is_known(&store, ids[i], 2000), i >= 2);
}

static void test_rate_is_even(void **state)
{
    (void)state;
    struct rate rate = {0};
    uint64_t now = 1000 * USEC_PER_SEC;
    for (int i = 0; i < 20; i++)
        assert_true(rate_take(&rate, 20, USEC_PER_SEC, now));
    assert_false(rate_take(&rate, 20, USEC_PER_SEC, now));
    assert_false(rate_take(&rate, 20, USEC_PER_SEC, now + USEC_PER_SEC / 20 - 1));
    assert_true(rate_take(&rate, 20, USEC_PER_SEC, now + USEC_PER_SEC / 20));
    for (int i = 0; i < 20; i++)
        assert_true(rate_take(&rate, 20, USEC_PER_SEC, now + 3600 * USEC_PER_SEC));
    assert_false(rate_take(&rate, 20, USEC_PER_SEC, now + 3600 * USEC_PER_SEC));
}

static void test_failures_open_a_window(void **state)
{
    (void)state;
    struct failures failures = {0};
    for (uint64_t now = 0; now < 5; now++)
        assert_false(failures_exceed(&failures, 5, 60, now));
    assert_true(failures_exceed(&failures, 5, 60, 5));
    assert_true(failures_exceed(&failures, 5, 60, 59));
    assert_false(failures_exceed(&failures, 5, 60, 60));
}

static void test_handles_fit_once(void **state)
{
    (void)state;
    static struct pending pending;
    int a, b;
    void *first, *second;
    assert_int_equal(pending_deadline(&pending), UINT64_MAX);
    assert_int_equal(pending_add(&pending, &a, 10, &first), 0);
    assert_non_null(first);
    assert_int_equal(pending_deadline(&pending), 10);
    assert_ptr_equal(pending_take(&pending, first), &a);
    assert_int_equal(pending_add(&pending, &b, 20, &second), 0);
    assert_ptr_not_equal(first, second);
    assert_null(pending_take(&pending, first)); /* a second answer to the same command */
    assert_ptr_equal(pending_take(&pending, second), &b);
    assert_null(pending_take(&pending, NULL));
    assert_null(pending_take(&pending, (void *)(uintptr_t)-1));
    assert_int_equal(pending.under_way, 0);
}

static void test_late_and_forgotten(void **state)
{
    (void)state;
    static struct pending pending;
    int a, b;
    void *first, *second;
    assert_int_equal(pending_add(&pending, &a, 10, &first), 0);
    assert_int_equal(pending_add(&pending, &b, 20, &second), 0);
    assert_null(pending_expire(&pending, 9));
    assert_ptr_equal(pending_expire(&pending, 10), &a);
    assert_null(pending_expire(&pending, 10));
    pending_forget(&pending, &b);
    assert_int_equal(pending.under_way, 2); /* both commands are still out */
    assert_null(pending_take(&pending, first));
    assert_null(pending_take(&pending, second));
    assert_int_equal(pending.under_way, 0);
}

static void test_commands_out_are_bounded(void **state)
{
    (void)state;
    static struct pending pending;
    static int waiters[HTTP_PENDING];
    void *handles[HTTP_PENDING], *more;
    for (int i = 0; i < HTTP_PENDING; i++)
        assert_int_equal(pending_add(&pending, &waiters[i], 1, &handles[i]), 0);
    assert_int_equal(pending_add(&pending, &more, 1, &more), -ENOBUFS);
    while (pending_expire(&pending, 1))
        ;
    /* Nobody waits, but none of the answers has come: the mailbox must have room for all. */
    assert_int_equal(pending_add(&pending, &more, 1, &more), -ENOBUFS);
    assert_null(pending_take(&pending, handles[3]));
    assert_int_equal(pending_add(&pending, &waiters[0], 1, &more), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_end),
        cmocka_unit_test(test_the_oldest_session_makes_room),
        cmocka_unit_test(test_rate_is_even),
        cmocka_unit_test(test_failures_open_a_window),
        cmocka_unit_test(test_handles_fit_once),
        cmocka_unit_test(test_late_and_forgotten),
        cmocka_unit_test(test_commands_out_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
