/* SPDX-License-Identifier: MIT */
#include "diagnose/ledger.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MIB (INT64_C(1) << 20)

static struct agent_info said;
static struct process process;
static struct layers layers;
static struct agent_report agent;
static struct evidence evidence;
static struct ledger ledger;

static int setup(void **state)
{
    (void)state;
    said = (struct agent_info){0};
    process = (struct process){.id = {4711, 1}, .agent = &said};
    layers = (struct layers){.mono_usec = 5};
    agent = (struct agent_report){0};
    evidence = (struct evidence){.now_usec = 9, .process = &process, .layers = &layers};
    return 0;
}

static void set(enum metric metric, int64_t value)
{
    sample_set(&process.sample, metric, value, 7);
}

static void map(enum mapping_kind kind, int64_t mib)
{
    layers.rss[kind] = mib * MIB;
    layers.rss_bytes += mib * MIB;
}

static void say_single(int64_t bytes)
{
    evidence.agent = &agent;
    agent.values[agent.value_count++] = (struct agent_value){
        .section = "malloc", .key = "single_bytes", .kind = AGENT_VALUE_NUMBER, .numbers = {bytes}};
}

static void make(void)
{
    ledger_make(&evidence, &ledger);
    int64_t sum = 0;
    for (size_t i = 0; i < LAYER_COUNT; i++) {
        assert_true(ledger.bytes[i] >= 0);
        assert_true(ledger.present[i] || ledger.bytes[i] == 0);
        sum += ledger.bytes[i];
    }
    assert_int_equal(sum, ledger.rss_bytes);
}

static int64_t mib_of(enum layer layer)
{
    assert_true(ledger.present[layer]);
    return ledger.bytes[layer] / MIB;
}

static void mappings_alone_are_the_lines(void **state)
{
    (void)state;
    map(MAPPING_KIND_HEAP, 40);
    map(MAPPING_KIND_ARENA, 30);
    map(MAPPING_KIND_LARGE, 20);
    map(MAPPING_KIND_ANON, 10);
    map(MAPPING_KIND_STACK, 5);
    map(MAPPING_KIND_FILE, 4);
    map(MAPPING_KIND_SHMEM, 3);
    map(MAPPING_KIND_KERNEL, 1);
    layers.huge_bytes = 6 * MIB;
    layers.swap_bytes = 7 * MIB;
    make();
    assert_true(ledger.whole);
    assert_int_equal(mib_of(LAYER_HEAP), 40);
    assert_int_equal(mib_of(LAYER_ARENAS), 30);
    assert_int_equal(mib_of(LAYER_LARGE), 20);
    assert_int_equal(mib_of(LAYER_ANON), 10);
    assert_int_equal(mib_of(LAYER_STACKS), 5);
    assert_int_equal(mib_of(LAYER_FILE), 4);
    assert_int_equal(mib_of(LAYER_SHMEM), 3);
    assert_int_equal(mib_of(LAYER_UNEXPLAINED), 1);
    assert_false(ledger.present[LAYER_PY_USED]);
    assert_false(ledger.present[LAYER_MALLOC_FREE]);
    assert_int_equal(ledger.huge_bytes, 6 * MIB);
    assert_int_equal(ledger.swap_bytes, 7 * MIB);
    assert_int_equal(ledger.mono_usec, 5);
}

static void pools_come_out_of_anonymous_mappings(void **state)
{
    (void)state;
    map(MAPPING_KIND_ANON, 10);
    map(MAPPING_KIND_LARGE, 50);
    map(MAPPING_KIND_HEAP, 9);
    set(METRIC_PY_USED, 20 * MIB);
    set(METRIC_PY_PINNED, 15 * MIB);
    set(METRIC_PY_FREE, 5 * MIB);
    make();
    assert_int_equal(mib_of(LAYER_PY_USED), 20);
    assert_int_equal(mib_of(LAYER_PY_PINNED), 15);
    assert_int_equal(mib_of(LAYER_PY_FREE), 5);
    assert_int_equal(mib_of(LAYER_ANON), 0);
    assert_int_equal(mib_of(LAYER_LARGE), 20);
    assert_int_equal(mib_of(LAYER_HEAP), 9);
    assert_int_equal(ledger.pools_usec, 7);
}

static void pools_that_are_not_there_any_more_are_cut_free_ones_first(void **state)
{
    (void)state;
    map(MAPPING_KIND_ANON, 30);
    map(MAPPING_KIND_HEAP, 100);
    set(METRIC_PY_USED, 20 * MIB);
    set(METRIC_PY_PINNED, 15 * MIB);
    set(METRIC_PY_FREE, 5 * MIB);
    make();
    assert_int_equal(mib_of(LAYER_PY_USED), 20);
    assert_int_equal(mib_of(LAYER_PY_PINNED), 10);
    assert_int_equal(mib_of(LAYER_PY_FREE), 0);
    assert_int_equal(mib_of(LAYER_HEAP), 100);
}

/* 200 MiB of chunks, 50 in use, the pages of 30 returned; 64 MiB mapped, all touched. */
static void glibc_takes_heap_arenas_and_what_it_has_mapped(void **state)
{
    (void)state;
    text_copy(said.allocator, sizeof(said.allocator), "glibc 2.36");
    map(MAPPING_KIND_HEAP, 100);
    map(MAPPING_KIND_ARENA, 70);
    map(MAPPING_KIND_LARGE, 80);
    set(METRIC_HEAP_USED, (50 + 64) * MIB);
    set(METRIC_HEAP_FREE, 150 * MIB);
    say_single(64 * MIB);
    make();
    assert_int_equal(mib_of(LAYER_MALLOC_USED), 50 + 64);
    assert_int_equal(mib_of(LAYER_MALLOC_FREE), 120);
    assert_int_equal(mib_of(LAYER_HEAP) + mib_of(LAYER_ARENAS), 0);
    assert_int_equal(mib_of(LAYER_LARGE), 16);
    assert_int_equal(ledger.malloc_usec, 7);
}

static void free_chunks_are_no_more_than_what_malloc_says(void **state)
{
    (void)state;
    text_copy(said.allocator, sizeof(said.allocator), "glibc 2.36");
    map(MAPPING_KIND_HEAP, 100); /* a part of it somebody else's, by sbrk */
    set(METRIC_HEAP_USED, 30 * MIB);
    set(METRIC_HEAP_FREE, 10 * MIB);
    say_single(0);
    make();
    assert_int_equal(mib_of(LAYER_MALLOC_USED), 30);
    assert_int_equal(mib_of(LAYER_MALLOC_FREE), 10);
    assert_int_equal(mib_of(LAYER_HEAP), 60);
}

static void untouched_memory_is_not_claimed(void **state)
{
    (void)state;
    text_copy(said.allocator, sizeof(said.allocator), "glibc 2.36");
    map(MAPPING_KIND_HEAP, 5);
    map(MAPPING_KIND_ANON, 3);
    map(MAPPING_KIND_FILE, 9);
    set(METRIC_HEAP_USED, 900 * MIB);
    set(METRIC_HEAP_FREE, 50 * MIB);
    say_single(800 * MIB);
    make();
    assert_int_equal(mib_of(LAYER_MALLOC_USED), 8);
    assert_int_equal(mib_of(LAYER_MALLOC_FREE), 0);
    assert_int_equal(mib_of(LAYER_FILE), 9);
}

static void without_the_mapped_part_rather_used_than_free(void **state)
{
    (void)state;
    text_copy(said.allocator, sizeof(said.allocator), "glibc 2.36");
    map(MAPPING_KIND_HEAP, 60);
    map(MAPPING_KIND_LARGE, 100);
    set(METRIC_HEAP_USED, 110 * MIB);
    set(METRIC_HEAP_FREE, 50 * MIB);
    make();
    assert_int_equal(mib_of(LAYER_MALLOC_USED), 110);
    assert_int_equal(mib_of(LAYER_MALLOC_FREE), 0);
    assert_int_equal(mib_of(LAYER_LARGE), 50);
}

static void other_allocators_live_in_mappings(void **state)
{
    (void)state;
    text_copy(said.allocator, sizeof(said.allocator), "jemalloc 5.3.0");
    map(MAPPING_KIND_LARGE, 200);
    map(MAPPING_KIND_ANON, 10);
    set(METRIC_HEAP_USED, 50 * MIB);
    set(METRIC_HEAP_FREE, 190 * MIB);
    evidence.agent = &agent;
    agent.values[agent.value_count++] =
        (struct agent_value){"malloc", "free_resident_bytes", AGENT_VALUE_NUMBER, {120 * MIB}};
    make();
    assert_int_equal(mib_of(LAYER_MALLOC_USED), 50);
    assert_int_equal(mib_of(LAYER_MALLOC_FREE), 120);
    assert_int_equal(mib_of(LAYER_LARGE), 30);
    assert_int_equal(mib_of(LAYER_ANON), 10);
}

static void without_a_walk_status_tells_three_parts(void **state)
{
    (void)state;
    evidence.layers = NULL;
    set(METRIC_RSS, 100 * MIB);
    set(METRIC_ANON, 60 * MIB);
    set(METRIC_FILE, 30 * MIB);
    set(METRIC_SHMEM, 5 * MIB);
    set(METRIC_PY_USED, 20 * MIB);
    make();
    assert_false(ledger.whole);
    assert_int_equal(mib_of(LAYER_PY_USED), 20);
    assert_int_equal(mib_of(LAYER_ANON), 40);
    assert_int_equal(mib_of(LAYER_FILE), 30);
    assert_int_equal(mib_of(LAYER_SHMEM), 5);
    assert_int_equal(mib_of(LAYER_UNEXPLAINED), 5);
    assert_false(ledger.present[LAYER_HEAP]);
    assert_false(ledger.present[LAYER_STACKS]);
}

static void what_is_not_known_is_absent(void **state)
{
    (void)state;
    evidence.layers = NULL;
    set(METRIC_RSS, 10 * MIB);
    make();
    assert_false(ledger.present[LAYER_ANON]);
    assert_false(ledger.present[LAYER_FILE]);
    assert_int_equal(mib_of(LAYER_UNEXPLAINED), 10);
    process.sample = (struct sample){0};
    make();
    assert_int_equal(ledger.rss_bytes, 0);
}

/* Numbers of any kind, also such as no kernel and no agent would say: the sum holds. */
static void any_numbers_sum_to_rss(void **state)
{
    (void)state;
    static const char *const allocators[] = {"glibc 2.36", "tcmalloc 2.10", ""};
    static const enum metric metrics[] = {
        METRIC_RSS,       METRIC_ANON,      METRIC_FILE,    METRIC_SHMEM,     METRIC_SWAP,
        METRIC_HEAP_USED, METRIC_HEAP_FREE, METRIC_PY_USED, METRIC_PY_PINNED, METRIC_PY_FREE};
    srandom(4711);
    for (int round = 0; round < 20000; round++) {
        setup(NULL);
        text_copy(said.allocator, sizeof(said.allocator), allocators[random() % 3]);
        for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
            if (random() % 4)
                set(metrics[i], random() % 1000 - (random() % 20 == 0 ? 500 : 0));
        if (random() % 2)
            say_single(random() % 1500);
        for (size_t kind = 0; kind < MAPPING_KIND_COUNT; kind++)
            layers.rss[kind] = random() % 300;
        for (size_t kind = 0; kind < MAPPING_KIND_COUNT; kind++)
            layers.rss_bytes += layers.rss[kind];
        if (random() % 8 == 0)
            layers.rss_bytes = random() % 3000;
        if (random() % 3 == 0)
            evidence.layers = NULL;
        make();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(mappings_alone_are_the_lines, setup),
        cmocka_unit_test_setup(pools_come_out_of_anonymous_mappings, setup),
        cmocka_unit_test_setup(pools_that_are_not_there_any_more_are_cut_free_ones_first, setup),
        cmocka_unit_test_setup(glibc_takes_heap_arenas_and_what_it_has_mapped, setup),
        cmocka_unit_test_setup(free_chunks_are_no_more_than_what_malloc_says, setup),
        cmocka_unit_test_setup(untouched_memory_is_not_claimed, setup),
        cmocka_unit_test_setup(without_the_mapped_part_rather_used_than_free, setup),
        cmocka_unit_test_setup(other_allocators_live_in_mappings, setup),
        cmocka_unit_test_setup(without_a_walk_status_tells_three_parts, setup),
        cmocka_unit_test_setup(what_is_not_known_is_absent, setup),
        cmocka_unit_test_setup(any_numbers_sum_to_rss, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
