/* SPDX-License-Identifier: MIT */
/* Memory of a child: which pages are there, and pieces of those. */
#include "collect/process_memory.h"

#include "collect/proc_pagemap.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGES 600
#define PIECE 16

struct world {
    size_t page;
    unsigned char *memory; /* PAGES; the child has touched every even page */
    pid_t child;
    int proc;
};

static int start(void **state)
{
    static struct world world;
    world.page = (size_t)sysconf(_SC_PAGESIZE);
    world.memory = mmap(NULL, PAGES * world.page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    world.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int ready[2];
    if (world.memory == MAP_FAILED || world.proc < 0 || pipe(ready) < 0)
        return -1;
    world.child = fork();
    if (world.child == 0) {
        for (size_t i = 0; i < PAGES; i += 2)
            memset(world.memory + i * world.page, (int)(i / 2 & 0xff), PIECE);
        /* Every eighth is gone again by the time it is read. */
        for (size_t i = 0; i < PAGES; i += 8)
            munmap(world.memory + i * world.page, world.page);
        if (write(ready[1], "x", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    char byte;
    close(ready[1]);
    int r = read(ready[0], &byte, 1) == 1 ? 0 : -1;
    close(ready[0]);
    *state = &world;
    return r;
}

static int stop(void **state)
{
    const struct world *world = *state;
    kill(world->child, SIGKILL);
    waitpid(world->child, NULL, 0);
    munmap(world->memory, PAGES * world->page);
    close(world->proc);
    return 0;
}

static void test_pages_that_are_there(void **state)
{
    const struct world *world = *state;
    static uint64_t words[PAGES];
    int fd;
    size_t got;
    assert_int_equal(proc_pagemap_open(world->proc, world->child, &fd), OUTCOME_OK);
    uint64_t first = (uint64_t)(uintptr_t)world->memory / world->page;
    assert_int_equal(proc_pagemap_read(fd, first, PAGES, words, &got), OUTCOME_OK);
    close(fd);
    assert_int_equal(got, PAGES);
    for (size_t i = 0; i < PAGES; i++)
        assert_int_equal(proc_pagemap_page(words[i]),
                         i % 2 == 0 && i % 8 != 0 ? PROC_PAGE_PRESENT : PROC_PAGE_ABSENT);
}

static void test_swapped_pages(void **state)
{
    (void)state;
    assert_int_equal(proc_pagemap_page(UINT64_C(1) << 62), PROC_PAGE_SWAPPED);
    assert_int_equal(proc_pagemap_page(UINT64_C(1) << 62 | 0x1234), PROC_PAGE_SWAPPED);
    assert_int_equal(proc_pagemap_page(UINT64_C(1) << 63), PROC_PAGE_PRESENT);
    assert_int_equal(proc_pagemap_page(UINT64_C(0x7fffff)), PROC_PAGE_ABSENT);
}

static void test_goes_on_behind_what_cannot_be_read(void **state)
{
    const struct world *world = *state;
    uint64_t addresses[PROCESS_MEMORY_PIECES];
    static unsigned char bytes[PROCESS_MEMORY_PIECES * PIECE];
    bool read[PROCESS_MEMORY_PIECES];
    for (size_t i = 0; i < PROCESS_MEMORY_PIECES; i++)
        addresses[i] = (uint64_t)(uintptr_t)world->memory + 2 * i * world->page;
    assert_int_equal(
        process_memory_read(world->child, addresses, PROCESS_MEMORY_PIECES, PIECE, bytes, read),
        OUTCOME_OK);
    for (size_t i = 0; i < PROCESS_MEMORY_PIECES; i++) {
        assert_int_equal(read[i], i % 4 != 0);
        if (read[i])
            assert_int_equal(bytes[i * PIECE + PIECE - 1], i & 0xff);
    }
}

static void test_a_process_that_is_gone(void **state)
{
    const struct world *world = *state;
    uint64_t address = (uint64_t)(uintptr_t)world->memory;
    unsigned char bytes[PIECE];
    bool read = true;
    int fd;
    size_t got;
    uint64_t word;
    assert_int_equal(proc_pagemap_open(world->proc, world->child, &fd), OUTCOME_OK);
    kill(world->child, SIGKILL);
    waitpid(world->child, NULL, 0);
    assert_int_equal(process_memory_read(world->child, &address, 1, PIECE, bytes, &read),
                     OUTCOME_GONE);
    assert_false(read);
    assert_int_equal(proc_pagemap_read(fd, 16, 1, &word, &got), OUTCOME_GONE);
    close(fd);
    assert_int_equal(proc_pagemap_open(world->proc, world->child, &fd), OUTCOME_GONE);
}

#define memory_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        memory_test(test_pages_that_are_there),
        cmocka_unit_test(test_swapped_pages),
        memory_test(test_goes_on_behind_what_cannot_be_read),
        memory_test(test_a_process_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
