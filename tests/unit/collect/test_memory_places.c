/* SPDX-License-Identifier: MIT */
/* The first bytes of each place in the memory of a child, and the names of its files. */
#include "collect/memory_places.h"
#include "collect/program_files.h"

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

#define PAGES 3000 /* several calls and a part of one */
#define STEP  4    /* pages of a place */
#define MARK  0x6d656d74656e6421

struct world {
    size_t page;
    unsigned char *memory; /* PAGES; the child has marked every second place */
    pid_t child;
    struct memory_places places;
    size_t seen, marked;
    uint64_t last;
};

static int start(void **state)
{
    static struct world world;
    world = (struct world){.page = (size_t)sysconf(_SC_PAGESIZE)};
    world.memory = mmap(NULL, PAGES * world.page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int ready[2];
    if (world.memory == MAP_FAILED || pipe(ready) < 0)
        return -1;
    madvise(world.memory, PAGES * world.page, MADV_NOHUGEPAGE);
    world.child = fork();
    if (world.child == 0) {
        uint64_t size = STEP * world.page;
        uint64_t first = ((uint64_t)(uintptr_t)world.memory + size - 1) / size * size;
        uint64_t mark = MARK;
        for (uint64_t at = first;
             at + size <= (uint64_t)(uintptr_t)world.memory + PAGES * world.page; at += 2 * size)
            memcpy(world.memory + (at - (uint64_t)(uintptr_t)world.memory), &mark, sizeof(mark));
        if (write(ready[1], "x", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    char byte;
    close(ready[1]);
    int r = read(ready[0], &byte, 1) == 1 ? 0 : -1;
    close(ready[0]);
    world.places.proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    world.places.pid = world.child;
    world.places.place_bytes = (uint32_t)(STEP * world.page);
    world.places.most_bytes = UINT64_MAX;
    world.places.until_usec = UINT64_MAX;
    *state = &world;
    return r;
}

static int stop(void **state)
{
    struct world *world = *state;
    kill(world->child, SIGKILL);
    waitpid(world->child, NULL, 0);
    munmap(world->memory, PAGES * world->page);
    close(world->places.proc);
    return 0;
}

static void look(void *context, uint64_t address, const unsigned char *bytes)
{
    struct world *world = context;
    uint64_t mark;
    memcpy(&mark, bytes, sizeof(mark));
    assert_true(address > world->last);
    world->last = address;
    world->seen++;
    if (mark != MARK)
        return;
    uint64_t begin = (uint64_t)(uintptr_t)world->memory;
    assert_in_range(address, begin, begin + PAGES * world->page - 1);
    world->marked++;
}

static size_t wanted(const struct world *world)
{
    uint64_t size = STEP * world->page, begin = (uint64_t)(uintptr_t)world->memory;
    uint64_t first = (begin + size - 1) / size * size;
    uint64_t places = (begin + PAGES * world->page - first) / size;
    return (places + 1) / 2;
}

static void test_only_what_is_in_memory(void **state)
{
    struct world *world = *state;
    assert_int_equal(memory_places_walk(&world->places, look, world), OUTCOME_OK);
    assert_int_equal(world->places.cursor, 0);
    assert_int_equal(world->marked, wanted(world));
    assert_int_equal(world->places.read_places, world->seen);
    assert_int_equal(world->places.missed_places, 0);
    /* One after each call. */
    assert_true(world->places.paused_usec >= world->seen / PROCESS_MEMORY_PIECES * 500);
}

static void test_parts_are_the_whole(void **state)
{
    struct world *world = *state;
    size_t parts = 0;
    world->places.most_bytes = 100 * world->places.place_bytes;
    do {
        assert_int_equal(memory_places_walk(&world->places, look, world), OUTCOME_OK);
        assert_true(world->places.read_places <= 100);
        parts++;
    } while (world->places.cursor > 0);
    assert_true(parts > 3);
    assert_int_equal(world->marked, wanted(world));
}

static void test_no_time_is_still_some(void **state)
{
    struct world *world = *state;
    world->places.until_usec = 0;
    assert_int_equal(memory_places_walk(&world->places, look, world), OUTCOME_OK);
    assert_true(world->places.cursor > 0);
    uint64_t first = world->places.cursor;
    assert_int_equal(memory_places_walk(&world->places, look, world), OUTCOME_OK);
    assert_true(world->places.cursor == 0 || world->places.cursor > first);
}

static void test_a_process_that_is_gone(void **state)
{
    struct world *world = *state;
    kill(world->child, SIGKILL);
    waitpid(world->child, NULL, 0);
    assert_int_equal(memory_places_walk(&world->places, look, world), OUTCOME_GONE);
    assert_int_equal(world->seen, 0);
}

struct names {
    size_t executed, libc;
    bool enough;
};

static bool on_name(void *context, bool executed, const char *name, size_t length)
{
    struct names *names = context;
    names->executed += executed;
    names->libc += length > 4 && memcmp(name, "libc", 4) == 0;
    return names->enough;
}

static void test_names_of_files(void **state)
{
    struct world *world = *state;
    struct names names = {0};
    assert_int_equal(
        program_files_walk(world->places.proc, world->child, &world->places.maps, on_name, &names),
        OUTCOME_OK);
    assert_int_equal(names.executed, 1);
    assert_true(names.libc > 0);
    names = (struct names){.enough = true};
    assert_int_equal(
        program_files_walk(world->places.proc, world->child, &world->places.maps, on_name, &names),
        OUTCOME_OK);
    assert_int_equal(names.executed + names.libc, 1);
}

#define places_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        places_test(test_only_what_is_in_memory), places_test(test_parts_are_the_whole),
        places_test(test_no_time_is_still_some),  places_test(test_a_process_that_is_gone),
        places_test(test_names_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
