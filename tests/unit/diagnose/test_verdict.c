/* SPDX-License-Identifier: MIT */
#include "diagnose/verdict.h"

#include "base/text.h"
#include "diagnose/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MIB   (INT64_C(1) << 20)
#define NOW   UINT64_C(1000000000)
#define OTHER 5 /* MiB of libraries in every case below */

static struct agent_info said;
static struct process process;
static struct layers layers;
static struct agent_report agent;
static struct prediction trim, collect;
static struct evidence evidence;
static struct ledger ledger;
static struct verdict verdict;

static int setup(void **state)
{
    (void)state;
    said = (struct agent_info){.state = AGENT_STATE_NONE};
    process = (struct process){.id = {4711, 1}, .agent = &said};
    layers = (struct layers){.mono_usec = NOW};
    agent = (struct agent_report){0};
    trim = collect = (struct prediction){.pause_usec = -1};
    evidence = (struct evidence){.now_usec = NOW, .process = &process, .layers = &layers};
    return 0;
}

static void set(enum metric metric, int64_t value)
{
    sample_set(&process.sample, metric, value, NOW);
}

static void map(enum mapping_kind kind, int64_t mib)
{
    layers.rss[kind] += mib * MIB;
    layers.rss_bytes += mib * MIB;
    layers.uss_bytes += mib * MIB;
    if (kind != MAPPING_KIND_FILE && kind != MAPPING_KIND_SHMEM)
        layers.anonymous_bytes += mib * MIB;
}

static void say(const char *section, const char *key, int64_t first, int64_t second, int64_t third)
{
    agent.values[agent.value_count++] =
        (struct agent_value){.section = section, .key = key, .numbers = {first, second, third}};
}

/* A CPython with an agent, its collector on and at rest. */
static void add_agent(const char *runtime)
{
    said.state = AGENT_STATE_READY;
    text_copy(said.runtime, sizeof(said.runtime), runtime);
    text_copy(said.allocator, sizeof(said.allocator), "glibc 2.36");
    evidence.agent = &agent;
    evidence.trim = &trim;
    evidence.collect = &collect;
    say("malloc", "single_bytes", 0, 0, 0);
    if (!runtime[0])
        return;
    say("gc", "threshold", 700, 10, 10);
    set(METRIC_PY_GC_ENABLED, 1);
    set(METRIC_PY_GC_COUNT0, 500);
    set(METRIC_PY_GC_COUNT1, 3);
    set(METRIC_PY_GC_COUNT2, 4);
    set(METRIC_PY_GC_GARBAGE, 0);
    set(METRIC_PY_BLOCKS, 1000000);
}

static void set_pools(int64_t used, int64_t pinned, int64_t free_pools)
{
    set(METRIC_PY_USED, used * MIB);
    set(METRIC_PY_PINNED, pinned * MIB);
    set(METRIC_PY_FREE, free_pools * MIB);
}

static void set_malloc(int64_t used, int64_t free_chunks)
{
    set(METRIC_HEAP_USED, used * MIB);
    set(METRIC_HEAP_FREE, free_chunks * MIB);
}

static void make(void)
{
    set(METRIC_RSS, layers.rss_bytes);
    ledger_make(&evidence, &ledger);
    verdict_make(&evidence, &ledger, &verdict);
    assert_non_null(verdict.cannot);
    assert_true(verdict.sentence[0] != '\0');
    assert_true(strlen(verdict.sentence) < sizeof(verdict.sentence) - 1);
    for (size_t i = 0; i < verdict.line_count; i++)
        assert_true(verdict.lines[i][0] != '\0' &&
                    strlen(verdict.lines[i]) < sizeof(verdict.lines[i]) - 1);
    assert_int_equal(verdict.cause == VERDICT_UNKNOWN,
                     verdict.confidence == VERDICT_CONFIDENCE_UNKNOWN);
}

static void expect(enum verdict_cause cause, enum verdict_confidence confidence)
{
    make();
    assert_string_equal(verdict_cause_info(verdict.cause)->name, verdict_cause_info(cause)->name);
    assert_string_equal(verdict_confidence_name(verdict.confidence),
                        verdict_confidence_name(confidence));
}

static void expect_step(enum verdict_step step, const char *next)
{
    assert_string_equal(verdict_step_name(verdict.step), verdict_step_name(step));
    assert_string_equal(verdict.next, next);
}

static void nothing_known_is_unknown(void **state)
{
    (void)state;
    evidence.layers = NULL;
    process.sample = (struct sample){0};
    ledger_make(&evidence, &ledger);
    verdict_make(&evidence, &ledger, &verdict);
    assert_int_equal(verdict.cause, VERDICT_UNKNOWN);
    assert_false(verdict.has_prediction);
}

static void little_is_small_unless_the_limit_is_smaller_still(void **state)
{
    (void)state;
    map(MAPPING_KIND_HEAP, 20);
    expect(VERDICT_SMALL, VERDICT_CONFIDENCE_HIGH);
    struct cgroup cgroup = {.limit_path = "/box"};
    cgroup_set(&cgroup, CGROUP_VALUE_LIMIT, 32 * MIB);
    cgroup_set(&cgroup, CGROUP_VALUE_NEEDED, 21 * MIB);
    cgroup_set(&cgroup, CGROUP_VALUE_HEADROOM, 11 * MIB);
    evidence.cgroup = &cgroup;
    make();
    assert_int_not_equal(verdict.cause, VERDICT_SMALL);
    assert_non_null(strstr(verdict.lines[0], "11.0 MiB left"));
}

static void freed_buffers_are_kept_by_malloc(void **state)
{
    (void)state;
    add_agent("cpython 3.11.2");
    map(MAPPING_KIND_ARENA, 150);
    map(MAPPING_KIND_ANON, 6);
    map(MAPPING_KIND_FILE, OTHER);
    layers.arenas = 8;
    set_pools(3, 1, 0);
    set_malloc(6, 160);
    trim = (struct prediction){.low_bytes = 100 * MIB, .high_bytes = 144 * MIB, .pause_usec = -1};
    expect(VERDICT_MALLOC_KEEPS, VERDICT_CONFIDENCE_HIGH);
    assert_int_equal(verdict.bytes, 144 * MIB);
    expect_step(VERDICT_STEP_TRIM, "memtend trim 4711");
    assert_true(verdict.has_prediction);
    assert_int_equal(verdict.prediction.high_bytes, 144 * MIB);
    assert_non_null(strstr(verdict.lines[1], "MALLOC_ARENA_MAX"));
}

static void what_a_trim_has_left_needs_a_new_process(void **state)
{
    (void)state;
    add_agent("");
    map(MAPPING_KIND_HEAP, 150);
    set_malloc(30, 130);
    trim.high_bytes = 2 * MIB;
    expect(VERDICT_MALLOC_KEEPS, VERDICT_CONFIDENCE_HIGH);
    expect_step(VERDICT_STEP_RECYCLE, "");
}

static void without_an_agent_the_heap_is_unknown(void **state)
{
    (void)state;
    map(MAPPING_KIND_HEAP, 150);
    map(MAPPING_KIND_FILE, OTHER);
    process.unit = "web.service";
    expect(VERDICT_UNKNOWN, VERDICT_CONFIDENCE_UNKNOWN);
    assert_non_null(strstr(verdict.sentence, "[heap]"));
    expect_step(VERDICT_STEP_NONE, "memtend enable unit web.service");
    assert_false(verdict.has_prediction);
    process.unit = "$(reboot).service";
    make();
    expect_step(VERDICT_STEP_NONE, "memtend run -- COMMAND");
}

static void old_numbers_of_malloc_are_less_sure(void **state)
{
    (void)state;
    add_agent("");
    map(MAPPING_KIND_HEAP, 150);
    set_malloc(30, 130);
    layers.mono_usec = NOW + UINT64_C(300000000);
    expect(VERDICT_MALLOC_KEEPS, VERDICT_CONFIDENCE_MEDIUM);
    evidence.layers = NULL;
    set(METRIC_ANON, 150 * MIB);
    expect(VERDICT_MALLOC_KEEPS, VERDICT_CONFIDENCE_LOW);
}

static void collector_off_is_not_looked_at(void **state)
{
    (void)state;
    add_agent("cpython 3.13.0");
    map(MAPPING_KIND_HEAP, 150);
    map(MAPPING_KIND_ANON, 20);
    set_pools(15, 1, 0);
    set_malloc(145, 2);
    set(METRIC_PY_GC_ENABLED, 0);
    set(METRIC_PY_GC_COUNT0, 153600);
    set(METRIC_PY_BLOCKS, 200000);
    collect = (struct prediction){.high_bytes = 150 * MIB, .pause_usec = 50000};
    trim = (struct prediction){.low_bytes = 0, .high_bytes = 2 * MIB, .pause_usec = -1};
    expect(VERDICT_UNCOLLECTED, VERDICT_CONFIDENCE_MEDIUM);
    expect_step(VERDICT_STEP_FREE, "memtend free 4711");
    assert_int_equal(verdict.prediction.low_bytes, 0);
    assert_int_equal(verdict.prediction.high_bytes, 152 * MIB);
    assert_int_equal(verdict.prediction.pause_usec, 50000);
}

static void a_collection_that_copies_more_is_not_advised(void **state)
{
    (void)state;
    collector_off_is_not_looked_at(state);
    collect.unshared_bytes = 400 * MIB;
    make();
    assert_int_equal(verdict.cause, VERDICT_UNCOLLECTED);
    expect_step(VERDICT_STEP_NONE, "");
    assert_non_null(strstr(verdict.cannot, "copy more"));
}

static void few_objects_with_the_collector_off_are_no_cause(void **state)
{
    (void)state;
    add_agent("cpython 3.13.0");
    map(MAPPING_KIND_HEAP, 150);
    set_pools(2, 0, 0);
    set_malloc(145, 2);
    set(METRIC_PY_GC_ENABLED, 0);
    set(METRIC_PY_GC_COUNT0, 900);
    expect(VERDICT_PYTHON_OBJECTS, VERDICT_CONFIDENCE_MEDIUM);
}

static void a_live_dict_is_objects_in_use(void **state)
{
    (void)state;
    add_agent("cpython 3.11.2");
    map(MAPPING_KIND_HEAP, 140);
    map(MAPPING_KIND_ANON, 30);
    map(MAPPING_KIND_FILE, OTHER);
    set_pools(22, 2, 1);
    set_malloc(135, 4);
    expect(VERDICT_PYTHON_OBJECTS, VERDICT_CONFIDENCE_MEDIUM);
    expect_step(VERDICT_STEP_NONE, "memtend census 4711");
    evidence.full_collection_usec = NOW - 1000000;
    expect(VERDICT_PYTHON_OBJECTS, VERDICT_CONFIDENCE_HIGH);
}

static void high_thresholds_are_a_collector_that_comes_rarely(void **state)
{
    (void)state;
    add_agent("cpython 3.11.2");
    agent.values[1].numbers[0] = 1000000;
    map(MAPPING_KIND_ANON, 170);
    set_pools(160, 2, 1);
    set_malloc(1, 1);
    set(METRIC_PY_GC_COUNT0, 900000);
    set(METRIC_PY_GC_COUNT1, 0);
    set(METRIC_PY_GC_COUNT2, 0);
    expect(VERDICT_UNCOLLECTED, VERDICT_CONFIDENCE_LOW);
}

static void gc_garbage_is_named(void **state)
{
    (void)state;
    add_agent("cpython 3.11.2");
    say("gc", "debug", 32, 0, 0);
    map(MAPPING_KIND_ANON, 170);
    set_pools(160, 2, 1);
    set_malloc(1, 1);
    set(METRIC_PY_GC_GARBAGE, 400000);
    expect(VERDICT_GARBAGE_KEPT, VERDICT_CONFIDENCE_MEDIUM);
    assert_non_null(strstr(verdict.sentence, "DEBUG_SAVEALL"));
}

/* 480,000 objects of 54 MiB at least, and the agent has not told how many there are in all. */
static void gc_garbage_is_no_object_in_use(void **state)
{
    (void)state;
    add_agent("cpython 3.13.0");
    map(MAPPING_KIND_ANON, 80);
    map(MAPPING_KIND_FILE, OTHER);
    set_pools(72, 0, 0);
    set_malloc(5, 0);
    sample_clear(&process.sample, METRIC_PY_BLOCKS);
    set(METRIC_PY_GC_GARBAGE, 500000);
    evidence.full_collection_usec = NOW - 1;
    expect(VERDICT_GARBAGE_KEPT, VERDICT_CONFIDENCE_MEDIUM);
    /* The pools know. */
    agent.classes[agent.class_count++] = (struct agent_class){64, 5000, 1000000};
    expect(VERDICT_GARBAGE_KEPT, VERDICT_CONFIDENCE_MEDIUM);
    assert_true(verdict.bytes > 70 * MIB);
}

static void pools_are_counted_from_outside_too(void **state)
{
    (void)state;
    map(MAPPING_KIND_ANON, 150);
    map(MAPPING_KIND_FILE, OTHER);
    set_pools(20, 110, 5);
    expect(VERDICT_POOLS_PINNED, VERDICT_CONFIDENCE_HIGH);
    expect_step(VERDICT_STEP_RECYCLE, "");
    set(METRIC_PY_COVERAGE, 7000);
    expect(VERDICT_POOLS_PINNED, VERDICT_CONFIDENCE_MEDIUM);
    set(METRIC_PY_COVERAGE, 10000);
    set_pools(20, 5, 110);
    expect(VERDICT_POOLS_FREE, VERDICT_CONFIDENCE_HIGH);
    set_pools(120, 5, 5);
    expect(VERDICT_PYTHON_OBJECTS, VERDICT_CONFIDENCE_LOW);
}

static void pools_counted_before_a_change_do_not_count(void **state)
{
    (void)state;
    map(MAPPING_KIND_LARGE, 150);
    layers.large_count = 1;
    layers.large[0].rss_bytes = 150 * MIB;
    set_pools(4, 1, 1);
    evidence.pools_stale = true;
    expect(VERDICT_UNKNOWN, VERDICT_CONFIDENCE_UNKNOWN);
    assert_non_null(strstr(verdict.lines[0], "counted anew"));
    assert_false(ledger.present[LAYER_PY_USED]);
}

static void a_program_that_is_no_python_uses_malloc(void **state)
{
    (void)state;
    add_agent("");
    map(MAPPING_KIND_HEAP, 150);
    map(MAPPING_KIND_FILE, OTHER);
    set_malloc(140, 10);
    expect(VERDICT_MALLOC_USED, VERDICT_CONFIDENCE_HIGH);
}

static void kinds_of_mappings_speak_for_themselves(void **state)
{
    static const struct {
        enum mapping_kind kind;
        enum verdict_cause cause;
        enum verdict_confidence confidence;
    } rows[] = {
        {MAPPING_KIND_STACK, VERDICT_STACKS, VERDICT_CONFIDENCE_HIGH},
        {MAPPING_KIND_FILE, VERDICT_FILES, VERDICT_CONFIDENCE_HIGH},
        {MAPPING_KIND_SHMEM, VERDICT_SHMEM, VERDICT_CONFIDENCE_HIGH},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setup(state);
        map(MAPPING_KIND_HEAP, 8);
        map(rows[i].kind, 200);
        layers.stacks = 30;
        set(METRIC_THREADS, 30);
        expect(rows[i].cause, rows[i].confidence);
        expect_step(VERDICT_STEP_NONE, rows[i].cause == VERDICT_FILES ? "memtend host" : "");
    }
    /* More than there are threads for: something else. */
    setup(state);
    map(MAPPING_KIND_STACK, 200);
    layers.stacks = 50;
    set(METRIC_THREADS, 30);
    expect(VERDICT_UNKNOWN, VERDICT_CONFIDENCE_UNKNOWN);
    /* Written to privately: not in the file any more. */
    setup(state);
    map(MAPPING_KIND_FILE, 200);
    layers.anonymous_bytes = 180 * MIB;
    make();
    assert_int_not_equal(verdict.cause, VERDICT_FILES);
}

static void one_large_mapping_has_an_age(void **state)
{
    (void)state;
    map(MAPPING_KIND_LARGE, 200);
    layers.large_count = 1;
    layers.large[0] = (struct layers_large){
        .size_bytes = 256 * MIB, .rss_bytes = 200 * MIB, .born_usec = NOW - UINT64_C(180000000)};
    expect(VERDICT_LARGE_MAPPING, VERDICT_CONFIDENCE_LOW);
    assert_non_null(strstr(verdict.lines[0], "first seen 3 min ago"));
    add_agent("");
    set_malloc(1, 0);
    expect(VERDICT_LARGE_MAPPING, VERDICT_CONFIDENCE_MEDIUM);
    /* Pools of Python may be in it, and nobody has counted them. */
    evidence.is_python = true;
    expect(VERDICT_UNKNOWN, VERDICT_CONFIDENCE_UNKNOWN);
}

static void many_mappings_in_huge_pages(void **state)
{
    (void)state;
    map(MAPPING_KIND_LARGE, 200);
    layers.large_count = 8;
    for (size_t i = 0; i < 8; i++)
        layers.large[i].rss_bytes = 20 * MIB;
    layers.huge_bytes = 180 * MIB;
    expect(VERDICT_HUGE_PAGES, VERDICT_CONFIDENCE_LOW);
}

static void arenas_from_outside_are_only_a_place(void **state)
{
    (void)state;
    map(MAPPING_KIND_ARENA, 200);
    layers.arenas = 8;
    expect(VERDICT_ARENAS, VERDICT_CONFIDENCE_LOW);
    assert_false(verdict.has_prediction);
    /* Not glibc's, whatever it looks like. */
    text_copy(said.allocator, sizeof(said.allocator), "mimalloc 2.0.9");
    expect(VERDICT_UNKNOWN, VERDICT_CONFIDENCE_UNKNOWN);
}

static void swapped_out_comes_before_small(void **state)
{
    (void)state;
    map(MAPPING_KIND_HEAP, 10);
    layers.swap_bytes = 300 * MIB;
    expect(VERDICT_SWAPPED, VERDICT_CONFIDENCE_HIGH);
}

static void a_family_holds_shared_pages_once(void **state)
{
    (void)state;
    add_agent("cpython 3.11.2");
    map(MAPPING_KIND_HEAP, 200);
    map(MAPPING_KIND_FILE, OTHER);
    set_pools(1, 0, 0);
    set_malloc(5, 195);
    layers.uss_bytes = 10 * MIB;
    evidence.family = (struct evidence_family){
        .members = 2, .is_worker = true, .has_pss = true, .pss_bytes = 210 * MIB};
    expect(VERDICT_FAMILY_SHARED, VERDICT_CONFIDENCE_HIGH);
    expect_step(VERDICT_STEP_NONE, "");
}

static void a_worker_that_copied_its_masters_heap(void **state)
{
    (void)state;
    add_agent("cpython 3.11.2");
    map(MAPPING_KIND_ANON, 200);
    set_pools(190, 1, 1);
    evidence.family = (struct evidence_family){
        .members = 5, .is_worker = true, .has_copied = true, .copied_bytes = 180 * MIB};
    expect(VERDICT_COPIED, VERDICT_CONFIDENCE_MEDIUM);
    expect_step(VERDICT_STEP_FREEZE, "MEMTEND_FREEZE=1 memtend run -- COMMAND");
    assert_false(verdict.has_prediction);
}

static void a_runtime_near_its_limit_is_normal(void **state)
{
    (void)state;
    map(MAPPING_KIND_LARGE, 900);
    evidence.neighbour = (struct evidence_neighbour){.runtime = "Java",
                                                     .limit_flag = "-Xmx",
                                                     .has_limit = true,
                                                     .limit_bytes = 1024 * MIB,
                                                     .has_expected = true,
                                                     .expected_bytes = 1200 * MIB};
    expect(VERDICT_NEIGHBOUR, VERDICT_CONFIDENCE_HIGH);
    assert_non_null(strstr(verdict.sentence, "-Xmx, here 1.0 GiB"));
    evidence.neighbour.has_limit = false;
    expect(VERDICT_NEIGHBOUR, VERDICT_CONFIDENCE_LOW);
    evidence.neighbour.expected_bytes = 500 * MIB;
    make();
    assert_int_not_equal(verdict.cause, VERDICT_NEIGHBOUR);
}

static void no_part_that_stands_out_is_unknown(void **state)
{
    (void)state;
    add_agent("cpython 3.11.2");
    map(MAPPING_KIND_HEAP, 30);
    map(MAPPING_KIND_ANON, 50);
    map(MAPPING_KIND_FILE, 25);
    map(MAPPING_KIND_STACK, 20);
    set_pools(10, 10, 5);
    set_malloc(12, 17);
    expect(VERDICT_UNKNOWN, VERDICT_CONFIDENCE_UNKNOWN);
}

static void the_largest_of_several_is_told_with_low_confidence(void **state)
{
    (void)state;
    add_agent("cpython 3.11.2");
    map(MAPPING_KIND_HEAP, 40);
    map(MAPPING_KIND_ANON, 40);
    map(MAPPING_KIND_FILE, 30);
    set_pools(20, 15, 5);
    set_malloc(20, 18);
    expect(VERDICT_PYTHON_OBJECTS, VERDICT_CONFIDENCE_LOW);
}

static void python2_may_keep_numbers(void **state)
{
    (void)state;
    add_agent("cpython 2.7.18");
    sample_clear(&process.sample, METRIC_PY_BLOCKS);
    map(MAPPING_KIND_HEAP, 240);
    set_pools(1, 0, 0);
    set_malloc(235, 3);
    expect(VERDICT_PYTHON_OBJECTS, VERDICT_CONFIDENCE_LOW);
    expect_step(VERDICT_STEP_FREE, "memtend free 4711");
}

static void growth_is_told_beside(void **state)
{
    (void)state;
    map(MAPPING_KIND_SHMEM, 200);
    evidence.has_before = true;
    evidence.rss_before_bytes = 100 * MIB;
    evidence.before_usec = NOW - UINT64_C(600000000);
    make();
    assert_string_equal(verdict.lines[0], "grown by 100 MiB in the last 10 min");
}

static void growth_is_told_with_the_layer_it_is_in(void **state)
{
    (void)state;
    map(MAPPING_KIND_SHMEM, 200);
    map(MAPPING_KIND_FILE, 50);
    struct layers_past before = {.mono_usec = NOW - UINT64_C(300000000), .rss_bytes = 100 * MIB};
    before.rss[MAPPING_KIND_SHMEM] = 90 * MIB;
    before.rss[MAPPING_KIND_FILE] = 10 * MIB;
    evidence.layers_before = &before;
    make();
    assert_string_equal(
        verdict.lines[0],
        "grown by 150 MiB in the last 5 min, most of it in shared memory: /dev/shm, "
        "memfd, System V, shared anonymous");
    /* Neither one has most of it. */
    before.rss[MAPPING_KIND_SHMEM] = 125 * MIB;
    before.rss[MAPPING_KIND_FILE] = -25 * MIB;
    make();
    assert_string_equal(verdict.lines[0], "grown by 150 MiB in the last 5 min");
    /* A program that starts grows, and one that shrinks does not. */
    before.mono_usec = NOW - UINT64_C(9000000);
    make();
    assert_null(strstr(verdict.lines[0], "grown"));
    before.mono_usec = NOW - UINT64_C(300000000);
    before.rss_bytes = 300 * MIB;
    make();
    assert_null(strstr(verdict.lines[0], "grown"));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_known_is_unknown),
        TEST(little_is_small_unless_the_limit_is_smaller_still),
        TEST(freed_buffers_are_kept_by_malloc),
        TEST(what_a_trim_has_left_needs_a_new_process),
        TEST(without_an_agent_the_heap_is_unknown),
        TEST(old_numbers_of_malloc_are_less_sure),
        TEST(collector_off_is_not_looked_at),
        TEST(a_collection_that_copies_more_is_not_advised),
        TEST(few_objects_with_the_collector_off_are_no_cause),
        TEST(a_live_dict_is_objects_in_use),
        TEST(high_thresholds_are_a_collector_that_comes_rarely),
        TEST(gc_garbage_is_named),
        TEST(gc_garbage_is_no_object_in_use),
        TEST(pools_are_counted_from_outside_too),
        TEST(pools_counted_before_a_change_do_not_count),
        TEST(a_program_that_is_no_python_uses_malloc),
        TEST(kinds_of_mappings_speak_for_themselves),
        TEST(one_large_mapping_has_an_age),
        TEST(many_mappings_in_huge_pages),
        TEST(arenas_from_outside_are_only_a_place),
        TEST(swapped_out_comes_before_small),
        TEST(a_family_holds_shared_pages_once),
        TEST(a_worker_that_copied_its_masters_heap),
        TEST(a_runtime_near_its_limit_is_normal),
        TEST(no_part_that_stands_out_is_unknown),
        TEST(the_largest_of_several_is_told_with_low_confidence),
        TEST(python2_may_keep_numbers),
        TEST(growth_is_told_beside),
        TEST(growth_is_told_with_the_layer_it_is_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
