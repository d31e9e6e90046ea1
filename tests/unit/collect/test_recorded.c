/* SPDX-License-Identifier: MIT */
/* The trees of tests/fixtures/proc: the same processes in the formats of several kernels. */
#include "collect/meminfo.h"
#include "collect/pressure.h"
#include "collect/proc_cgroup.h"
#include "collect/proc_cmdline.h"
#include "collect/proc_exe.h"
#include "collect/proc_rollup.h"
#include "collect/proc_smaps.h"
#include "collect/proc_stat.h"
#include "collect/proc_status.h"
#include "collect/process_list.h"
#include "collect/vmstat.h"
#include "model/cmdline.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* In the order in which the recorder starts them. */
enum recorded { KERNEL_THREAD, HOSTILE, PARENT, CHILD, SECRET, SMALL, RECORDED };

/* What the kernels differ in; what is not there is absent, never 0. */
struct tree {
    const char *path;
    bool parts_of_rss; /* RssAnon and others in status */
    bool rollup;
    bool swap_pss;
    bool unified; /* cgroup v2 alone */
    bool pressure;
    bool available; /* MemAvailable */
    bool oom_kills;
};

static const struct tree trees[] = {
    {FIXTURES "/proc/linux-6.18", true, true, true, true, true, true, true},
    {FIXTURES "/proc/linux-6.1", true, true, true, true, true, true, true},
    {FIXTURES "/proc/linux-5.10", true, true, true, true, true, true, true},
    {FIXTURES "/proc/linux-4.18", true, true, true, false, false, true, true},
    {FIXTURES "/proc/linux-3.10", false, false, false, false, false, false, false},
};

#define PARTS_OF_RSS (1U << PROC_STATUS_ANON | 1U << PROC_STATUS_FILE | 1U << PROC_STATUS_SHMEM)

static const struct tree *tree;

/* The counters of status are exact since 6.2; before, each thread keeps up to 64 pages of each of
 * the three kinds to itself, for a while. */
static void assert_near(int64_t counted, int64_t told)
{
    assert_in_range(counted > told ? counted - told : told - counted, 0, 3 * 64 * 4096);
}

static int root;
static struct process_list list;

static int open_tree(void **state)
{
    (void)state;
    root = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || process_list_init(&list, root, 100) < 0)
        return -1;
    return process_list_read(&list) < 0 || list.count != RECORDED ? -1 : 0;
}

static int close_tree(void **state)
{
    (void)state;
    process_list_finish(&list);
    return close(root);
}

static struct proc_stat stat_of(enum recorded which)
{
    struct proc_stat stat;
    assert_int_equal(proc_stat_read(root, list.pids[which], &stat), OUTCOME_OK);
    assert_int_equal(stat.id.pid, list.pids[which]);
    return stat;
}

static void test_stat(void **state)
{
    (void)state;
    assert_true(stat_of(KERNEL_THREAD).kernel_thread);
    assert_string_equal(stat_of(KERNEL_THREAD).comm, "kthreadd");
    struct proc_stat hostile = stat_of(HOSTILE);
    assert_string_equal(hostile.comm, "x\xEF\xBF\xBD) R 1\xEF\xBF\xBD[\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_int_equal(hostile.state, 'S');
    assert_false(hostile.kernel_thread);
    assert_int_equal(stat_of(CHILD).ppid, stat_of(PARENT).id.pid);
    assert_true(stat_of(CHILD).id.start_ticks >= stat_of(PARENT).id.start_ticks);
}

static void test_status(void **state)
{
    (void)state;
    struct proc_status status;
    assert_int_equal(proc_status_read(root, list.pids[KERNEL_THREAD], &status), OUTCOME_OK);
    assert_int_equal(status.present, 0);
    for (enum recorded which = HOSTILE; which < RECORDED; which++) {
        assert_int_equal(proc_status_read(root, list.pids[which], &status), OUTCOME_OK);
        uint32_t all = (1U << PROC_STATUS_FIELD_COUNT) - 1;
        assert_int_equal(status.present, tree->parts_of_rss ? all : all & ~PARTS_OF_RSS);
        assert_true(status.switches > 0);
        if (tree->parts_of_rss)
            assert_int_equal(status.bytes[PROC_STATUS_RSS], status.bytes[PROC_STATUS_ANON] +
                                                                status.bytes[PROC_STATUS_FILE] +
                                                                status.bytes[PROC_STATUS_SHMEM]);
    }
}

/* PID/stat counts pages per processor and may be some off. */
static void test_stat_and_status_agree(void **state)
{
    (void)state;
    for (enum recorded which = HOSTILE; which < RECORDED; which++) {
        struct proc_status status;
        assert_int_equal(proc_status_read(root, list.pids[which], &status), OUTCOME_OK);
        int64_t off = status.bytes[PROC_STATUS_RSS] - stat_of(which).rss_bytes;
        assert_in_range(off < 0 ? -off : off, 0, 512 * 1024);
    }
}

static void test_rollup(void **state)
{
    (void)state;
    struct proc_rollup rollup;
    if (!tree->rollup) {
        assert_int_not_equal(proc_rollup_read(root, list.pids[SMALL], &rollup), OUTCOME_OK);
        return;
    }
    assert_int_equal(proc_rollup_read(root, list.pids[KERNEL_THREAD], &rollup), OUTCOME_GONE);
    for (enum recorded which = HOSTILE; which < RECORDED; which++) {
        struct proc_status status;
        assert_int_equal(proc_rollup_read(root, list.pids[which], &rollup), OUTCOME_OK);
        assert_int_equal(proc_status_read(root, list.pids[which], &status), OUTCOME_OK);
        assert_near(rollup.rss_bytes, status.bytes[PROC_STATUS_RSS]);
        assert_int_equal(rollup.rss_bytes, rollup.uss_bytes + rollup.shared_bytes);
        assert_true(rollup.pss_bytes >= rollup.uss_bytes && rollup.pss_bytes <= rollup.rss_bytes);
    }
    /* The child shares its heap with its parent: far less is its own than is resident. */
    proc_rollup_read(root, list.pids[CHILD], &rollup);
    assert_true(rollup.uss_bytes * 4 < rollup.rss_bytes);
}

struct total {
    size_t count, heaps, stacks;
    int64_t rss, pss, uss;
};

static void add(void *context, const struct mapping *mapping)
{
    struct total *total = context;
    total->count++;
    total->heaps += mapping->name_length == 6 && memcmp(mapping->name, "[heap]", 6) == 0;
    total->stacks += mapping->name_length == 7 && memcmp(mapping->name, "[stack]", 7) == 0;
    total->rss += mapping->rss;
    total->pss += mapping->pss;
    total->uss += mapping->private_bytes;
    assert_true(mapping->anonymous >= 0 && mapping->huge == 0 && mapping->swap == 0);
    assert_int_equal(mapping->swap_pss, tree->swap_pss ? 0 : -1);
}

static void test_smaps(void **state)
{
    (void)state;
    struct total total = {0};
    struct proc_status status;
    struct proc_rollup rollup;
    assert_int_equal(proc_smaps_walk(root, list.pids[SMALL], add, &total), OUTCOME_OK);
    assert_true(total.count > 15 && total.heaps == 1 && total.stacks == 1);
    assert_int_equal(proc_status_read(root, list.pids[SMALL], &status), OUTCOME_OK);
    assert_near(total.rss, status.bytes[PROC_STATUS_RSS]);
    if (!tree->rollup)
        return;
    assert_int_equal(proc_rollup_read(root, list.pids[SMALL], &rollup), OUTCOME_OK);
    assert_int_equal(total.rss, rollup.rss_bytes);
    assert_int_equal(total.uss, rollup.uss_bytes);
    /* Each range is rounded down to 1 KiB. */
    assert_in_range(rollup.pss_bytes - total.pss, 0, (int64_t)total.count * 1024);
}

static void test_identity(void **state)
{
    (void)state;
    struct proc_exe first, exe;
    struct proc_cgroup cgroup;
    assert_int_equal(proc_exe_read(root, list.pids[KERNEL_THREAD], &exe), OUTCOME_GONE);
    assert_int_equal(proc_exe_read(root, list.pids[HOSTILE], &first), OUTCOME_OK);
    for (enum recorded which = HOSTILE; which < RECORDED; which++) {
        assert_int_equal(proc_exe_read(root, list.pids[which], &exe), OUTCOME_OK);
        assert_true(exe.device == first.device && exe.inode != 0);
        assert_int_equal(exe.inode == first.inode, which != SMALL); /* all others are Python */
        assert_int_equal(proc_cgroup_read(root, list.pids[which], &cgroup), OUTCOME_OK);
        assert_int_equal(cgroup.unified, tree->unified);
        assert_int_equal(cgroup.memory_unified, tree->unified);
        assert_int_equal(cgroup.memory_path[0], '/');
    }
}

static void test_cmdline(void **state)
{
    (void)state;
    char bytes[256], text[256];
    size_t length;
    assert_int_equal(proc_cmdline_read(root, list.pids[SECRET], bytes, sizeof(bytes), &length),
                     OUTCOME_OK);
    cmdline_redact(bytes, length, text, sizeof(text));
    assert_string_equal(text, "/usr/bin/python3 record --role secret --password=*** --token ***");
    assert_int_equal(
        proc_cmdline_read(root, list.pids[KERNEL_THREAD], bytes, sizeof(bytes), &length),
        OUTCOME_OK);
    assert_int_equal(length, 0);
}

static void test_host(void **state)
{
    (void)state;
    struct sample host = {0};
    assert_int_equal(meminfo_read(root, 1, &host), OUTCOME_OK);
    assert_int_equal(vmstat_read(root, 1, &host), OUTCOME_OK);
    assert_int_equal(pressure_read(root, 1, &host) == OUTCOME_OK, tree->pressure);
    for (enum metric metric = METRIC_HOST_FIRST; metric < METRIC_COUNT; metric++) {
        bool psi = metric >= METRIC_PSI_SOME_AVG10 && metric <= METRIC_PSI_FULL_AVG60;
        bool there = psi                              ? tree->pressure
                     : metric == METRIC_MEM_AVAILABLE ? tree->available
                     : metric == METRIC_OOM_KILLS     ? tree->oom_kills
                                                      : true;
        assert_int_equal(sample_has(&host, metric), there);
    }
}

static void test_a_pid_that_is_not_there(void **state)
{
    (void)state;
    struct proc_stat stat = {.ppid = 99};
    struct proc_status status = {.uid = 99};
    assert_int_equal(proc_stat_read(root, 4194303, &stat), OUTCOME_GONE);
    assert_int_equal(proc_status_read(root, 4194303, &status), OUTCOME_GONE);
    assert_int_equal(stat.ppid, 99);
    assert_int_equal(status.uid, 99);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_stat_and_status_agree),
        cmocka_unit_test(test_rollup),
        cmocka_unit_test(test_smaps),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_cmdline),
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_a_pid_that_is_not_there),
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        tree = &trees[i];
        failed += cmocka_run_group_tests_name(tree->path, tests, open_tree, close_tree);
    }
    return failed;
}
