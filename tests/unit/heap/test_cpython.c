/* SPDX-License-Identifier: MIT */
#include "heap/cpython.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_names_of_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned major, minor;
    } good[] = {
        {"python", 0, 0},
        {"python2", 0, 0},
        {"python3", 0, 0},
        {"python2.7", 2, 7},
        {"python3.6m", 3, 6},
        {"python3.11", 3, 11},
        {"python3.13d", 3, 13},
        {"python3.11 (deleted)", 3, 11},
        {"libpython2.7.so.1.0", 2, 7},
        {"libpython3.7m.so.1.0", 3, 7},
        {"libpython3.13.so", 3, 13},
        {"libpython3.so", 0, 0},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct cpython version = {9, 9};
        assert_true(cpython_of_file(good[i].name, strlen(good[i].name), &version));
        assert_int_equal(version.major, good[i].major);
        assert_int_equal(version.minor, good[i].minor);
    }
    static const char *const bad[] = {
        "",          "pytho",        "pypy3",     "python-config", "python3.11-config", "python3.",
        "python4.1", "python3.13t",  "ipython3",  "libpython",     "libpython3.11",     "python3.x",
        "bash",      "python3.100",  "python 3",  "lib",           "libpython3.13t.so", "pythond",
        "(deleted)", "python3.11.1", "python1.5", "libpythonic.so"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct cpython version = {9, 9};
        if (cpython_of_file(bad[i], strlen(bad[i]), &version))
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(version.major, 9);
    }
}

static void test_what_agents_say(void **state)
{
    (void)state;
    struct cpython version = {0};
    assert_true(cpython_of_runtime("cpython 3.13.0", &version));
    assert_true(version.major == 3 && version.minor == 13);
    assert_true(cpython_of_runtime("cpython 2.7.18", &version));
    assert_true(version.major == 2 && version.minor == 7);
    assert_false(cpython_of_runtime("", &version));
    assert_false(cpython_of_runtime("cpython ", &version));
    assert_false(cpython_of_runtime("pypy 3.10", &version));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_files),
        cmocka_unit_test(test_what_agents_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
