/* SPDX-License-Identifier: MIT */
#include "base/digest.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* FIPS 180-2, appendix B. */
static void test_sha256(void **state)
{
    (void)state;
    char hex[DIGEST_HEX_SIZE];
    digest_sha256("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_sha256("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_random_is_hex_and_differs(void **state)
{
    (void)state;
    char a[65], b[65];
    assert_int_equal(digest_random_hex(32, a), 0);
    assert_int_equal(digest_random_hex(32, b), 0);
    assert_int_equal(strlen(a), 64);
    assert_int_equal(strspn(a, "0123456789abcdef"), 64);
    assert_string_not_equal(a, b);
    assert_int_equal(digest_random_hex(33, a), -EINVAL);
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(digest_equal("", ""));
    assert_true(digest_equal("abc", "abc"));
    assert_false(digest_equal("abc", "abd"));
    assert_false(digest_equal("abc", "abcd"));
    assert_false(digest_equal("", "a"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_random_is_hex_and_differs),
        cmocka_unit_test(test_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
