/* SPDX-License-Identifier: MIT */
/* How real processes ended, where this kernel tells. */
#include "engine/exits.h"

#include "collect/proc_stat.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int proc_fd;

/* Waits for a byte or the end of its pipe, then exits with `code`. Its id. */
static struct process_id child(int code, int *ret_pipe)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char byte;
        close(ends[1]);
        if (read(ends[0], &byte, 1) < 0)
            _exit(99);
        _exit(code);
    }
    close(ends[0]);
    *ret_pipe = ends[1];
    struct proc_stat stat;
    assert_int_equal(proc_stat_read(proc_fd, pid, &stat), OUTCOME_OK);
    return stat.id;
}

/* What waitpid() says and what the pidfd says are the same. */
static void assert_same(struct exits *exits, struct process_id id)
{
    int waited, taken = -1;
    assert_int_equal(waitpid(id.pid, &waited, 0), id.pid);
    int r = exits_take(exits, id, &taken);
    if (r == 0) {
        assert_int_equal(taken, waited);
        assert_int_equal(exits_take(exits, id, &taken), -ENOENT);
        return;
    }
    /* An older kernel: said once, then never asked again, and nothing stays open. */
    print_message("this kernel does not tell how a process ended: %d\n", r);
    assert_int_equal(taken, -1);
    assert_true(exits->unsupported);
    assert_int_equal(exits->count, 0);
    assert_int_equal(exits_add(exits, id), -EOPNOTSUPP);
}

static void an_exit_and_a_signal(void **state)
{
    (void)state;
    struct exits exits;
    int first, second;
    exits_init(&exits, proc_fd);
    struct process_id one = child(3, &first), two = child(0, &second);
    assert_int_equal(exits_add(&exits, one), 0);
    assert_int_equal(exits_add(&exits, one), -EEXIST);
    assert_int_equal(exits_add(&exits, two), 0);
    /* A byte, as the second one holds this end open too. */
    assert_int_equal(write(first, "", 1), 1);
    close(first);
    assert_same(&exits, one);
    kill(two.pid, SIGKILL);
    if (!exits.unsupported)
        assert_same(&exits, two);
    else
        waitpid(two.pid, NULL, 0);
    close(second);
    exits_finish(&exits);
}

static void the_wrong_process_is_not_watched(void **state)
{
    (void)state;
    struct exits exits;
    int pipe_end, status;
    exits_init(&exits, proc_fd);
    struct process_id id = child(0, &pipe_end), other = id;
    other.start_ticks--;
    assert_int_equal(exits_add(&exits, other), -ESRCH);
    assert_int_equal(exits_take(&exits, other, &status), -ENOENT);
    close(pipe_end);
    waitpid(id.pid, NULL, 0);
    assert_int_equal(exits_add(&exits, id), -ESRCH);
    assert_int_equal(exits.count, 0);
    exits_finish(&exits);
}

static void only_so_many_are_watched(void **state)
{
    (void)state;
    struct exits *exits = malloc(sizeof(*exits));
    assert_non_null(exits);
    int pipe_end;
    exits_init(exits, proc_fd);
    for (size_t i = 0; i < EXITS_LIMIT; i++)
        exits->watches[exits->count++] = (struct exits_watch){.id = {.pid = 1}, .pidfd = -1};
    struct process_id id = child(0, &pipe_end);
    assert_int_equal(exits_add(exits, id), -ENOSPC);
    close(pipe_end);
    waitpid(id.pid, NULL, 0);
    free(exits);
}

int main(void)
{
    proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exit_and_a_signal),
        cmocka_unit_test(the_wrong_process_is_not_watched),
        cmocka_unit_test(only_so_many_are_watched),
    };
    return proc_fd < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
