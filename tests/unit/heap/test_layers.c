/* SPDX-License-Identifier: MIT */
#include "heap/layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MIB   (UINT64_C(1) << 20)
#define ARENA (64 * MIB)
#define HIGH  UINT64_C(0x7f4000000000) /* a multiple of 64 MiB */
#define PAGE  UINT64_C(4096)

/* "rw-p" and a name; every page in memory, the half of it huge. */
static struct mapping make(uint64_t start, uint64_t size, const char *rights, const char *name)
{
    int64_t rss = rights[0] == 'r' ? (int64_t)size : 0;
    return (struct mapping){.start = start,
                            .end = start + size,
                            .readable = rights[0] == 'r',
                            .writable = rights[1] == 'w',
                            .executable = rights[2] == 'x',
                            .shared = rights[3] == 's',
                            .inode = name[0] == '/' ? 7 : 0,
                            .name = name,
                            .name_length = strlen(name),
                            .rss = rss,
                            .pss = rss / 2,
                            .private_bytes = rss / 4,
                            .anonymous = rss / 8,
                            .huge = rss / 2,
                            .swap = 4096,
                            .swap_pss = 2048};
}

static struct layers walk(const struct mapping *mappings, size_t count)
{
    struct layers_walk walk;
    struct layers layers;
    layers_begin(&walk);
    for (size_t i = 0; i < count; i++)
        layers_add(&walk, &mappings[i]);
    layers_end(&walk, 5, &layers);
    int64_t rss = 0, sum = 0;
    for (size_t i = 0; i < count; i++)
        rss += mappings[i].rss;
    for (size_t kind = 0; kind < MAPPING_KIND_COUNT; kind++)
        sum += layers.rss[kind];
    assert_int_equal(layers.rss_bytes, rss);
    assert_int_equal(sum, rss);
    assert_int_equal(layers.mappings, count);
    assert_int_equal(layers.mono_usec, 5);
    return layers;
}
#define WALK(mappings) walk(mappings, sizeof(mappings) / sizeof((mappings)[0]))

static void test_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *rights, *name;
        enum mapping_kind kind;
    } cases[] = {
        {"rw-p", "[heap]", MAPPING_KIND_HEAP},
        {"rw-p", "[stack]", MAPPING_KIND_STACK},
        {"rw-p", "[stack:4711]", MAPPING_KIND_STACK},
        {"rw-p", "[anon:stack_and_tls:12]", MAPPING_KIND_STACK},
        {"rw-p", "[anon: glibc: malloc arena]", MAPPING_KIND_ARENA},
        {"rw-p", "", MAPPING_KIND_ANON},
        {"r--p", "", MAPPING_KIND_ANON},
        {"rwxp", "", MAPPING_KIND_ANON},
        {"rw-p", "[anon:scudo:primary]", MAPPING_KIND_ANON},
        {"rw-p", "/dev/zero", MAPPING_KIND_ANON},
        {"rw-s", "/dev/zero (deleted)", MAPPING_KIND_SHMEM},
        {"rw-s", "/dev/shm/x", MAPPING_KIND_SHMEM},
        {"rw-s", "/memfd:x (deleted)", MAPPING_KIND_SHMEM},
        {"r--p", "/memfd:x (deleted)", MAPPING_KIND_SHMEM},
        {"rw-s", "/SYSV0000162e (deleted)", MAPPING_KIND_SHMEM},
        {"rw-s", "[anon_shmem:x]", MAPPING_KIND_SHMEM},
        {"rw-p", "/anon_hugepage (deleted)", MAPPING_KIND_SHMEM},
        {"r-xp", "/usr/lib/libc.so.6", MAPPING_KIND_FILE},
        {"rw-p", "/usr/lib/libc.so.6 (deleted)", MAPPING_KIND_FILE},
        {"rw-s", "/tmp/[heap]", MAPPING_KIND_FILE},
        {"rw-s", "/home/u/dev/shm/x", MAPPING_KIND_FILE},
        {"r-xp", "[vdso]", MAPPING_KIND_KERNEL},
        {"r--p", "[vvar]", MAPPING_KIND_KERNEL},
        {"r-xp", "[something new]", MAPPING_KIND_KERNEL},
        {"rw-s", "/[aio] (deleted)", MAPPING_KIND_KERNEL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mapping mapping = make(HIGH, PAGE, cases[i].rights, cases[i].name);
        struct layers layers = walk(&mapping, 1);
        if (layers.rss[cases[i].kind] != (int64_t)PAGE)
            fail_msg("wrong: %s %s", cases[i].rights, cases[i].name);
        assert_int_equal(layers.swap[cases[i].kind], 4096);
    }
}

static void test_large(void **state)
{
    (void)state;
    struct mapping mappings[10];
    for (size_t i = 0; i < 10; i++) {
        mappings[i] = make(HIGH + PAGE + i * ARENA, 8 * MIB, "rw-p", i % 2 ? "" : "[anon:a]");
        mappings[i].rss = (int64_t)((i * 7 + 3) % 10);
    }
    struct layers layers = WALK(mappings);
    assert_int_equal(layers.large_count, LAYERS_LARGE_LIMIT);
    for (size_t i = 0; i < LAYERS_LARGE_LIMIT; i++) {
        assert_int_equal(layers.large[i].rss_bytes, 9 - (int64_t)i);
        assert_int_equal(layers.large[i].size_bytes, 8 * MIB);
        assert_int_equal(layers.large[i].born_usec, 0);
    }
    assert_int_equal(layers.rss[MAPPING_KIND_LARGE], 45);
    /* One page less is not large. */
    mappings[0] = make(HIGH, 8 * MIB - PAGE, "rw-p", "");
    assert_int_equal(walk(mappings, 1).large_count, 0);
    assert_int_equal(walk(mappings, 1).rss[MAPPING_KIND_ANON], 8 * MIB - PAGE);
}

static void test_stacks(void **state)
{
    (void)state;
    struct mapping mappings[] = {
        make(HIGH, PAGE, "---p", ""),
        make(HIGH + PAGE, 8 * MIB, "rw-p", ""),
        make(HIGH + PAGE + 8 * MIB, PAGE, "---p", ""),
        make(HIGH + 2 * PAGE + 8 * MIB, MIB, "rw-p", ""),
        make(HIGH + 2 * PAGE + 9 * MIB, MIB, "r--p", ""),
    };
    struct layers layers = WALK(mappings);
    assert_int_equal(layers.stacks, 2);
    assert_int_equal(layers.rss[MAPPING_KIND_STACK], 9 * MIB);
    assert_int_equal(layers.rss[MAPPING_KIND_LARGE], 0);
    /* Not right behind it, not anonymous, not private, not writable, too large a guard. */
    struct mapping others[] = {
        make(HIGH, PAGE, "---p", ""),
        make(HIGH + 2 * PAGE, MIB, "rw-p", ""),
        make(HIGH + 2 * MIB, PAGE, "---p", ""),
        make(HIGH + 2 * MIB + PAGE, MIB, "rw-p", "/x"),
        make(HIGH + 4 * MIB, PAGE, "---p", ""),
        make(HIGH + 4 * MIB + PAGE, MIB, "r--p", ""),
        make(HIGH + 6 * MIB, MIB, "---p", ""),
        make(HIGH + 7 * MIB, MIB, "rw-p", ""),
        make(HIGH + 9 * MIB, PAGE, "---p", "/x"),
        make(HIGH + 9 * MIB + PAGE, MIB, "rw-p", ""),
    };
    assert_int_equal(WALK(others).stacks, 0);
    /* A heap that was reserved as a whole and is given rights in parts. */
    struct mapping heap[] = {
        make(HIGH, MIB, "rw-p", ""),
        make(HIGH + MIB, 16 * PAGE, "---p", ""),
        make(HIGH + MIB + 16 * PAGE, MIB, "rw-p", ""),
        make(HIGH + 2 * MIB + 16 * PAGE, 9 * MIB, "---p", ""),
    };
    assert_int_equal(WALK(heap).stacks, 0);
}

static void test_arenas(void **state)
{
    (void)state;
    struct mapping two[] = {
        make(HIGH, 3 * MIB, "rw-p", ""),
        make(HIGH + 3 * MIB, ARENA - 3 * MIB, "---p", ""),
        make(HIGH + ARENA, 20 * MIB, "rw-p", ""),
        make(HIGH + ARENA + 20 * MIB, ARENA - 20 * MIB, "---p", ""),
        make(HIGH + 2 * ARENA, MIB, "rw-p", ""),
    };
    struct layers layers = WALK(two);
    assert_int_equal(layers.arenas, 2);
    assert_int_equal(layers.rss[MAPPING_KIND_ARENA], 23 * MIB);
    assert_int_equal(layers.rss[MAPPING_KIND_ANON], MIB);
    assert_int_equal(layers.stacks, 0);
    assert_int_equal(layers.large_count, 0);
    /* Full to the last page, and joined with the next one. */
    struct mapping full = make(HIGH, ARENA, "rw-p", "");
    assert_int_equal(walk(&full, 1).arenas, 1);
    struct mapping joined[] = {make(HIGH, ARENA + MIB, "rw-p", ""),
                               make(HIGH + ARENA + MIB, ARENA - MIB, "---p", "")};
    assert_int_equal(WALK(joined).arenas, 2);
    /* Memory right below joined to it: the larger part has it. */
    struct mapping below[] = {make(HIGH - MIB, 4 * MIB, "rw-p", ""),
                              make(HIGH + 3 * MIB, ARENA - 3 * MIB, "---p", "")};
    assert_int_equal(WALK(below).arenas, 1);
    below[0].start = HIGH - 4 * MIB;
    assert_int_equal(WALK(below).arenas, 0);
    /* The guard of the stack above joined to the rest. */
    struct mapping above[] = {make(HIGH, MIB, "rw-p", ""),
                              make(HIGH + MIB, ARENA - MIB + PAGE, "---p", ""),
                              make(HIGH + ARENA + PAGE, MIB, "rw-p", "")};
    assert_int_equal(WALK(above).arenas, 1);
    assert_int_equal(WALK(above).stacks, 1);
    /* An arena above a guard is no stack. */
    struct mapping guard[] = {make(HIGH - PAGE, PAGE, "---p", ""), make(HIGH, MIB, "rw-p", ""),
                              make(HIGH + MIB, ARENA - MIB, "---p", "")};
    assert_int_equal(WALK(guard).arenas, 1);
    assert_int_equal(WALK(guard).stacks, 0);
}

static void test_what_only_looks_like_arenas(void **state)
{
    (void)state;
    /* Go's heap lies where no arena can. */
    uint64_t low = UINT64_C(0xc000000000);
    struct mapping go[] = {make(low, 4 * MIB, "rw-p", ""),
                           make(low + 4 * MIB, ARENA - 4 * MIB, "---p", "")};
    assert_int_equal(WALK(go).arenas, 0);
    /* Too large, not reserved up to a multiple, not anonymous, a hole between. */
    struct mapping large[] = {make(HIGH, 10 * ARENA - MIB, "rw-p", ""),
                              make(HIGH + 10 * ARENA - MIB, MIB, "---p", "")};
    assert_int_equal(WALK(large).arenas, 0);
    struct mapping shorter[] = {make(HIGH, MIB, "rw-p", ""),
                                make(HIGH + MIB, ARENA / 2, "---p", "")};
    assert_int_equal(WALK(shorter).arenas, 0);
    struct mapping file[] = {make(HIGH, MIB, "rw-p", ""),
                             make(HIGH + MIB, ARENA - MIB, "---p", "/x")};
    assert_int_equal(WALK(file).arenas, 0);
    struct mapping hole[] = {make(HIGH, MIB, "rw-p", ""),
                             make(HIGH + 2 * MIB, ARENA - 2 * MIB, "---p", "")};
    assert_int_equal(WALK(hole).arenas, 0);
}

static void test_untold(void **state)
{
    (void)state;
    struct mapping mappings[] = {make(HIGH, MIB, "rw-p", ""), make(HIGH + MIB, MIB, "r--p", "")};
    struct layers layers = WALK(mappings);
    assert_int_equal(layers.pss_bytes, MIB);
    assert_int_equal(layers.uss_bytes, MIB / 2);
    assert_int_equal(layers.swap_bytes, 8192);
    assert_int_equal(layers.swap_pss_bytes, 4096);
    assert_int_equal(layers.huge_bytes, MIB);
    assert_int_equal(layers.anonymous_bytes, MIB / 4);
    mappings[1].swap_pss = mappings[1].anonymous = -1;
    mappings[0].huge = -1;
    layers = WALK(mappings);
    assert_int_equal(layers.swap_pss_bytes, -1);
    assert_int_equal(layers.huge_bytes, -1);
    assert_int_equal(layers.anonymous_bytes, -1);
    assert_int_equal(layers.pss_bytes, MIB);
    struct layers none = walk(NULL, 0);
    assert_int_equal(none.rss_bytes, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_name), cmocka_unit_test(test_large),
        cmocka_unit_test(test_stacks),  cmocka_unit_test(test_arenas),
        cmocka_unit_test(test_untold),  cmocka_unit_test(test_what_only_looks_like_arenas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
