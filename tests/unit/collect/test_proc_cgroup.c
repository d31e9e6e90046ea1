/* SPDX-License-Identifier: MIT */
#include "collect/proc_cgroup.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct file_case {
    const char *text, *path;
    bool unified;
};

static void test_which_line_counts(void **state)
{
    (void)state;
    static const struct file_case cases[] = {
        {"0::/system.slice/nginx.service\n", "/system.slice/nginx.service", true},
        {"0::/\n", "/", true},
        /* Hybrid: processes are in the v2 hierarchy, or only in systemd's own v1 one. */
        {"4:memory:/x\n1:name=systemd:/a.service\n0::/b.service\n", "/b.service", true},
        {"4:memory:/x\n1:name=systemd:/a.service\n0::/\n", "/a.service", false},
        {"4:memory:/x\n1:name=systemd:/a.service\n", "/a.service", false},
        {"0::/a:b/c.service\n", "/a:b/c.service", true},
        {"0::/gone.service (deleted)\n", "/gone.service (deleted)", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proc_cgroup cgroup;
        assert_int_equal(proc_cgroup_parse(cases[i].text, strlen(cases[i].text), &cgroup),
                         OUTCOME_OK);
        assert_string_equal(cgroup.path, cases[i].path);
        assert_int_equal(cgroup.unified, cases[i].unified);
    }
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",      "0::/x",         "0:/x\n", "0::x\n",
                                        "0::\n", "1:memory:/x\n", "\n\n",   "0\n:\n::\n"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct proc_cgroup cgroup = {.path = "before"};
        assert_int_equal(proc_cgroup_parse(wrong[i], strlen(wrong[i]), &cgroup), OUTCOME_MALFORMED);
        assert_string_equal(cgroup.path, "before");
    }
}

struct unit_case {
    const char *path, *unit; /* NULL: none */
};

static void test_units(void **state)
{
    (void)state;
    static const char id[] = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9";
    char docker[160], unit_of_docker[96];
    snprintf(docker, sizeof(docker), "/system.slice/docker-%s.scope", id);
    snprintf(unit_of_docker, sizeof(unit_of_docker), "docker-%s.scope", id);
    const struct unit_case cases[] = {
        {"/system.slice/nginx.service", "nginx.service"},
        {"/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"},
        {"/system.slice/x.service/delegated/y.service", "x.service"},
        {"/user.slice/user-1000.slice/session-3.scope", "session-3.scope"},
        {"/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service", "shop.service"},
        {"/user.slice/user-1000.slice/user@1000.service/app.slice/app-a.slice/b.scope", "b.scope"},
        {"/user.slice/user-1000.slice/user@1000.service/init.scope", "user@1000.service"},
        {"/user.slice/user-1000.slice/user@1000.service/app.slice", "user@1000.service"},
        {"/init.scope", "init.scope"},
        {"/system.slice/_cpu.service", "cpu.service"},
        {docker, unit_of_docker},
        {"/system.slice/run-x.mount", "run-x.mount"},
        {"/", NULL},
        {"", NULL},
        {"/docker/0a1b2c", NULL},
        {"/kubepods/pod1", NULL},
        {"/system.slice", NULL},
        {"/.service", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char unit[PROCESS_UNIT_SIZE] = "before";
        assert_int_equal(cgroup_unit(cases[i].path, unit), cases[i].unit != NULL);
        assert_string_equal(unit, cases[i].unit ? cases[i].unit : "before");
    }
}

static void test_hostile_and_long_units(void **state)
{
    (void)state;
    char unit[PROCESS_UNIT_SIZE] = "before", path[512] = "/";
    assert_true(cgroup_unit("/a\x1b\xff.service", unit));
    assert_true(text_is_clean(unit));
    memset(path + 1, 'x', 200);
    memcpy(path + 201, ".service", sizeof(".service"));
    text_copy(unit, sizeof(unit), "before");
    assert_false(cgroup_unit(path, unit));
    /* Short as bytes, but each becomes three when cleaned. */
    memset(path + 1, '\xff', 60);
    memcpy(path + 61, ".service", sizeof(".service"));
    assert_false(cgroup_unit(path, unit));
    assert_string_equal(unit, "before");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_line_counts),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_hostile_and_long_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
