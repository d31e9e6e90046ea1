/* SPDX-License-Identifier: MIT */
#include "collect/proc_statm.h"

#include "collect/proc_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int proc;

static int open_proc(void **state)
{
    (void)state;
    proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return proc < 0 ? -1 : 0;
}

/* --- the text --- */

static void test_parse(void **state)
{
    (void)state;
    static const char text[] = "56123 1024 512 7 0 999 0\n";
    struct proc_statm statm;
    assert_int_equal(proc_statm_parse(text, strlen(text), &statm), OUTCOME_OK);
    assert_int_equal(statm.rss_bytes, 1024 * getpagesize());
    assert_int_equal(statm.text_pages, 7);
    static const char zombie[] = "0 0 0 0 0 0 0\n";
    assert_int_equal(proc_statm_parse(zombie, strlen(zombie), &statm), OUTCOME_OK);
    assert_int_equal(statm.rss_bytes, 0);
}

static void test_what_is_not_statm(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n",
        "1",
        "1 2",
        "1 2 3 4",
        "1 2 3",
        " 1 2 3 4 5",
        "1  2 3 4 5",
        "1 -2 3 4 5",
        "a b c d e",
        "1 99999999999999999999999 3 4 5",
        "1 9223372036854775807 3 4 5",
    };
    struct proc_statm statm = {.rss_bytes = 42};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(proc_statm_parse(texts[i], strlen(texts[i]), &statm), OUTCOME_MALFORMED);
    assert_int_equal(statm.rss_bytes, 42);
}

/* --- the running kernel --- */

/* A child that waits to be killed. set_pid 0: any. -1 when it cannot be made with that number. */
static pid_t start(pid_t set_pid)
{
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    if (set_pid > 0) {
        arguments.set_tid = (uint64_t)(uintptr_t)&set_pid;
        arguments.set_tid_size = 1;
    }
    pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (pid == 0)
        for (;;)
            syscall(SYS_pause);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int open_statm(pid_t pid)
{
    int fd = -1;
    assert_int_equal(proc_statm_open(proc, pid, &fd), OUTCOME_OK);
    return fd;
}

static void test_own_memory(void **state)
{
    (void)state;
    struct proc_statm statm;
    int fd = open_statm(getpid());
    for (int again = 0; again < 2; again++) {
        assert_int_equal(proc_statm_read(fd, &statm), OUTCOME_OK);
        assert_true(statm.rss_bytes > 0 && statm.text_pages > 0);
    }
    close(fd);
}

static void test_gone_once_reaped(void **state)
{
    (void)state;
    struct proc_statm statm;
    pid_t pid = start(0);
    assert_true(pid > 0);
    int fd = open_statm(pid);
    assert_int_equal(proc_statm_read(fd, &statm), OUTCOME_OK);
    assert_true(statm.rss_bytes > 0);
    kill(pid, SIGKILL);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(proc_statm_read(fd, &statm), OUTCOME_OK); /* a zombie has no memory */
    assert_int_equal(statm.rss_bytes, 0);
    waitpid(pid, NULL, 0);
    assert_int_equal(proc_statm_read(fd, &statm), OUTCOME_GONE);
    close(fd);
    int none = -7;
    assert_int_equal(proc_statm_open(proc, pid, &none), OUTCOME_GONE);
    assert_int_equal(none, -7);
}

/* Another process with the same number never answers through the descriptor of the first. */
static void test_a_pid_that_is_used_again(void **state)
{
    (void)state;
    struct proc_statm statm;
    struct proc_stat before, after;
    pid_t pid = start(0);
    assert_true(pid > 0);
    int fd = open_statm(pid);
    assert_int_equal(proc_statm_read(fd, &statm), OUTCOME_OK);
    assert_int_equal(proc_stat_read(proc, pid, &before), OUTCOME_OK);
    end(pid);
    pid_t again = start(pid);
    if (again < 0) {
        print_message("SKIP: a pid cannot be chosen here: %s\n", strerror(errno));
        close(fd);
        skip();
    }
    assert_int_equal(again, pid);
    assert_int_equal(proc_stat_read(proc, pid, &after), OUTCOME_OK);
    assert_int_equal(proc_statm_read(fd, &statm), OUTCOME_GONE);
    int second = open_statm(pid);
    assert_int_equal(proc_statm_read(second, &statm), OUTCOME_OK);
    close(second);
    end(pid);
    close(fd);
}

/* exec changes the memory, not the process: the descriptor follows, and the code tells. */
static void test_exec_keeps_the_descriptor(void **state)
{
    (void)state;
    struct proc_statm before, after;
    int go[2];
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(go[1]);
        if (read(go[0], &byte, 1) == 1)
            execl("/bin/sleep", "sleep", "600", (char *)NULL);
        _exit(1);
    }
    int fd = open_statm(pid);
    assert_int_equal(proc_statm_read(fd, &before), OUTCOME_OK);
    assert_int_equal(write(go[1], "x", 1), 1);
    time_t deadline = time(NULL) + 30;
    do {
        assert_true(time(NULL) < deadline);
        assert_int_equal(proc_statm_read(fd, &after), OUTCOME_OK);
    } while (after.text_pages == before.text_pages || after.text_pages == 0); /* 0: midway */
    close(go[0]);
    close(go[1]);
    end(pid);
    assert_int_equal(proc_statm_read(fd, &after), OUTCOME_GONE);
    close(fd);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_what_is_not_statm),
        cmocka_unit_test(test_own_memory),
        cmocka_unit_test(test_gone_once_reaped),
        cmocka_unit_test(test_a_pid_that_is_used_again),
        cmocka_unit_test(test_exec_keeps_the_descriptor),
    };
    return cmocka_run_group_tests(tests, open_proc, NULL);
}
