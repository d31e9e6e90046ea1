/* SPDX-License-Identifier: MIT */
#include "collect/newcomers.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT 4096

static struct newcomers newcomers;
static pid_t pids[LIMIT];
static size_t count;

static int set_up(void **state)
{
    (void)state;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    newcomers_init(&newcomers, proc);
    close(proc);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    newcomers_finish(&newcomers);
    return 0;
}

/* Reads until numbers are told; other programs of the machine may make the pids wrap. */
static void settle(void)
{
    if (newcomers.loadavg < 0) {
        print_message("SKIP: no pidfd_open, or a /proc of another pid namespace\n");
        skip();
    }
    for (int i = 0; i < 100; i++)
        if (newcomers_read(&newcomers, LIMIT, pids, &count) == NEWCOMERS_KNOWN)
            return;
    fail();
}

static bool told(pid_t pid)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

static pid_t start(void)
{
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void test_the_first_two_calls_ask_for_a_list(void **state)
{
    (void)state;
    assert_int_equal(newcomers_read(&newcomers, LIMIT, pids, &count), NEWCOMERS_LIST);
    assert_int_equal(newcomers_read(&newcomers, LIMIT, pids, &count), NEWCOMERS_LIST);
}

static void test_a_child_is_told_twice(void **state)
{
    (void)state;
    settle();
    pid_t child = start();
    assert_true(child > 0);
    enum newcomers_result first = newcomers_read(&newcomers, LIMIT, pids, &count);
    if (first == NEWCOMERS_KNOWN)
        assert_true(told(child));
    /* Its number may have been given out before it could be seen: once more, unless other programs
     * were given many since. */
    bool again = first == NEWCOMERS_KNOWN && newcomers.last - child < NEWCOMERS_TWICE;
    if (newcomers_read(&newcomers, LIMIT, pids, &count) == NEWCOMERS_KNOWN && again)
        assert_true(told(child));
    if (newcomers_read(&newcomers, LIMIT, pids, &count) == NEWCOMERS_KNOWN)
        assert_false(told(child));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static atomic_int thread_pid;
static atomic_bool thread_over;

static void *live(void *context)
{
    atomic_store(&thread_pid, (int)syscall(SYS_gettid));
    while (!atomic_load(&thread_over))
        usleep(1000);
    return context;
}

static void test_threads_are_no_processes(void **state)
{
    (void)state;
    pthread_t thread;
    settle();
    assert_int_equal(pthread_create(&thread, NULL, live, NULL), 0);
    while (atomic_load(&thread_pid) == 0)
        usleep(1000);
    if (newcomers_read(&newcomers, LIMIT, pids, &count) == NEWCOMERS_KNOWN)
        assert_false(told(atomic_load(&thread_pid)));
    atomic_store(&thread_over, true);
    pthread_join(thread, NULL);
}

static void test_too_many_are_a_list(void **state)
{
    (void)state;
    settle();
    for (int i = 0; i < 3; i++) {
        pid_t child = start();
        assert_true(child > 0);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    assert_int_equal(newcomers_read(&newcomers, 2, pids, &count), NEWCOMERS_LIST);
}

/* The numbers of a recorded tree, or of another pid namespace, are not ours. */
static void test_a_recorded_tree_has_no_numbers(void **state)
{
    (void)state;
    char path[] = "/tmp/memtend-newcomers-XXXXXX";
    struct newcomers recorded;
    assert_non_null(mkdtemp(path));
    int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat("1", root, "self"), 0);
    int file = openat(root, "loadavg", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(file, "0.0 0.0 0.0 1/2 300\n", 20), 20);
    close(file);
    newcomers_init(&recorded, root);
    for (int i = 0; i < 4; i++)
        assert_int_equal(newcomers_read(&recorded, LIMIT, pids, &count), NEWCOMERS_LIST);
    newcomers_finish(&recorded);
    unlinkat(root, "loadavg", 0);
    unlinkat(root, "self", 0);
    close(root);
    rmdir(path);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_first_two_calls_ask_for_a_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_child_is_told_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads_are_no_processes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_many_are_a_list, set_up, tear_down),
        cmocka_unit_test(test_a_recorded_tree_has_no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
