/* SPDX-License-Identifier: MIT */
/* Against the running kernel: processes that live, end and are not ours. */
#include "collect/proc_cgroup.h"
#include "collect/proc_cmdline.h"
#include "collect/proc_exe.h"
#include "collect/proc_file.h"
#include "collect/proc_rollup.h"
#include "collect/proc_stat.h"
#include "collect/proc_status.h"
#include "collect/self.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (INT64_C(1) << 20)

static int proc;

static int open_proc(void **state)
{
    (void)state;
    proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return proc < 0 ? -1 : 0;
}

/* A child that tells when it is ready and then waits to be killed. */
static pid_t start(void (*prepare)(void))
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (prepare)
            prepare();
        _exit(write(ready[1], "x", 1) == 1 && pause() ? 1 : 0);
    }
    char byte;
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_paths(void **state)
{
    (void)state;
    char path[PROC_PATH_SIZE];
    proc_path(1, "stat", path);
    assert_string_equal(path, "1/stat");
    proc_path(4194304, "smaps_rollup", path);
    assert_string_equal(path, "4194304/smaps_rollup");
    proc_path(INT32_MAX, "x", path);
    assert_string_equal(path, "2147483647/x");
}

static void test_self(void **state)
{
    (void)state;
    struct proc_stat stat;
    struct proc_status status;
    struct self_memory memory;
    assert_int_equal(proc_stat_read(proc, getpid(), &stat), OUTCOME_OK);
    assert_int_equal(stat.id.pid, getpid());
    assert_int_equal(stat.ppid, getppid());
    assert_true(stat.threads >= 1);
    assert_true(stat.rss_bytes > 0);
    assert_int_equal(proc_status_read(proc, getpid(), &status), OUTCOME_OK);
    assert_int_equal(status.uid, getuid());
    assert_int_equal(self_memory_read(proc, getpid(), &memory), OUTCOME_OK);
    assert_true(memory.private_bytes > 0 && memory.private_bytes < memory.rss_bytes * 2);
}

static void test_memory_that_is_touched_shows(void **state)
{
    (void)state;
    size_t size = (size_t)(32 * MIB);
    struct proc_rollup before, after;
    assert_int_equal(proc_rollup_read(proc, getpid(), &before), OUTCOME_OK);
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    memset(memory, 1, size);
    assert_int_equal(proc_rollup_read(proc, getpid(), &after), OUTCOME_OK);
    /* Libraries that others begin to share meanwhile are no longer ours alone; sanitizers keep up
     * to five bytes of their own for each of ours. */
    assert_in_range(after.uss_bytes - before.uss_bytes, 24 * MIB, 34 * 6 * MIB);
    munmap(memory, size);
}

static void take_hostile_name(void)
{
    prctl(PR_SET_NAME, "a\n) R 1\x1b\xff");
}

static void test_hostile_name(void **state)
{
    (void)state;
    pid_t pid = start(take_hostile_name);
    struct proc_stat stat;
    struct proc_status status;
    assert_int_equal(proc_stat_read(proc, pid, &stat), OUTCOME_OK);
    assert_string_equal(stat.comm, "a\xEF\xBF\xBD) R 1\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_int_equal(stat.ppid, getpid());
    assert_int_equal(proc_status_read(proc, pid, &status), OUTCOME_OK);
    assert_int_equal(status.uid, getuid());
    end(pid);
}

static void test_identity(void **state)
{
    (void)state;
    pid_t pid = start(NULL);
    struct proc_exe own, child;
    struct proc_cgroup cgroup;
    char bytes[4096];
    size_t length = 0;
    assert_int_equal(proc_exe_read(proc, getpid(), &own), OUTCOME_OK);
    assert_int_equal(proc_exe_read(proc, pid, &child), OUTCOME_OK);
    assert_true(own.device == child.device && own.inode == child.inode);
    assert_int_equal(proc_cmdline_read(proc, pid, bytes, sizeof(bytes), &length), OUTCOME_OK);
    assert_true(length > 0 && bytes[length - 1] == '\0');
    assert_non_null(strstr(bytes, "live"));
    assert_int_equal(proc_cgroup_read(proc, pid, &cgroup), OUTCOME_OK);
    assert_int_equal(cgroup.path[0], '/');
    end(pid);
}

static void test_zombie_then_gone(void **state)
{
    (void)state;
    pid_t pid = start(NULL);
    struct proc_stat stat;
    struct proc_status status;
    struct proc_rollup rollup;
    struct proc_exe exe;
    siginfo_t info;
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(proc_stat_read(proc, pid, &stat), OUTCOME_OK);
    assert_int_equal(stat.state, 'Z');
    assert_int_equal(stat.rss_bytes, 0);
    assert_int_equal(proc_status_read(proc, pid, &status), OUTCOME_OK);
    assert_int_equal(status.present, 0);
    assert_int_equal(proc_rollup_read(proc, pid, &rollup), OUTCOME_GONE);
    assert_int_equal(proc_exe_read(proc, pid, &exe), OUTCOME_GONE);
    waitpid(pid, NULL, 0);
    assert_int_equal(proc_stat_read(proc, pid, &stat), OUTCOME_GONE);
    assert_int_equal(proc_status_read(proc, pid, &status), OUTCOME_GONE);
    assert_int_equal(proc_rollup_read(proc, pid, &rollup), OUTCOME_GONE);
}

/* Whatever moment a process ends at: all or nothing. */
static void test_processes_that_end_while_they_are_read(void **state)
{
    (void)state;
    int whole = 0;
    for (int round = 0; round < 200; round++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        enum outcome outcome = OUTCOME_OK;
        for (int reads = 0; reads < 20 && outcome == OUTCOME_OK; reads++) {
            struct proc_stat stat;
            struct proc_rollup rollup;
            outcome = proc_stat_read(proc, pid, &stat);
            assert_true(outcome == OUTCOME_OK || outcome == OUTCOME_GONE);
            if (outcome == OUTCOME_OK)
                assert_int_equal(stat.id.pid, pid);
            whole += outcome == OUTCOME_OK;
            enum outcome deep = proc_rollup_read(proc, pid, &rollup);
            assert_true(deep == OUTCOME_OK || deep == OUTCOME_GONE);
            if (deep == OUTCOME_OK)
                assert_true(rollup.pss_bytes <= rollup.rss_bytes);
            waitpid(pid, NULL, WNOHANG);
        }
        waitpid(pid, NULL, 0);
    }
    assert_true(whole > 0);
}

/* As another user what needs rights is denied, which is not the same as gone. */
static void test_denied(void **state)
{
    (void)state;
    if (getuid() != 0)
        skip();
    pid_t target = start(NULL);
    pid_t reader = fork();
    if (reader == 0) {
        struct proc_stat stat;
        struct proc_rollup rollup;
        struct proc_exe exe;
        bool right = setresuid(65534, 65534, 65534) == 0 &&
                     proc_stat_read(proc, target, &stat) == OUTCOME_OK &&
                     proc_rollup_read(proc, target, &rollup) == OUTCOME_DENIED &&
                     proc_exe_read(proc, target, &exe) == OUTCOME_DENIED;
        _exit(right ? 0 : 1);
    }
    int status;
    waitpid(reader, &status, 0);
    end(target);
    assert_int_equal(status, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_self),
        cmocka_unit_test(test_memory_that_is_touched_shows),
        cmocka_unit_test(test_hostile_name),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_zombie_then_gone),
        cmocka_unit_test(test_processes_that_end_while_they_are_read),
        cmocka_unit_test(test_denied),
    };
    return cmocka_run_group_tests(tests, open_proc, NULL);
}
