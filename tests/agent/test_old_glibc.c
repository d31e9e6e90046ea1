/* SPDX-License-Identifier: MIT */
/* The agent's view of malloc where the C library has no mallinfo2(): glibc before 2.33. */
#include "allocator_kind.h"
#include "symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static unsigned step; /* by which each call counts more */

static struct symbols_mallinfo_old counting(void)
{
    /* On both sides of 4 GiB. */
    static unsigned used = UINT32_MAX - 5000;
    used += step;
    return (struct symbols_mallinfo_old){.uordblks = (int)used};
}

static int setup(void **state)
{
    (void)state;
    if (!symbols_resolve_libc() || !libc_.mallinfo)
        return -1;
    libc_.mallinfo2 = NULL;
    return 0;
}

static void it_is_known_by_its_differences(void **state)
{
    (void)state;
    char version[CONTROL_TEXT_SIZE] = "";
    assert_int_equal(allocator_glibc.identify(version), ALLOCATOR_ABSENT);
    assert_int_equal(allocator_glibc_old.identify(version), ALLOCATOR_SERVES);
    assert_string_equal(version, libc_.version());
}

static void a_count_may_wrap(void **state)
{
    (void)state;
    char version[CONTROL_TEXT_SIZE] = "";
    libc_.mallinfo = counting;
    step = 3008;
    for (int i = 0; i < 4; i++)
        assert_int_equal(allocator_glibc_old.identify(version), ALLOCATOR_SERVES);
    step = 0;
    assert_int_equal(allocator_glibc_old.identify(version), ALLOCATOR_ABSENT);
    step = UINT32_MAX - 3007; /* it counts less: somebody else's frees */
    assert_int_equal(allocator_glibc_old.identify(version), ALLOCATOR_ABSENT);
}

static void it_trims_and_tells_nothing(void **state)
{
    (void)state;
    assert_null(allocator_glibc_old.stats);
    assert_int_equal(allocator_glibc_old.trim(), CONTROL_RESULT_OK);
}

static void a_newer_one_is_not_this(void **state)
{
    (void)state;
    char version[CONTROL_TEXT_SIZE] = "";
    if (!symbols_resolve_libc() || !libc_.mallinfo2)
        skip();
    assert_int_equal(allocator_glibc_old.identify(version), ALLOCATOR_ABSENT);
    assert_int_equal(allocator_glibc.identify(version), ALLOCATOR_SERVES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_is_known_by_its_differences, setup),
        cmocka_unit_test_setup(a_count_may_wrap, setup),
        cmocka_unit_test_setup(it_trims_and_tells_nothing, setup),
        cmocka_unit_test_setup(a_newer_one_is_not_this, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
