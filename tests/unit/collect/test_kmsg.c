/* SPDX-License-Identifier: MIT */
/* The kernel's words about OOM kills, as Linux 4.19, 5.0, 5.10, 6.1 and 6.18 write them. */
#include "collect/kmsg.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct heard {
    size_t count;
    struct kmsg_record kills[16];
};

static void hear(void *context, const struct kmsg_record *kill)
{
    struct heard *heard = context;
    assert_true(heard->count < 16);
    assert_true(text_is_clean(kill->comm) && text_is_clean(kill->cgroup));
    heard->kills[heard->count++] = *kill;
}

/* Messages of the kernel a millisecond apart. */
static struct heard read_messages(const char *const *messages)
{
    struct heard heard = {0};
    struct kmsg_follower follower = {0};
    for (unsigned i = 0; messages[i]; i++) {
        char text[2048];
        struct kmsg_record record;
        int length = snprintf(text, sizeof(text), "3,%u,%u,-;%s\n", 100 + i, 5000000 + i * 1000,
                              messages[i]);
        assert_true(kmsg_parse(text, (size_t)length, &record));
        assert_int_equal(record.sequence, 100 + i);
        if (kmsg_follow(&follower, &record))
            hear(&heard, &record);
    }
    return heard;
}

static void assert_kill(const struct kmsg_record *kill, pid_t pid, const char *comm,
                        enum oom_constraint constraint, const char *cgroup, int64_t rss_kilobytes)
{
    assert_int_equal(kill->pid, pid);
    assert_string_equal(kill->comm, comm);
    assert_int_equal(kill->constraint, constraint);
    assert_string_equal(kill->cgroup, cgroup);
    assert_int_equal(kill->rss_bytes, rss_kilobytes < 0 ? -1 : rss_kilobytes * 1024);
}

static void linux_4_19_in_a_cgroup(void **state)
{
    (void)state;
    struct heard heard = read_messages((const char *const[]){
        "stress invoked oom-killer: gfp_mask=0x6000c0(GFP_KERNEL), nodemask=(null), order=0, "
        "oom_score_adj=0",
        "Task in /docker/555fa75e killed as a result of limit of /docker",
        "memory: usage 1048576kB, limit 1048576kB, failcnt 267",
        "[ 3897]     0  3897   394872   262036  2146304        0             0 stress",
        "Memory cgroup out of memory: Kill process 3897 (stress) score 1001 or sacrifice child",
        "Killed process 3897 (stress) total-vm:1579488kB, anon-rss:1048132kB, file-rss:12kB, "
        "shmem-rss:0kB",
        "oom_reaper: reaped process 3897 (stress), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
        /* The dump of the next one was left out: its cgroup is not known. */
        "Memory cgroup out of memory: Kill process 3898 (stress) score 1001 or sacrifice child",
        "Killed process 3900 (child) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB",
        NULL});
    assert_int_equal(heard.count, 2);
    assert_kill(&heard.kills[0], 3897, "stress", OOM_CONSTRAINT_MEMCG, "/docker/555fa75e", 1048144);
    assert_kill(&heard.kills[1], 3900, "child", OOM_CONSTRAINT_MEMCG, "", 9);
    assert_int_equal(heard.kills[0].usec, 5005000);
}

static void linux_4_19_on_the_whole_machine(void **state)
{
    (void)state;
    struct heard heard = read_messages((const char *const[]){
        "Task in /a killed as a result of limit of /a",
        "Out of memory: Kill process 2188 (mysqld) score 60 or sacrifice child",
        "Killed process 2188 (mysqld) total-vm:3330016kB, anon-rss:864176kB, file-rss:8072kB, "
        "shmem-rss:0kB",
        NULL});
    assert_int_equal(heard.count, 1);
    assert_kill(&heard.kills[0], 2188, "mysqld", OOM_CONSTRAINT_UNKNOWN, "", 872248);
}

static void linux_5_0_has_both(void **state)
{
    (void)state;
    struct heard heard = read_messages((const char *const[]){
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
        "task_memcg=/user.slice,task=tail,pid=10235,uid=1000",
        "Out of memory: Kill process 10235 (tail) score 998 or sacrifice child",
        "Killed process 10235 (tail) total-vm:10kB, anon-rss:1kB, file-rss:2kB, shmem-rss:3kB",
        NULL});
    assert_int_equal(heard.count, 1);
    assert_kill(&heard.kills[0], 10235, "tail", OOM_CONSTRAINT_NONE, "/user.slice", 6);
}

static void linux_5_8_in_a_cgroup(void **state)
{
    (void)state;
    struct heard heard = read_messages((const char *const[]){
        "memcg_process invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0-1,"
        "oom_memcg=/ltp_19257,task_memcg=/ltp_19257/a,task=memcg_process,pid=19289,uid=0",
        "Memory cgroup out of memory: Killed process 19289 (memcg_process) total-vm:2676kB, "
        "anon-rss:84kB, file-rss:1468kB, shmem-rss:4kB, UID:0 pgtables:40kB oom_score_adj:0",
        /* Without a context of its own: nothing of the one before. */
        "Memory cgroup out of memory: Killed process 19290 (memcg_process) total-vm:2676kB, "
        "anon-rss:84kB, file-rss:1468kB, shmem-rss:4kB, UID:0 pgtables:40kB oom_score_adj:0",
        NULL});
    assert_int_equal(heard.count, 2);
    assert_kill(&heard.kills[0], 19289, "memcg_process", OOM_CONSTRAINT_MEMCG, "/ltp_19257/a",
                1556);
    assert_kill(&heard.kills[1], 19290, "memcg_process", OOM_CONSTRAINT_MEMCG, "", 1556);
}

static void linux_6_18_on_the_whole_machine(void **state)
{
    (void)state;
    struct heard heard = read_messages((const char *const[]){
        "oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=0-2,4,cpuset=/jobs,mems_allowed=0,2-4,"
        "global_oom,task_memcg=/jobs/test,task=worker one,pid=10,uid=1000",
        "Out of memory: Killed process 10 (worker one) total-vm:1kB, anon-rss:2kB, file-rss:0kB, "
        "shmem-rss:0kB, UID:1000 pgtables:40kB oom_score_adj:-998",
        "Out of memory (oom_kill_allocating_task): Killed process 11 (x) total-vm:1kB, "
        "anon-rss:2kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:40kB oom_score_adj:0",
        NULL});
    assert_int_equal(heard.count, 2);
    assert_kill(&heard.kills[0], 10, "worker one", OOM_CONSTRAINT_CPUSET, "/jobs/test", 2);
    assert_kill(&heard.kills[1], 11, "x", OOM_CONSTRAINT_UNKNOWN, "", 2);
}

/* memory.oom.group: one decision, many kills; and one elsewhere that is none of them. */
static void a_group_is_killed_as_a_whole(void **state)
{
    (void)state;
    struct heard heard = read_messages((const char *const[]){
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
        "oom_memcg=/app,task_memcg=/app/w,task=a,pid=21,uid=0",
        "Memory cgroup out of memory: Killed process 21 (a) total-vm:1kB, anon-rss:1kB, "
        "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0",
        "Tasks in /app are going to be killed due to memory.oom.group set",
        "Memory cgroup out of memory: Killed process 21 (a) total-vm:1kB, anon-rss:1kB, "
        "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0",
        "Memory cgroup out of memory: Killed process 22 (b) total-vm:1kB, anon-rss:1kB, "
        "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0",
        "Out of memory: Killed process 23 (c) total-vm:1kB, anon-rss:1kB, file-rss:0kB, "
        "shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0",
        NULL});
    assert_int_equal(heard.count, 4);
    assert_kill(&heard.kills[0], 21, "a", OOM_CONSTRAINT_MEMCG, "/app/w", 1);
    assert_kill(&heard.kills[2], 22, "b", OOM_CONSTRAINT_MEMCG, "/app", 1);
    assert_kill(&heard.kills[3], 23, "c", OOM_CONSTRAINT_UNKNOWN, "", 1);
}

static void names_are_hostile(void **state)
{
    (void)state;
    struct heard heard = read_messages((const char *const[]){
        /* A newline, a bracket and an escape; then text that looks like the kernel's. */
        "Memory cgroup out of memory: Killed process 1 (a\\x0ab)\\x1b[1m\\x5c) total-vm:1kB, "
        "anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0",
        "Out of memory: Killed process 2 () total-vm:1kB) total-vm:1kB, anon-rss:1kB, "
        "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0",
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
        "oom_memcg=/x,task_memcg=/x,pid=7,uid=7,task=,pid=8,uid=8,pid=3,uid=0",
        "Memory cgroup out of memory: Killed process 3 (,pid=8,uid=8) total-vm:1kB, anon-rss:1kB, "
        "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0",
        "Memory cgroup out of memory: Killed process 4 (\\xc3\\xa9\\xff) total-vm:1kB, "
        "anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0",
        /* Programs' names where the kernel puts them in front. */
        "Killed process [77]: segfault at 0 ip 0 sp 0 error 4 in x[0+1]",
        "Out of memory: [78]: Killed process 5 (x) total-vm:1kB, anon-rss:1kB",
        "Killed process 5 (x)", NULL});
    assert_int_equal(heard.count, 4);
    assert_kill(&heard.kills[0], 1,
                "a\xef\xbf\xbd"
                "b)\xef\xbf\xbd[1m\\",
                OOM_CONSTRAINT_MEMCG, "", 1);
    assert_kill(&heard.kills[1], 2, ") total-vm:1kB", OOM_CONSTRAINT_UNKNOWN, "", 1);
    assert_kill(&heard.kills[2], 3, ",pid=8,uid=8", OOM_CONSTRAINT_MEMCG, "/x,pid=7,uid=7", 1);
    assert_kill(&heard.kills[3], 4, "\xc3\xa9\xef\xbf\xbd", OOM_CONSTRAINT_MEMCG, "", 1);
}

static void what_is_missing_is_unknown(void **state)
{
    (void)state;
    struct heard heard = read_messages((const char *const[]){
        "Out of memory: Killed process 5 (x) total-vm:1kB, anon-rss:",
        "Out of memory: Killed process 6 (x) total-vm:99999999999999999999kB, anon-rss:1kB, "
        "file-rss:0kB, shmem-rss:0kB",
        "Out of memory: Killed process 99999999999 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB, "
        "shmem-rss:0kB",
        "Out of memory: Killed process 0 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB, "
        "shmem-rss:0kB",
        NULL});
    assert_int_equal(heard.count, 2);
    assert_kill(&heard.kills[0], 5, "x", OOM_CONSTRAINT_UNKNOWN, "", -1);
    assert_kill(&heard.kills[1], 6, "x", OOM_CONSTRAINT_UNKNOWN, "", -1);
}

/* Anybody who may write to /dev/kmsg can say that somebody was killed; the kernel marks it. */
static void only_the_kernel_is_believed(void **state)
{
    (void)state;
    static const struct {
        const char *prefix;
        enum kmsg_kind kind;
    } cases[] = {
        {"3,1,1,-;", KMSG_KILLED}, {"0,1,1,-;", KMSG_KILLED}, {"3,1,1,-,caller=T12;", KMSG_KILLED},
        {"11,1,1,-;", KMSG_OTHER}, /* facility user */
        {"30,1,1,-;", KMSG_OTHER}, /* facility daemon */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        struct kmsg_record record;
        int length = snprintf(text, sizeof(text),
                              "%sOut of memory: Killed process 5 (x) total-vm:1kB, anon-rss:1kB, "
                              "file-rss:0kB, shmem-rss:0kB\n SUBSYSTEM=x\n",
                              cases[i].prefix);
        assert_true(kmsg_parse(text, (size_t)length, &record));
        assert_int_equal(record.kind, cases[i].kind);
    }
    static const char *const broken[] = {"", ";", "3", "3,1;x", "3,1,1", "x,1,1,-;", "-3,1,1,-;x"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        char text[64];
        struct kmsg_record record;
        text_copy(text, sizeof(text), broken[i]);
        assert_false(kmsg_parse(text, strlen(text), &record));
    }
}

/* ---- the device, played by a pipe ---- */

struct device {
    char directory[64];
    int dev, feeder;
    struct kmsg kmsg;
};

static void device_path(const struct device *device, char ret_path[static 80])
{
    snprintf(ret_path, 80, "%s/kmsg", device->directory);
}

static int device_new(void **state)
{
    struct device *device = calloc(1, sizeof(*device));
    assert_non_null(device);
    text_copy(device->directory, sizeof(device->directory), "/tmp/memtend-kmsg-XXXXXX");
    assert_non_null(mkdtemp(device->directory));
    char path[80];
    device_path(device, path);
    assert_int_equal(mkfifo(path, 0600), 0);
    device->dev = open(device->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    device->feeder = open(path, O_RDWR | O_CLOEXEC);
    assert_true(device->dev >= 0 && device->feeder >= 0);
    assert_int_equal(kmsg_open(device->dev, &device->kmsg), OUTCOME_OK);
    *state = device;
    return 0;
}

static int device_free(void **state)
{
    struct device *device = *state;
    char path[80];
    device_path(device, path);
    kmsg_close(&device->kmsg);
    close(device->feeder);
    close(device->dev);
    unlink(path);
    rmdir(device->directory);
    free(device);
    return 0;
}

static void feed(const struct device *device, unsigned sequence, const char *message)
{
    char text[512];
    int length = snprintf(text, sizeof(text), "3,%u,%u,-;%s\n KEY=\\x41\n", sequence,
                          sequence * 1000, message);
    assert_int_equal(write(device->feeder, text, (size_t)length), length);
}

#define KILL_OF(pid)                                                                               \
    "Out of memory: Killed process " pid " (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB, "         \
    "shmem-rss:0kB"

static void the_device_is_read_to_its_end(void **state)
{
    struct device *device = *state;
    struct heard heard = {0};
    assert_int_equal(kmsg_read(&device->kmsg, hear, &heard), 0);
    assert_int_equal(heard.count, 0);
    feed(device, 7, "eth0: link up");
    feed(device, 8, KILL_OF("1"));
    feed(device, 9, KILL_OF("2"));
    assert_int_equal(kmsg_read(&device->kmsg, hear, &heard), 0);
    assert_int_equal(heard.count, 2);
    assert_int_equal(heard.kills[1].pid, 2);
    assert_int_equal(device->kmsg.lost, 0);
    feed(device, 15, KILL_OF("3"));
    assert_int_equal(kmsg_read(&device->kmsg, hear, &heard), 0);
    assert_int_equal(heard.count, 3);
    assert_int_equal(device->kmsg.lost, 5);
}

static void a_device_that_is_not_there(void **state)
{
    struct device *device = *state;
    char path[80];
    struct kmsg kmsg = {.fd = -1};
    device_path(device, path);
    unlink(path);
    assert_int_equal(kmsg_open(device->dev, &kmsg), OUTCOME_ABSENT);
    assert_int_equal(kmsg.fd, -1);
    assert_int_equal(mkdir(path, 0700), 0);
    struct heard heard = {0};
    if (kmsg_open(device->dev, &kmsg) == OUTCOME_OK)
        assert_true(kmsg_read(&kmsg, hear, &heard) < 0);
    kmsg_close(&kmsg);
    rmdir(path);
}

/* The real one, where we may: it opens at its end. */
static void the_real_device(void **state)
{
    (void)state;
    _cleanup_(closep) int dev = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct kmsg kmsg = {.fd = -1};
    if (kmsg_open(dev, &kmsg) != OUTCOME_OK)
        skip();
    struct heard heard = {0};
    assert_int_equal(kmsg_read(&kmsg, hear, &heard), 0);
    assert_int_equal(heard.count, 0);
    kmsg_close(&kmsg);
}

#define WITH_DEVICE(name) cmocka_unit_test_setup_teardown(name, device_new, device_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_4_19_in_a_cgroup),
        cmocka_unit_test(linux_4_19_on_the_whole_machine),
        cmocka_unit_test(linux_5_0_has_both),
        cmocka_unit_test(linux_5_8_in_a_cgroup),
        cmocka_unit_test(linux_6_18_on_the_whole_machine),
        cmocka_unit_test(a_group_is_killed_as_a_whole),
        cmocka_unit_test(names_are_hostile),
        cmocka_unit_test(what_is_missing_is_unknown),
        cmocka_unit_test(only_the_kernel_is_believed),
        WITH_DEVICE(the_device_is_read_to_its_end),
        WITH_DEVICE(a_device_that_is_not_there),
        cmocka_unit_test(the_real_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
