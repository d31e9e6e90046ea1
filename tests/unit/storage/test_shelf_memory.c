/* SPDX-License-Identifier: MIT */
/* What the shelf costs, and what it does when there is no memory. */
#include "storage/hot.h"
#include "storage/shelf.h"
#include "shelf_model.h"

#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* Ten thousand processes have 16 MiB for the whole daemon: two of them are for those that idle. */
#define IDLE_COUNT       10000
#define IDLE_COLUMNS     12
#define IDLE_BYTES_LIMIT 200

/* The linker puts these before the C library's. Allocations that still succeed; -1: all do. */
static long allocations_left = -1;

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool allocation_fails(void)
{
    if (allocations_left > 0)
        allocations_left--;
    else if (allocations_left == 0)
        return true;
    return false;
}

void *__wrap_realloc(void *memory, size_t size)
{
    return allocation_fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

/* As they are met: a few hundred megabytes, pages of 4 KiB. */
static void idle_tick(struct tick *tick, int64_t id)
{
    static const enum metric metrics[IDLE_COLUMNS] = {
        METRIC_RSS,  METRIC_CPU,      METRIC_THREADS, METRIC_MAJOR_FAULTS,
        METRIC_ANON, METRIC_FILE,     METRIC_SWAP,    METRIC_SHMEM,
        METRIC_PSS,  METRIC_PEAK_RSS, METRIC_USS,     METRIC_SWAP_PSS,
    };
    fixture_tick_clear(tick, id);
    for (int64_t row = 1; row <= IDLE_COUNT; row++) {
        struct tick_row *added = fixture_tick_add(tick, row);
        for (int64_t i = 0; i < IDLE_COLUMNS; i++)
            fixture_row_set(added, metrics[i], (row * 7919 + i * 104729) % 100000 * 4096);
    }
}

static void check_idle(struct shelf *shelf, size_t heap_before, const char *when)
{
    struct shelf_status status = shelf_status(shelf);
    size_t heap = mallinfo2().uordblks - heap_before;
    printf("%s: %zu bytes a process counted, %zu in the heap\n", when,
           status.memory_bytes / IDLE_COUNT, heap / IDLE_COUNT);
    assert_int_equal(status.rows, IDLE_COUNT + 1);
    assert_true(status.memory_bytes <= (size_t)IDLE_COUNT * IDLE_BYTES_LIMIT);
    /* A sanitizer's heap is not glibc's and counts nothing here. */
    assert_true(heap <= (size_t)IDLE_COUNT * IDLE_BYTES_LIMIT);
}

static void an_idle_process_costs_little(void **state)
{
    (void)state;
    struct shelf shelf;
    struct buffer hot;
    struct tick tick;
    fixture_tick_init(&tick, IDLE_COUNT);
    buffer_init(&hot, HOT_SIZE_LIMIT);
    assert_int_equal(buffer_reserve(&hot, (size_t)1 << 20), 0);
    size_t heap = mallinfo2().uordblks;
    shelf_init(&shelf, IDLE_COUNT + 1);
    idle_tick(&tick, 600);
    assert_int_equal(shelf_append(&shelf, 600, &tick, false, &hot), 0);
    check_idle(&shelf, heap, "first period");
    for (int64_t id = 601; id < 1201; id++) {
        hot.size = 0;
        /* They are said again now and then, and nothing of them is new. */
        if (id % TICK_KEYFRAME == 0)
            idle_tick(&tick, id);
        else
            fixture_tick_clear(&tick, id);
        assert_int_equal(shelf_append(&shelf, id, &tick, false, &hot), 0);
    }
    assert_int_equal(shelf_status(&shelf).closing_logs, IDLE_COUNT + 1);
    check_idle(&shelf, heap, "second period, the first waits");
    shelf_finish(&shelf);
    fixture_tick_finish(&tick);
    buffer_finish(&hot);
}

/* One process a tick begins, has a value or two and ends. */
static void those_that_went_leave_nothing(void **state)
{
    (void)state;
    struct shelf shelf;
    struct buffer hot;
    struct tick tick;
    fixture_tick_init(&tick, 8);
    buffer_init(&hot, HOT_SIZE_LIMIT);
    shelf_init(&shelf, 32768);
    size_t highest = 0;
    for (int64_t id = 600, row = 1; id < 600 * 12; id++) {
        hot.size = 0;
        fixture_tick_clear(&tick, id);
        for (int i = 0; i < 4; i++, row++) {
            fixture_row_set(fixture_tick_add(&tick, row), METRIC_RSS, row * 4096);
            tick.ended[tick.ended_count++] = row - 4;
        }
        assert_int_equal(shelf_append(&shelf, id, &tick, false, &hot), 0);
        struct shelf_piece piece;
        while (shelf_next_closing(&shelf, &piece))
            ;
        shelf_drop_closing(&shelf);
        struct shelf_status status = shelf_status(&shelf);
        assert_true(status.rows <= 2 * 4 * SHELF_PERIOD_TICKS + 1);
        /* Its entry, the log of its life, two places in the table. */
        assert_true(status.memory_bytes <= status.rows * (48 + 112 + 16) + 65536);
        if (id < 600 * 4 && status.memory_bytes > highest)
            highest = status.memory_bytes;
        assert_true(id < 600 * 4 || status.memory_bytes <= highest);
    }
    assert_int_equal(shelf_end(&shelf), 0);
    for (struct shelf_piece piece; shelf_next_closing(&shelf, &piece);)
        shelf_drop_closing(&shelf);
    assert_int_equal(shelf_status(&shelf).rows, 0);
    shelf_finish(&shelf);
    fixture_tick_finish(&tick);
    buffer_finish(&hot);
}

/* All bytes, but not the period's end: it may have begun. */
static void assert_same(struct shelf *shelf, const struct buffer *before)
{
    struct buffer after;
    model_copy_all(shelf, 0, &after);
    assert_int_equal(before->size, after.size);
    assert_memory_equal(before->data, after.data, after.size);
    buffer_finish(&after);
}

/* Each allocation fails in turn; what fails changes nothing, and then it works. */
static void without_memory_a_tick_changes_nothing(void **state)
{
    (void)state;
    struct model *model = model_new(9);
    struct shelf shelf, lucky;
    shelf_init(&shelf, MODEL_ROWS);
    shelf_init(&lucky, MODEL_ROWS);
    size_t failures = 0;
    for (int64_t id = 500; id < 1300; id++) {
        struct buffer before, hot = {0};
        model_make(model, id);
        model_copy_all(&shelf, 0, &before);
        int r = -ENOMEM;
        for (long left = 0; r == -ENOMEM; left++) {
            buffer_init(&hot, HOT_SIZE_LIMIT);
            allocations_left = left;
            r = shelf_append(&shelf, id, &model->tick, model->gap, &hot);
            allocations_left = -1;
            if (r == -ENOMEM) {
                failures++;
                assert_int_equal(hot.size, 0);
                assert_same(&shelf, &before);
                buffer_finish(&hot);
            }
        }
        assert_int_equal(r, 0);
        model_stored(model, id);
        assert_int_equal(shelf_replay(&lucky, id, hot.data, hot.size), 0);
        buffer_finish(&hot);
        buffer_finish(&before);
    }
    assert_true(failures > 800);
    struct buffer truth;
    model_copy_all(&lucky, 0, &truth);
    assert_same(&shelf, &truth);
    buffer_finish(&truth);
    shelf_finish(&shelf);
    shelf_finish(&lucky);
    model_free(model);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_process_costs_little),
        cmocka_unit_test(those_that_went_leave_nothing),
        cmocka_unit_test(without_memory_a_tick_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
