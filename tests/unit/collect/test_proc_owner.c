/* SPDX-License-Identifier: MIT */
#include "collect/proc_owner.h"

#include "collect/proc_stat.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool is(const char *text, uid_t uid)
{
    return proc_owner_is(text, strlen(text), uid);
}

static void all_four_count(void **state)
{
    (void)state;
    assert_true(is("Name:\tx\nUid:\t7\t7\t7\t7\nGid:\t1\n", 7));
    assert_false(is("Name:\tx\nUid:\t7\t7\t7\t7\nGid:\t1\n", 8));
    for (int other = 0; other < 4; other++) {
        char text[] = "Name:\tx\nUid:\t7\t7\t7\t7\n";
        text[13 + 2 * other] = '0';
        assert_false(is(text, 7));
        assert_false(is(text, 0));
    }
}

static void what_is_odd_is_nobodys(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "Uid:\t7\t7\t7\t7\n", /* not at the beginning of the file */
        "Name:\tx\n",
        "Name:\tx\nUid:",
        "Name:\tx\nUid:\t7\t7\t7\n",
        "Name:\tx\nUid:\t7\t7\t7\t7", /* cut: 77 perhaps */
        "Name:\tx\nUid:\t7\t7\t7\t7\t0\n",
        "Name:\tx\nUid:\t-7\t7\t7\t7\n",
        "Name:\tx\nUid:\t4294967303\t7\t7\t7\n",
        "Name:\tx\nUid: 7 7 7 7\n",
        "Name:\tx\nUid:\t0\t0\t0\t0\nUid:\t7\t7\t7\t7\n", /* the kernel's is the first */
        "Name:\t\\nUid:\t7\t7\t7\t7\nUid:\t0\t0\t0\t0\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(is(texts[i], 7));
}

/* Between two readings, without exec. */
static void a_change_is_seen_at_once(void **state)
{
    (void)state;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), go[2], done[2];
    char byte;
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (read(go[0], &byte, 1) != 1 || (geteuid() == 0 && setresuid(65534, 65534, 0) < 0) ||
            write(done[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    struct proc_stat stat;
    assert_int_equal(proc_stat_read(proc, pid, &stat), OUTCOME_OK);
    assert_int_equal(proc_owner_check(proc, stat.id, geteuid()), PROC_OWNER_SAME);
    assert_int_equal(proc_owner_check(proc, stat.id, geteuid() + 1), PROC_OWNER_OTHER);
    assert_int_equal(write(go[1], "x", 1), 1);
    assert_int_equal(read(done[0], &byte, 1), 1);
    /* Half of it is another's: nobody's to decide about. */
    if (geteuid() == 0) {
        assert_int_equal(proc_owner_check(proc, stat.id, 65534), PROC_OWNER_OTHER);
        assert_int_equal(proc_owner_check(proc, stat.id, 0), PROC_OWNER_OTHER);
    }
    struct process_id another = {.pid = pid, .start_ticks = stat.id.start_ticks + 1};
    assert_int_equal(proc_owner_check(proc, another, geteuid()), PROC_OWNER_GONE);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(proc_owner_check(proc, stat.id, geteuid()), PROC_OWNER_GONE);
    close(proc);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_four_count),
        cmocka_unit_test(what_is_odd_is_nobodys),
        cmocka_unit_test(a_change_is_seen_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
