/* SPDX-License-Identifier: MIT */
#include "heap/estimate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MIB (INT64_C(1) << 20)

static struct sample sample;
static struct estimate_memory memory;

static int setup(void **state)
{
    (void)state;
    sample = (struct sample){0};
    memory = (struct estimate_memory){0};
    return 0;
}

static void set(enum metric metric, int64_t value)
{
    sample_set(&sample, metric, value, 1);
}

/* 200 MiB anonymous of which malloc says 50 in use and 140 free. */
static void set_freed_buffers(void)
{
    set(METRIC_RSS, 210 * MIB);
    set(METRIC_FILE, 9 * MIB);
    set(METRIC_SHMEM, 1 * MIB);
    set(METRIC_HEAP_USED, 50 * MIB);
    set(METRIC_HEAP_FREE, 140 * MIB);
}

static void trim_is_bound_by_free_chunks(void **state)
{
    (void)state;
    set_freed_buffers();
    struct prediction prediction = estimate_trim(&sample, &memory);
    assert_int_equal(prediction.high_bytes, 140 * MIB);
    assert_int_equal(prediction.low_bytes, 0);
    assert_int_equal(prediction.unshared_bytes, 0);
}

static void trim_is_bound_by_what_is_resident(void **state)
{
    (void)state;
    set_freed_buffers();
    set(METRIC_HEAP_FREE, 900 * MIB);
    assert_int_equal(estimate_trim(&sample, &memory).high_bytes, 150 * MIB);
}

static void trim_after_a_trim_expects_only_what_came_since(void **state)
{
    (void)state;
    set_freed_buffers();
    /* The pages of 130 MiB went back; malloc still counts its chunks as free. */
    set(METRIC_RSS, 80 * MIB);
    memory.has_slack = estimate_slack(&sample, &memory.slack_bytes);
    assert_true(memory.has_slack);
    assert_int_equal(estimate_trim(&sample, &memory).high_bytes, 0);
    /* 30 MiB of them are touched and freed again. */
    set(METRIC_RSS, 110 * MIB);
    assert_int_equal(estimate_trim(&sample, &memory).high_bytes, 30 * MIB);
}

static void trim_is_sure_of_the_top_only(void **state)
{
    (void)state;
    set_freed_buffers();
    memory.has_keepcost = true;
    memory.keepcost_bytes = 20 * MIB + 132 * 1024;
    assert_int_equal(estimate_trim(&sample, &memory).low_bytes, 20 * MIB);
    memory.keepcost_bytes = 900 * MIB;
    struct prediction prediction = estimate_trim(&sample, &memory);
    assert_int_equal(prediction.low_bytes, prediction.high_bytes);
}

static void trim_believes_an_allocator_that_counts(void **state)
{
    (void)state;
    set_freed_buffers();
    memory.has_slack = true; /* glibc's way of counting does not matter */
    memory.slack_bytes = 150 * MIB;
    memory.has_free_resident = true;
    memory.free_resident_bytes = 96 * MIB;
    struct prediction prediction = estimate_trim(&sample, &memory);
    assert_int_equal(prediction.low_bytes, 84 * MIB);
    assert_int_equal(prediction.high_bytes, 99 * MIB);
    memory.free_resident_bytes = 0;
    assert_int_equal(estimate_trim(&sample, &memory).high_bytes, 0);
    /* Never more than there is, whatever is said. */
    memory.free_resident_bytes = INT64_MAX;
    assert_int_equal(estimate_trim(&sample, &memory).high_bytes, 200 * MIB);
    memory.free_resident_bytes = -1;
    assert_int_equal(estimate_trim(&sample, &memory).high_bytes, 0);
}

static void nothing_known_nothing_promised(void **state)
{
    (void)state;
    struct prediction trim = estimate_trim(&sample, &memory);
    struct prediction collect = estimate_collect(&sample, &memory, 4);
    assert_int_equal(trim.high_bytes, 0);
    assert_int_equal(collect.high_bytes, 0);
    assert_int_equal(collect.pause_usec, -1);
    /* Only the size known: it is the bound. */
    set(METRIC_ANON, 7 * MIB);
    assert_int_equal(estimate_trim(&sample, &memory).high_bytes, 7 * MIB);
    assert_int_equal(estimate_collect(&sample, &memory, 1).high_bytes, 7 * MIB);
}

static void collect_counts_generations(void **state)
{
    (void)state;
    set(METRIC_RSS, 1000 * MIB);
    set(METRIC_PY_GC_COUNT0, 100);
    set(METRIC_PY_GC_COUNT1, 2);
    set(METRIC_PY_GC_COUNT2, 3);
    assert_int_equal(estimate_collect(&sample, &memory, 1).high_bytes, 100 * 114);
    memory.has_thresholds = true;
    memory.thresholds[0] = 700;
    memory.thresholds[1] = 10;
    int64_t objects = 100 + 2 * 700 + 3 * 7000;
    assert_int_equal(estimate_collect(&sample, &memory, 1).high_bytes, objects * 114);
}

static void collect_weighs_objects_by_the_process(void **state)
{
    (void)state;
    set(METRIC_RSS, 300 * MIB);
    set(METRIC_PY_GC_COUNT0, 1000);
    set(METRIC_PY_BLOCKS, 300 * 1024);
    /* 1 KiB a block, three blocks an object. */
    assert_int_equal(estimate_collect(&sample, &memory, 1).high_bytes, 1000 * 3 * 1024);
    /* Not told this time: the pools know. */
    sample_clear(&sample, METRIC_PY_BLOCKS);
    memory.has_blocks = true;
    memory.blocks = 300 * 1024;
    assert_int_equal(estimate_collect(&sample, &memory, 1).high_bytes, 1000 * 3 * 1024);
}

static void collect_is_bound_by_the_process(void **state)
{
    (void)state;
    set(METRIC_RSS, 50 * MIB);
    set(METRIC_PY_GC_COUNT0, INT64_C(1) << 40);
    set(METRIC_PY_GC_COUNT1, INT64_C(1) << 40);
    set(METRIC_PY_GC_COUNT2, INT64_C(1) << 40);
    set(METRIC_PY_BLOCKS, 1);
    memory.has_thresholds = true;
    memory.thresholds[0] = memory.thresholds[1] = INT64_C(1) << 40;
    assert_int_equal(estimate_collect(&sample, &memory, 1).high_bytes, 50 * MIB);
}

static void pause_follows_the_objects(void **state)
{
    (void)state;
    set(METRIC_RSS, 300 * MIB);
    set(METRIC_PY_BLOCKS, 3000000);
    assert_int_equal(estimate_collect(&sample, &memory, 1).pause_usec, 130000);
    set(METRIC_PY_GC_FROZEN, 900000);
    assert_int_equal(estimate_collect(&sample, &memory, 1).pause_usec, 13000);
    /* More young objects than blocks / 3: they are visited as well, and may all be dead. */
    set(METRIC_PY_GC_COUNT0, 2000000);
    assert_int_equal(estimate_collect(&sample, &memory, 1).pause_usec, 260000 + 1400000);
}

static void pause_learns_from_the_last_one(void **state)
{
    (void)state;
    set(METRIC_PY_BLOCKS, 3000000);
    estimate_learn_collect(&memory, 500000, 0, 40000);
    assert_int_equal(estimate_collect(&sample, &memory, 1).pause_usec, 80000);
    /* Freeing is not counted as visiting. */
    estimate_learn_collect(&memory, 500000, 100000, 40000 + 70000);
    assert_int_equal(estimate_collect(&sample, &memory, 1).pause_usec, 80000);
    /* Nothing is learned from what is not known; outliers are cut. */
    estimate_learn_collect(&memory, 0, 0, 40000);
    estimate_learn_collect(&memory, 500000, -1, 40000);
    estimate_learn_collect(&memory, 500000, 0, -1);
    assert_int_equal(memory.visit_nsec, 80);
    estimate_learn_collect(&memory, 1, 0, 40000);
    assert_int_equal(memory.visit_nsec, 1000);
    estimate_learn_collect(&memory, 1000000, 1000000, 1);
    assert_int_equal(memory.visit_nsec, 20);
}

static void a_forked_worker_shares(void **state)
{
    (void)state;
    set(METRIC_RSS, 200 * MIB);
    set(METRIC_FILE, 10 * MIB);
    set(METRIC_USS, 5 * MIB);
    assert_int_equal(estimate_shared(&sample, 5), 185 * MIB);
    assert_int_equal(estimate_shared(&sample, 1), 0);
    assert_int_equal(estimate_collect(&sample, &memory, 5).unshared_bytes, 185 * MIB);
    /* All of it its own by now. */
    set(METRIC_USS, 195 * MIB);
    assert_int_equal(estimate_shared(&sample, 5), 0);
}

static void unreadable_counts_as_shared(void **state)
{
    (void)state;
    set(METRIC_RSS, 200 * MIB);
    set(METRIC_FILE, 10 * MIB);
    assert_int_equal(estimate_shared(&sample, 5), 190 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(trim_is_bound_by_free_chunks, setup),
        cmocka_unit_test_setup(trim_is_bound_by_what_is_resident, setup),
        cmocka_unit_test_setup(trim_after_a_trim_expects_only_what_came_since, setup),
        cmocka_unit_test_setup(trim_is_sure_of_the_top_only, setup),
        cmocka_unit_test_setup(trim_believes_an_allocator_that_counts, setup),
        cmocka_unit_test_setup(nothing_known_nothing_promised, setup),
        cmocka_unit_test_setup(collect_counts_generations, setup),
        cmocka_unit_test_setup(collect_weighs_objects_by_the_process, setup),
        cmocka_unit_test_setup(collect_is_bound_by_the_process, setup),
        cmocka_unit_test_setup(pause_follows_the_objects, setup),
        cmocka_unit_test_setup(pause_learns_from_the_last_one, setup),
        cmocka_unit_test_setup(a_forked_worker_shares, setup),
        cmocka_unit_test_setup(unreadable_counts_as_shared, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
