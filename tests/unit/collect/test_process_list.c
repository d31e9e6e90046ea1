/* SPDX-License-Identifier: MIT */
#include "collect/process_list.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A root with these names in it. */
static int make_root(char path[static 64], const char *const *names)
{
    snprintf(path, 64, "/tmp/memtend-list-XXXXXX");
    assert_non_null(mkdtemp(path));
    int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    for (; *names; names++)
        assert_int_equal(mkdirat(root, *names, 0700), 0);
    return root;
}

static void remove_root(const char *path, int root, const char *const *names)
{
    for (; *names; names++)
        unlinkat(root, *names, AT_REMOVEDIR);
    close(root);
    rmdir(path);
}

static const char *const mixed[] = {"300", "2",  "10", "1",           "self", "12x",     "x12",
                                    "0",   "01", "-5", "99999999999", "sys",  "4194304", NULL};

static void test_only_pids_in_order(void **state)
{
    (void)state;
    char path[64];
    int root = make_root(path, mixed);
    struct process_list list;
    assert_int_equal(process_list_init(&list, root, 100), 0);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(process_list_read(&list), 0);
        static const pid_t expected[] = {1, 2, 10, 300, 4194304};
        assert_int_equal(list.count, 5);
        assert_memory_equal(list.pids, expected, sizeof(expected));
        assert_false(list.cut);
    }
    process_list_finish(&list);
    process_list_finish(&list);
    remove_root(path, root, mixed);
}

static void test_limit(void **state)
{
    (void)state;
    char path[64];
    int root = make_root(path, mixed);
    struct process_list list;
    assert_int_equal(process_list_init(&list, root, 3), 0);
    assert_int_equal(process_list_read(&list), 0);
    assert_int_equal(list.count, 3);
    assert_true(list.cut);
    process_list_finish(&list);
    remove_root(path, root, mixed);
}

static void test_empty(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    char path[64];
    int root = make_root(path, none);
    struct process_list list;
    assert_int_equal(process_list_init(&list, root, 3), 0);
    assert_int_equal(process_list_read(&list), 0);
    assert_int_equal(list.count, 0);
    process_list_finish(&list);
    remove_root(path, root, none);
}

static void test_real_proc(void **state)
{
    (void)state;
    int root = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct process_list list;
    assert_int_equal(process_list_init(&list, root, 100000), 0);
    assert_int_equal(process_list_read(&list), 0);
    bool own = list.pids[0] == getpid();
    for (size_t i = 1; i < list.count; i++) {
        assert_true(list.pids[i - 1] < list.pids[i]);
        own = own || list.pids[i] == getpid();
    }
    assert_true(own);
    process_list_finish(&list);
    close(root);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_pids_in_order),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_real_proc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
