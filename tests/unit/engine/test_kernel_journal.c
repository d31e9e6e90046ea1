/* SPDX-License-Identifier: MIT */
/* Journals are made by systemd-journal-remote, from the export format. */
#include "engine/kernel_journal.h"

#include "base/clock.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WRITER        "/lib/systemd/systemd-journal-remote"
#define PATIENCE_USEC (60 * USEC_PER_SEC)
#define KILL_TEXT                                                                                  \
    "Memory cgroup out of memory: Killed process %d (%s) total-vm:4096kB, anon-rss:1024kB, "       \
    "file-rss:512kB, shmem-rss:512kB, UID:0 pgtables:40kB oom_score_adj:0"

static char directory[64];

static int make(void **state)
{
    (void)state;
    text_copy(directory, sizeof(directory), "/tmp/memtend-journal-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof(path), "%s/system.journal", directory);
    unlink(path);
    return rmdir(directory);
}

struct said {
    const char *transport;
    int facility;
    const char *boot; /* NULL = this one */
};

/* Appends one message. */
static void say(const struct said *said, const char *message)
{
    char path[128], boot[64] = "";
    int pipes[2], status;
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    assert_non_null(file);
    assert_non_null(fgets(boot, sizeof(boot), file));
    fclose(file);
    size_t kept = 0;
    for (const char *at = boot; *at && *at != '\n'; at++)
        if (*at != '-')
            boot[kept++] = *at;
    boot[kept] = '\0';
    snprintf(path, sizeof(path), "%s/system.journal", directory);
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipes[0], STDIN_FILENO);
        close(pipes[1]);
        if (!freopen("/dev/null", "w", stderr))
            _exit(126);
        execl(WRITER, WRITER, "-o", path, "-", NULL);
        _exit(127);
    }
    close(pipes[0]);
    uint64_t usec = clock_mono_usec();
    dprintf(pipes[1],
            "__REALTIME_TIMESTAMP=%llu\n__MONOTONIC_TIMESTAMP=%llu\n_BOOT_ID=%s\n_TRANSPORT=%s\n"
            "SYSLOG_FACILITY=%d\nPRIORITY=3\n_SOURCE_MONOTONIC_TIMESTAMP=%llu\nMESSAGE=%s\n\n",
            (unsigned long long)clock_wall_usec(), (unsigned long long)usec,
            said->boot ? said->boot : boot, said->transport, said->facility,
            (unsigned long long)usec, message);
    close(pipes[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void say_killed(const struct said *said, int pid, const char *comm)
{
    char text[512];
    snprintf(text, sizeof(text), KILL_TEXT, pid, comm);
    say(said, text);
}

struct heard {
    size_t count;
    struct kmsg_record last;
};

static void hear(void *context, const struct kmsg_record *kill)
{
    struct heard *heard = context;
    heard->count++;
    heard->last = *kill;
}

static void nap(void)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    nanosleep(&pause, NULL);
}

static void wait_for_state(struct kernel_journal *journal, enum kernel_journal_state state)
{
    for (uint64_t begun = clock_mono_usec(); kernel_journal_state(journal) != state; nap())
        assert_true(clock_mono_usec() - begun < PATIENCE_USEC);
}

static void wait_for_kills(struct kernel_journal *journal, struct heard *heard, size_t count)
{
    for (uint64_t begun = clock_mono_usec(); heard->count < count; nap()) {
        kernel_journal_take(journal, hear, heard);
        assert_true(clock_mono_usec() - begun < PATIENCE_USEC);
    }
}

static const struct said kernel = {.transport = "kernel"};

/* What was there before is history; what others say is not the kernel's. */
static void test_kills_of_now(void **state)
{
    (void)state;
    static const struct said others[] = {
        {.transport = "syslog"},
        {.transport = "kernel", .facility = 1}, /* who writes to /dev/kmsg */
        {.transport = "kernel", .boot = "0123456789abcdef0123456789abcdef"},
    };
    struct kernel_journal *journal;
    struct heard heard = {0};
    if (access(WRITER, X_OK) < 0)
        skip();
    say_killed(&kernel, 100, "before");
    assert_int_equal(kernel_journal_new(directory, &journal), 0);
    wait_for_state(journal, KERNEL_JOURNAL_READ);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        say_killed(&others[i], 200, "forged");
    say(&kernel, "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
                 "oom_memcg=/a,task_memcg=/a/b,task=web,pid=300,uid=0");
    say_killed(&kernel, 300, "web");
    wait_for_kills(journal, &heard, 1);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.last.pid, 300);
    assert_string_equal(heard.last.comm, "web");
    assert_string_equal(heard.last.cgroup, "/a/b");
    assert_int_equal(heard.last.constraint, OOM_CONSTRAINT_MEMCG);
    assert_int_equal(heard.last.rss_bytes, 2 << 20);
    assert_true(heard.last.usec > 0 && heard.last.usec <= clock_mono_usec());
    kernel_journal_free(journal);
}

/* The first message of the kernel comes after the start. */
static void test_an_empty_journal(void **state)
{
    (void)state;
    struct kernel_journal *journal;
    struct heard heard = {0};
    if (access(WRITER, X_OK) < 0)
        skip();
    say_killed(&(struct said){.transport = "syslog"}, 1, "other");
    assert_int_equal(kernel_journal_new(directory, &journal), 0);
    wait_for_state(journal, KERNEL_JOURNAL_ABSENT);
    say_killed(&kernel, 300, "a) b\\x41");
    wait_for_kills(journal, &heard, 1);
    assert_int_equal(kernel_journal_state(journal), KERNEL_JOURNAL_READ);
    assert_string_equal(heard.last.comm, "a) b\\x41");
    kernel_journal_free(journal);
}

static void test_no_journal(void **state)
{
    (void)state;
    struct kernel_journal *journal;
    struct heard heard = {0};
    assert_int_equal(kernel_journal_new("/nowhere/at/all", &journal), 0);
    kernel_journal_take(journal, hear, &heard);
    assert_int_equal(kernel_journal_state(journal), KERNEL_JOURNAL_ABSENT);
    assert_int_equal(heard.count, 0);
    kernel_journal_free(journal);
    assert_int_equal(kernel_journal_state(NULL), KERNEL_JOURNAL_ABSENT);
    kernel_journal_take(NULL, hear, &heard);
    kernel_journal_free(NULL);
}

/* Whatever a name has in it stays in its line; what does not fit is cut, never within an escape. */
static void test_lines(void **state)
{
    (void)state;
    char line[64];
    static const char message[] = "a\n6,1,1,-;b\\\x01\xff";
    size_t length = kernel_journal_line(message, sizeof(message) - 1, 77, line, sizeof(line));
    assert_string_equal(line, "6,0,77,-;a\\x0a6,1,1,-;b\\x5c\\x01\\xff");
    assert_int_equal(length, strlen(line));
    for (size_t size = 12; size < sizeof(line); size++) {
        length = kernel_journal_line(message, sizeof(message) - 1, 77, line, size);
        assert_true(length < size);
        assert_int_equal(length, strlen(line));
        const char *last = strrchr(line, '\\');
        assert_true(!last || strlen(last) >= 4);
    }
}

#define journal_test(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        journal_test(test_kills_of_now),
        journal_test(test_an_empty_journal),
        journal_test(test_no_journal),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
