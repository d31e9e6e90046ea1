/* SPDX-License-Identifier: MIT */
#include "collect/proc_maps.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static bool parse(const char *line, struct proc_mapping *ret_mapping)
{
    return proc_maps_parse(line, strlen(line), ret_mapping);
}

static void test_lines_of_the_kernel(void **state)
{
    (void)state;
    struct proc_mapping mapping;
    assert_true(parse("7f5c10000000-7f5c10021000 rw-p 00000000 00:00 0 ", &mapping));
    assert_true(mapping.start == UINT64_C(0x7f5c10000000));
    assert_true(mapping.end == UINT64_C(0x7f5c10021000));
    assert_true(mapping.readable && mapping.writable && !mapping.executable && !mapping.shared);
    assert_int_equal(mapping.inode, 0);
    assert_int_equal(mapping.name_length, 0);
    assert_true(parse("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]",
                      &mapping));
    assert_true(mapping.executable && !mapping.readable);
    assert_true(
        parse("55a0-55b0 r-xs 00001000 fe:01 1234567    /usr/bin/a file (deleted)", &mapping));
    assert_int_equal(mapping.inode, 1234567);
    assert_true(mapping.shared && mapping.executable);
    assert_int_equal(mapping.name_length, strlen("/usr/bin/a file (deleted)"));
    assert_memory_equal(mapping.name, "/usr/bin/a file", 15);
}

static void test_lines_that_are_none(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "-",
        "7f00",
        "7f00-",
        "7f00-7f00 rw-p 00000000 00:00 0",
        "7f10-7f00 rw-p 00000000 00:00 0",
        "7f00-7f10 rw- 00000000 00:00 0",
        "7f00-7f10 rw-q 00000000 00:00 0",
        "7f00-7f10 wr-p 00000000 00:00 0",
        "7f00-7f10 rw-p",
        "7f00-7f10 rw-p 00000000 00:00",
        "7f00-7f10 rw-p 00000000 0000 0",
        "7f00-7f10 rw-p 00000000 00:00 x",
        "7f00-7f10 rw-p 00000000 00:00 0x",
        "7f00-7f10 rw-p 00000000 00:00 99999999999999999999",
        "7F00-7F10 rw-p 00000000 00:00 0",
        "10000000000000000-20000000000000000 rw-p 00000000 00:00 0",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct proc_mapping mapping = {.inode = 42};
        if (parse(lines[i], &mapping))
            fail_msg("taken: %s", lines[i]);
        assert_int_equal(mapping.inode, 42);
    }
}

static void test_what_may_hold_a_heap(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool is;
    } cases[] = {
        {"7f00-7f10 rw-p 00000000 00:00 0 ", true},
        {"7f00-7f10 rw-p 00000000 00:00 0   [anon:cpython:pymalloc]", true},
        {"7f00-7f10 rw-p 00000000 00:00 0   [heap]", false},
        {"7f00-7f10 rw-p 00000000 00:00 0   [stack]", false},
        {"7f00-7f10 rw-s 00000000 00:01 77  /dev/zero (deleted)", false},
        {"7f00-7f10 rw-p 00000000 fe:01 77  /usr/lib/x.so", false},
        {"7f00-7f10 rw-s 00000000 00:00 0 ", false},
        {"7f00-7f10 r--p 00000000 00:00 0 ", false},
        {"7f00-7f10 ---p 00000000 00:00 0 ", false},
        {"7f00-7f10 rwxp 00000000 00:00 0 ", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct proc_mapping mapping;
        assert_true(parse(cases[i].line, &mapping));
        if (proc_maps_is_private_memory(&mapping) != cases[i].is)
            fail_msg("wrong: %s", cases[i].line);
    }
}

static void test_own_maps(void **state)
{
    (void)state;
    static struct proc_maps maps;
    size_t size = 7 * 4096;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(proc_maps_open(proc, getpid(), &maps), OUTCOME_OK);
    struct proc_mapping mapping;
    bool found = false, stack = false;
    uint64_t last = 0;
    while (proc_maps_next(&maps, &mapping)) {
        assert_true(mapping.start >= last);
        last = mapping.end;
        uint64_t address = (uint64_t)(uintptr_t)memory;
        found |= mapping.start <= address && mapping.end >= address + size &&
                 proc_maps_is_private_memory(&mapping);
        stack |= mapping.name_length == 7 && memcmp(mapping.name, "[stack]", 7) == 0;
    }
    proc_maps_close(&maps);
    assert_true(found && stack);
    assert_int_equal(proc_maps_open(proc, 0x7fffffff, &maps), OUTCOME_GONE);
    close(proc);
    munmap(memory, size);
}

/* A recorded tree with so many lines that they come in many pieces, and one that is too long. */
static void test_long_files(void **state)
{
    (void)state;
    static struct proc_maps maps;
    char folder[] = "/tmp/memtend-maps-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/7", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/7/maps", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (unsigned i = 1; i <= 5000; i++) {
        fprintf(file, "%x000-%x000 rw-p 00000000 00:00 0 \n", i, i + 1);
        if (i == 2500) {
            for (unsigned j = 0; j < 3 * PROC_MAPS_BUFFER_SIZE; j++)
                fputc('x', file);
            fputc('\n', file);
        }
    }
    fclose(file);
    int proc = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(proc_maps_open(proc, 7, &maps), OUTCOME_OK);
    struct proc_mapping mapping;
    uint64_t count = 0;
    while (proc_maps_next(&maps, &mapping))
        assert_true(mapping.start == ++count << 12);
    assert_int_equal(count, 5000);
    proc_maps_close(&maps);
    close(proc);
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
    rmdir(folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_the_kernel),  cmocka_unit_test(test_lines_that_are_none),
        cmocka_unit_test(test_what_may_hold_a_heap), cmocka_unit_test(test_own_maps),
        cmocka_unit_test(test_long_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
