/* SPDX-License-Identifier: MIT */
#include "engine/layer_shelf.h"

#include "engine/growth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MIB  (INT64_C(1) << 20)
#define HERE UINT64_C(0x7f0000000000)

static struct process_id id_of(pid_t pid)
{
    return (struct process_id){.pid = pid, .start_ticks = 7};
}

static int make(void **state)
{
    *state = calloc(1, sizeof(struct layer_shelf));
    return *state ? 0 : -1;
}

static int drop(void **state)
{
    free(*state);
    return 0;
}

/* Layers at this time with one large mapping for each address, 10 MiB each. */
static struct layers read_at(uint64_t mono_usec, const uint64_t *starts, uint32_t count)
{
    struct layers layers = {.mono_usec = mono_usec, .large_count = count};
    for (uint32_t i = 0; i < count; i++)
        layers.large[i] =
            (struct layers_large){.start = starts[i], .size_bytes = 10 * MIB, .rss_bytes = MIB};
    return layers;
}

static void test_births(void **state)
{
    struct layer_shelf *shelf = *state;
    const uint64_t starts[] = {HERE, HERE + (64 << 20)};
    struct layers layers = read_at(100, starts, 1);
    assert_null(layer_shelf_get(shelf, id_of(1)));
    layer_shelf_put(shelf, id_of(1), 5, &layers);
    assert_int_equal(layers.large[0].born_usec, 0); /* was there at the first look */
    layers = read_at(200, starts, 2);
    layer_shelf_put(shelf, id_of(1), 5, &layers);
    assert_int_equal(layers.large[0].born_usec, 0);
    assert_int_equal(layers.large[1].born_usec, 200);
    /* It grew downwards: still the same. */
    layers = read_at(300, starts, 2);
    layers.large[1].start -= MIB;
    layers.large[1].size_bytes += MIB;
    layer_shelf_put(shelf, id_of(1), 5, &layers);
    assert_int_equal(layers.large[1].born_usec, 200);
    assert_int_equal(layer_shelf_get(shelf, id_of(1))->large[1].born_usec, 200);
    /* It went and came again. */
    layers = read_at(400, starts, 1);
    layer_shelf_put(shelf, id_of(1), 5, &layers);
    layers = read_at(500, starts, 2);
    layer_shelf_put(shelf, id_of(1), 5, &layers);
    assert_int_equal(layers.large[1].born_usec, 500);
    /* Of another process nothing is known. */
    layers = read_at(600, starts, 2);
    layer_shelf_put(shelf, id_of(2), 5, &layers);
    assert_int_equal(layers.large[1].born_usec, 0);
}

static void test_another_program(void **state)
{
    struct layer_shelf *shelf = *state;
    const uint64_t starts[] = {HERE};
    struct layers layers = read_at(100, starts, 0);
    layer_shelf_put(shelf, id_of(1), 5, &layers);
    layers = read_at(200, starts, 1);
    layer_shelf_put(shelf, id_of(1), 6, &layers);
    assert_int_equal(layers.large[0].born_usec, 0);
}

/* Only eight are told: a ninth may have been there all the time. */
static void test_not_all_were_told(void **state)
{
    struct layer_shelf *shelf = *state;
    uint64_t starts[LAYERS_LARGE_LIMIT + 1];
    for (size_t i = 0; i <= LAYERS_LARGE_LIMIT; i++)
        starts[i] = HERE + i * (64 << 20);
    struct layers layers = read_at(100, starts, LAYERS_LARGE_LIMIT);
    layer_shelf_put(shelf, id_of(1), 5, &layers);
    layers = read_at(200, starts + 1, LAYERS_LARGE_LIMIT);
    layer_shelf_put(shelf, id_of(1), 5, &layers);
    assert_int_equal(layers.large[LAYERS_LARGE_LIMIT - 1].born_usec, 0);
}

static void test_bounded(void **state)
{
    struct layer_shelf *shelf = *state;
    for (pid_t pid = 1; pid <= LAYER_SHELF_LIMIT + 1; pid++) {
        struct layers layers = read_at(100 + (uint64_t)pid, NULL, 0);
        layer_shelf_put(shelf, id_of(pid), 5, &layers);
    }
    assert_null(layer_shelf_get(shelf, id_of(1)));
    for (pid_t pid = 2; pid <= LAYER_SHELF_LIMIT + 1; pid++)
        assert_non_null(layer_shelf_get(shelf, id_of(pid)));
}

/* At most twice the span ago, at least once when there is such a one. */
static void test_what_was_before(void **state)
{
    struct layer_shelf *shelf = *state;
    assert_null(layer_shelf_before(shelf, id_of(1)));
    for (uint64_t i = 0; i <= 30; i++) {
        struct layers layers = {.mono_usec = 100 + i * GROWTH_SPAN_USEC / 10,
                                .rss_bytes = (int64_t)i * MIB};
        layers.rss[MAPPING_KIND_HEAP] = layers.rss_bytes;
        layer_shelf_put(shelf, id_of(1), 5, &layers);
        const struct layers_past *before = layer_shelf_before(shelf, id_of(1));
        uint64_t span = layers.mono_usec - before->mono_usec;
        assert_in_range(span, i < 10 ? i * GROWTH_SPAN_USEC / 10 : GROWTH_SPAN_USEC,
                        2 * GROWTH_SPAN_USEC - 1);
        assert_int_equal(before->rss[MAPPING_KIND_HEAP], before->rss_bytes);
        assert_int_equal(before->mono_usec,
                         100 + (uint64_t)(before->rss_bytes / MIB) * GROWTH_SPAN_USEC / 10);
    }
    struct layers layers = read_at(2000 * GROWTH_SPAN_USEC, NULL, 0);
    layer_shelf_put(shelf, id_of(1), 6, &layers);
    assert_int_equal(layer_shelf_before(shelf, id_of(1))->mono_usec, layers.mono_usec);
}

static void test_notes_of_rss(void **state)
{
    (void)state;
    struct growth growth = {0};
    assert_int_equal(growth_before(&growth).mono_usec, 0);
    growth_put(&growth, 7, 100);
    growth_put(&growth, 8, 101);
    assert_int_equal(growth_before(&growth).rss_bytes, 7);
    growth_put(&growth, 9, 100 + GROWTH_SPAN_USEC);
    assert_int_equal(growth_before(&growth).rss_bytes, 7);
    growth_put(&growth, 10, 100 + 2 * GROWTH_SPAN_USEC);
    assert_int_equal(growth_before(&growth).rss_bytes, 9);
}

#define shelf_test(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        shelf_test(test_births),
        shelf_test(test_another_program),
        shelf_test(test_not_all_were_told),
        shelf_test(test_bounded),
        shelf_test(test_what_was_before),
        cmocka_unit_test(test_notes_of_rss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
