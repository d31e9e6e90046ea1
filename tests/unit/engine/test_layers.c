/* SPDX-License-Identifier: MIT */
/* From PID/smaps to layers: recorded programs, and every process of this machine. */
#include "collect/proc_rollup.h"
#include "collect/proc_smaps.h"
#include "collect/process_list.h"
#include "heap/layers.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define KIB INT64_C(1024)
#define MIB (INT64_C(1) << 20)

static void visit(void *context, const struct mapping *mapping)
{
    layers_add(context, mapping);
}

static enum outcome layers_of_text(const char *text, size_t length, struct layers *ret_layers)
{
    struct layers_walk walk;
    layers_begin(&walk);
    enum outcome outcome = proc_smaps_parse(text, length, visit, &walk);
    layers_end(&walk, 1, ret_layers);
    return outcome;
}

static enum outcome layers_of_process(int proc, pid_t pid, struct layers *ret_layers)
{
    struct layers_walk walk;
    layers_begin(&walk);
    enum outcome outcome = proc_smaps_walk(proc, pid, visit, &walk);
    layers_end(&walk, 1, ret_layers);
    return outcome;
}

/* Without our parser. */
static int64_t sum_of_lines(const char *text)
{
    int64_t sum = 0;
    for (const char *line = text; (line = strstr(line, "\nRss:")); line++)
        sum += strtoll(line + 5, NULL, 10) * KIB;
    return sum;
}

static int64_t sum_of_kinds(const struct layers *layers)
{
    int64_t sum = 0;
    for (size_t kind = 0; kind < MAPPING_KIND_COUNT; kind++)
        sum += layers->rss[kind];
    return sum;
}

/* Whole file on the heap. */
static char *load(const char *path, size_t *ret_length)
{
    size_t length = 0, size = 1 << 16;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    char *text = malloc(size);
    for (ssize_t n; (n = read(fd, text + length, size - 1 - length)) > 0;) {
        length += (size_t)n;
        if (length == size - 1) {
            char *more = realloc(text, size *= 2);
            assert_non_null(more);
            text = more;
        }
    }
    close(fd);
    text[length] = '\0';
    *ret_length = length;
    return text;
}

static struct layers recorded(const char *path)
{
    size_t length;
    struct layers layers;
    char *text = load(path, &length);
    assert_non_null(text);
    assert_int_equal(layers_of_text(text, length, &layers), OUTCOME_OK);
    assert_int_equal(layers.rss_bytes, sum_of_lines(text));
    assert_int_equal(sum_of_kinds(&layers), layers.rss_bytes);
    free(text);
    return layers;
}

/* 300,000 objects, a bytearray of 12 MiB. */
static void test_recorded_python(void **state)
{
    (void)state;
    struct layers layers = recorded(FIXTURES "/smaps/python");
    assert_int_equal(layers.mappings, 48);
    assert_int_equal(layers.arenas, 0);
    assert_int_equal(layers.stacks, 1);
    assert_int_equal(layers.rss_bytes, 28492 * KIB);
    assert_int_equal(layers.large_count, 1);
    assert_int_equal(layers.large[0].size_bytes, 12 * MIB + 4 * KIB);
    assert_true(layers.rss[MAPPING_KIND_HEAP] > 0 && layers.rss[MAPPING_KIND_ANON] > 6 * MIB);
    assert_int_equal(layers.rss[MAPPING_KIND_SHMEM], 0);
}

/* Six threads with an arena each, a large malloc, a memfd with a hostile name, shared memory. */
static void test_recorded_threads(void **state)
{
    (void)state;
    struct layers layers = recorded(FIXTURES "/smaps/threads");
    assert_int_equal(layers.mappings, 39);
    assert_int_equal(layers.arenas, 6);
    assert_int_equal(layers.stacks, 7);
    assert_int_equal(layers.rss[MAPPING_KIND_SHMEM], MIB + 64 * KIB);
    assert_int_equal(layers.large_count, 1);
    assert_true(layers.rss[MAPPING_KIND_ARENA] > 8 * MIB);
}

/* OpenJDK 17 with -Xmx256m, its libraries taken out: the Java heap lies low and is large. */
static void test_recorded_java(void **state)
{
    (void)state;
    struct layers layers = recorded(FIXTURES "/smaps/java");
    assert_int_equal(layers.mappings, 147);
    assert_int_equal(layers.arenas, 15);
    assert_int_equal(layers.stacks, 31);
    assert_int_equal(layers.large[0].start, 0xf0000000);
}

/* Every process that we may read, each time of one and the same text. */
static void test_every_process(void **state)
{
    (void)state;
    struct process_list list;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(process_list_init(&list, proc, 4096), 0);
    assert_int_equal(process_list_read(&list), 0);
    size_t read = 0;
    for (size_t i = 0; i < list.count; i++) {
        char path[64];
        size_t length = 0;
        struct layers layers;
        snprintf(path, sizeof(path), "/proc/%d/smaps", (int)list.pids[i]);
        char *text = load(path, &length);
        if (text && length > 0) {
            assert_int_equal(layers_of_text(text, length, &layers), OUTCOME_OK);
            assert_int_equal(layers.rss_bytes, sum_of_lines(text));
            assert_int_equal(sum_of_kinds(&layers), layers.rss_bytes);
            read++;
        }
        free(text);
    }
    assert_true(read > 0);
    process_list_finish(&list);
    close(proc);
}

#define SHARED_BYTES (256 * KIB)

/* A process that stands still: the walk and the kernel's own sum are the same, and so is PSS. */
static void test_same_as_the_rollup(void **state)
{
    (void)state;
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0) {
        char *memory =
            mmap(NULL, 9 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(memory, 1, 9 << 20);
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
    struct layers layers;
    struct proc_rollup before, rollup;
    assert_int_equal(proc_rollup_read(proc, pid, &before), OUTCOME_OK);
    assert_int_equal(layers_of_process(proc, pid, &layers), OUTCOME_OK);
    assert_int_equal(proc_rollup_read(proc, pid, &rollup), OUTCOME_OK);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(layers.rss_bytes, rollup.rss_bytes);
    /* What the parent writes to meanwhile is the child's alone from then on. */
    assert_in_range(layers.uss_bytes, before.uss_bytes, rollup.uss_bytes);
    assert_int_equal(layers.anonymous_bytes, rollup.anonymous_bytes);
    assert_int_equal(layers.swap_bytes, rollup.swap_bytes);
    /* Each mapping is rounded down to a KiB; and whoever starts or ends meanwhile, on the whole
     * machine, changes what is shared of libc. */
    assert_in_range(layers.pss_bytes, before.pss_bytes - layers.mappings * KIB - SHARED_BYTES,
                    rollup.pss_bytes + SHARED_BYTES);
    assert_true(layers.large_count > 0 && layers.large[0].rss_bytes >= 9 * MIB);
    close(proc);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_python),    cmocka_unit_test(test_recorded_threads),
        cmocka_unit_test(test_recorded_java),      cmocka_unit_test(test_every_process),
        cmocka_unit_test(test_same_as_the_rollup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
