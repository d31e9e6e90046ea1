/* SPDX-License-Identifier: MIT */
/* Layers as the probe reads them, at once and page by page, of processes of every kind. */
#include "collect/proc_rollup.h"
#include "engine/probe_walk.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB INT64_C(1048576)

#define THREADS  200
#define MAPPINGS 20000

static int proc;
static unsigned char *shared; /* by this test and all that it forks */

static int open_proc(void **state)
{
    (void)state;
    proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    shared = malloc(16 * MIB);
    memset(shared, 1, 16 * MIB);
    return proc < 0 || !shared ? -1 : 0;
}

static int close_proc(void **state)
{
    (void)state;
    free(shared);
    return close(proc);
}

/* A child that prepared itself and stands still. */
static pid_t start(void (*prepare)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        prepare();
        raise(SIGSTOP);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Part after part, each with so much time. */
static int read_pages(pid_t pid, uint64_t part_usec, struct probe_layers *ret_sum,
                      size_t *ret_parts)
{
    struct probe_layers sum = {0};
    *ret_parts = 0;
    do {
        struct probe_layers part;
        int r = probe_walk_pages(proc, pid, sum.cursor, clock_mono_usec() + part_usec, NULL, &part);
        if (r < 0)
            return r;
        assert_true(part.cursor == 0 || part.cursor > sum.cursor);
        assert_int_equal(probe_layers_add(&sum, &part), 0);
        (*ret_parts)++;
    } while (sum.cursor != 0);
    *ret_sum = sum;
    return 0;
}

static int64_t uss_of_rollup(pid_t pid)
{
    struct proc_rollup rollup;
    assert_int_equal(proc_rollup_read(proc, pid, &rollup), OUTCOME_OK);
    return rollup.uss_bytes;
}

/* The kernel's own sum of private pages is the measure. This test runs on meanwhile: what it writes
 * to was shared with the child, and is the child's alone from then on. */
static struct probe_layers check_pages(pid_t pid, uint64_t part_usec, size_t *ret_parts)
{
    struct probe_layers layers;
    int64_t before = uss_of_rollup(pid);
    assert_int_equal(read_pages(pid, part_usec, &layers, ret_parts), 0);
    assert_in_range(layers.uss, before, uss_of_rollup(pid));
    return layers;
}

static void nothing(void)
{
}

/* Sanitizers reserve more than all memory, with rights. */
static void skip_when_sanitized(void)
{
    struct probe_layers layers;
    size_t parts;
    pid_t pid = start(nothing);
    int r = read_pages(pid, 0, &layers, &parts);
    end(pid);
    if (r != -EFBIG)
        return;
    print_message("SKIP: this test itself is too large to be looked through\n");
    skip();
}

static void touch_half(void)
{
    memset(shared, 2, 8 * MIB);
    unsigned char *own =
        mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(own, 3, 4 * MIB);
}

static void test_page_by_page(void **state)
{
    (void)state;
    skip_when_sanitized();
    pid_t pid = start(touch_half);
    size_t parts;
    struct probe_layers whole = check_pages(pid, 60 * USEC_PER_SEC, &parts);
    assert_int_equal(parts, 1);
    assert_true(whole.rss_sum > whole.uss + 7 * MIB);
    assert_true(whole.uss > 12 * MIB);
    /* The same kinds as by smaps; its kernel's own pages are not looked at, nor the page of zeros.
     */
    struct probe_layers smaps;
    assert_int_equal(probe_walk_smaps(proc, pid, NULL, &smaps), OUTCOME_OK);
    for (enum mapping_kind kind = 0; kind < MAPPING_KIND_KERNEL; kind++)
        assert_in_range(whole.rss[kind] + 64 * 1024, smaps.rss[kind], smaps.rss[kind] + 128 * 1024);
    assert_int_equal(whole.mappings, smaps.mappings);
    assert_int_equal(whole.large_count, smaps.large_count);
    assert_int_equal(whole.large[0].start, smaps.large[0].start);
    assert_int_equal(whole.pss, -1);
    assert_true(whole.huge == -1 || whole.huge == smaps.huge);
    assert_in_range(whole.anonymous + 64 * 1024, smaps.anonymous, smaps.anonymous + 128 * 1024);
    /* Without time it still gets on, range by range. */
    struct probe_layers pieces = check_pages(pid, 0, &parts);
    assert_true(parts > 10);
    assert_int_equal(pieces.rss_sum, whole.rss_sum);
    end(pid);
}

static void use_huge_pages(void)
{
    size_t size = 64 * MIB;
    unsigned char *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(memory, size, MADV_HUGEPAGE);
    memset(memory, 1, size);
}

static void test_huge_pages(void **state)
{
    (void)state;
    skip_when_sanitized();
    struct probe_layers smaps, pages;
    size_t parts;
    pid_t pid = start(use_huge_pages);
    assert_int_equal(probe_walk_smaps(proc, pid, NULL, &smaps), OUTCOME_OK);
    assert_int_equal(read_pages(pid, 0, &pages, &parts), 0);
    end(pid);
    if (smaps.huge == 0 || pages.huge < 0) {
        print_message("SKIP: no huge pages, or a kernel before 6.7\n");
        skip();
    }
    assert_int_equal(pages.huge, smaps.huge);
}

/* More than any machine has memory. */
static void reserve(void)
{
    mmap(NULL, (size_t)1 << 42, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static void reserve_with_rights(void)
{
    mmap(NULL, (size_t)1 << 42, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
         -1, 0);
}

static void test_address_space_alone(void **state)
{
    (void)state;
    skip_when_sanitized();
    struct probe_layers layers;
    size_t parts;
    pid_t pid = start(reserve);
    check_pages(pid, 60 * USEC_PER_SEC, &parts);
    end(pid);
    pid = start(reserve_with_rights);
    assert_int_equal(read_pages(pid, 60 * USEC_PER_SEC, &layers, &parts), -EFBIG);
    end(pid);
}

static void test_zombie_and_gone(void **state)
{
    (void)state;
    struct probe_layers layers;
    size_t parts;
    pid_t pid = start(touch_half);
    siginfo_t info;
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(read_pages(pid, 0, &layers, &parts), -ENODATA);
    assert_int_equal(probe_walk_smaps(proc, pid, NULL, &layers), OUTCOME_GONE);
    waitpid(pid, NULL, 0);
    assert_int_equal(read_pages(pid, 0, &layers, &parts), -ENODATA);
    assert_int_equal(probe_walk_smaps(proc, pid, NULL, &layers), OUTCOME_GONE);
}

static void *stand(void *context)
{
    pthread_barrier_wait(context);
    for (;;)
        pause();
    return NULL;
}

static void start_threads(void)
{
    static pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, stand, &barrier) != 0)
            _exit(1);
    }
    pthread_barrier_wait(&barrier);
}

static int64_t sum_of_kinds(const struct probe_layers *layers)
{
    int64_t sum = 0;
    for (size_t i = 0; i < PROBE_LAYERS_KINDS; i++)
        sum += layers->rss[i];
    return sum;
}

static void test_many_threads(void **state)
{
    (void)state;
    skip_when_sanitized(); /* the threads of a forked child hang there */
    pid_t pid = start(start_threads);
    struct probe_layers layers;
    struct proc_rollup rollup;
    assert_int_equal(probe_walk_smaps(proc, pid, NULL, &layers), OUTCOME_OK);
    assert_int_equal(proc_rollup_read(proc, pid, &rollup), OUTCOME_OK);
    assert_in_range(layers.stacks, THREADS + 1, THREADS + 8);
    assert_int_equal(sum_of_kinds(&layers), rollup.rss_bytes);
    end(pid);
}

/* Neighbours with other rights are not joined. */
static void map_many(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *memory =
        mmap(NULL, MAPPINGS * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(memory, 1, MAPPINGS * page);
    for (size_t i = 0; i < MAPPINGS; i += 2)
        mprotect(memory + i * page, page, PROT_READ);
}

static void test_many_mappings(void **state)
{
    (void)state;
    skip_when_sanitized();
    pid_t pid = start(map_many);
    struct probe_layers layers;
    struct proc_rollup rollup;
    size_t parts;
    assert_int_equal(probe_walk_smaps(proc, pid, NULL, &layers), OUTCOME_OK);
    assert_int_equal(proc_rollup_read(proc, pid, &rollup), OUTCOME_OK);
    assert_true(layers.mappings >= MAPPINGS);
    assert_int_equal(sum_of_kinds(&layers), rollup.rss_bytes);
    assert_true(layers.uss <= rollup.uss_bytes);
    check_pages(pid, 60 * USEC_PER_SEC, &parts);
    end(pid);
}

static void test_there_and_back(void **state)
{
    (void)state;
    pid_t pid = start(touch_half);
    struct probe_layers wire, back;
    struct layers layers;
    unsigned char payload[PROBE_LAYERS_SIZE];
    assert_int_equal(probe_walk_smaps(proc, pid, NULL, &wire), OUTCOME_OK);
    probe_layers_encode(&wire, payload);
    assert_int_equal(probe_layers_decode((const char *)payload, sizeof(payload), &back), 0);
    probe_walk_layers(&back, 77, &layers);
    assert_int_equal(layers.mono_usec, 77);
    assert_int_equal(layers.rss_bytes, wire.rss_sum);
    assert_int_equal(layers.rss[MAPPING_KIND_FILE], wire.rss[MAPPING_KIND_FILE]);
    assert_true(layers.large_count > 0 && layers.large[0].size_bytes >= 16 * MIB);
    assert_int_equal(layers.large[0].born_usec, 0);
    end(pid);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_by_page),        cmocka_unit_test(test_huge_pages),
        cmocka_unit_test(test_address_space_alone), cmocka_unit_test(test_zombie_and_gone),
        cmocka_unit_test(test_many_threads),        cmocka_unit_test(test_many_mappings),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, open_proc, close_proc);
}
