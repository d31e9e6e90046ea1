/* SPDX-License-Identifier: MIT */
#include "model/target.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_every_kind(void **state)
{
    (void)state;
    struct error error;
    struct target target;
    assert_int_equal(target_parse("host", &target, &error), 0);
    assert_int_equal(target.kind, TARGET_HOST);
    assert_int_equal(target_parse("4711-88213", &target, &error), 0);
    assert_int_equal(target.kind, TARGET_PROCESS);
    assert_int_equal(target.id.pid, 4711);
    assert_int_equal(target.id.start_ticks, 88213);
    assert_int_equal(target_parse("pid:4711", &target, &error), 0);
    assert_int_equal(target.kind, TARGET_PID);
    assert_int_equal(target_parse("4711", &target, &error), 0);
    assert_int_equal(target.kind, TARGET_PID);
    assert_int_equal(target.id.pid, 4711);
    assert_int_equal(target_parse("unit:a-b.service", &target, &error), 0);
    assert_int_equal(target.kind, TARGET_UNIT);
    assert_string_equal(target.name, "a-b.service");
    assert_int_equal(target_parse("group:web", &target, &error), 0);
    assert_int_equal(target.kind, TARGET_GROUP);
    assert_string_equal(target.name, "web");
}

static void test_refuses_with_a_text(void **state)
{
    (void)state;
    char long_name[TARGET_SIZE + 8] = "unit:";
    memset(long_name + 5, 'x', sizeof(long_name) - 6);
    const char *const wrong[] = {
        "",       "Host",      "pid:", "pid:0",      "0",     "pid:2147483648", "unit:",
        "group:", "unit:a\nb", "x",    "group:\xff", "1-2-3", "pid:1 ",         long_name};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct target target = {.kind = TARGET_GROUP};
        struct error error = {0};
        assert_int_equal(target_parse(wrong[i], &target, &error), -EINVAL);
        assert_int_equal(target.kind, TARGET_GROUP);
        assert_true(strlen(error.text) > 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_refuses_with_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
