/* SPDX-License-Identifier: MIT */
/* Readers copy logs while the writer appends, begins periods and seals. */
#include "storage/hot.h"
#include "storage/shelf.h"
#include "shelf_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROWS    60
#define TICKS   3000
#define READERS 2

struct traffic {
    struct shelf shelf;
    bool done;             /* atomic */
    size_t copies, broken; /* atomic */
};

/* Every value is the id of the tick at which it was new. */
static bool copy_is_sound(const struct buffer *copy, struct shelf_period period)
{
    struct open_log_walk walk;
    if (open_log_walk_begin(&walk, (const uint8_t *)copy->data, copy->size) < 0)
        return false;
    for (unsigned tick = 0; tick < period.ticks; tick++) {
        if (open_log_walk_to(&walk, tick) < 0)
            return false;
        int64_t id = period.first_tick + tick;
        if (walk.row.present & 1 && (walk.row.value[0] > id || walk.row.value[0] <= id - ROWS))
            return false;
    }
    return true;
}

static void read_row(struct traffic *traffic, int64_t row, struct buffer *copy)
{
    struct shelf_period period;
    for (int64_t from = 0;; from = period.first_tick + period.ticks) {
        copy->size = 0;
        if (shelf_copy(&traffic->shelf, row, from, copy, &period) < 0)
            return;
        __atomic_fetch_add(&traffic->copies, 1, __ATOMIC_RELAXED);
        if (!copy_is_sound(copy, period))
            __atomic_fetch_add(&traffic->broken, 1, __ATOMIC_RELAXED);
    }
}

static void *read_rows(void *context)
{
    struct traffic *traffic = context;
    struct buffer copy;
    buffer_init(&copy, (size_t)1 << 20);
    for (int64_t row = 1; !__atomic_load_n(&traffic->done, __ATOMIC_RELAXED); row++) {
        read_row(traffic, 1 + row % ROWS, &copy);
        if (shelf_status(&traffic->shelf).rows > 2 * ROWS)
            __atomic_fetch_add(&traffic->broken, 1, __ATOMIC_RELAXED);
    }
    buffer_finish(&copy);
    return NULL;
}

static void write_ticks(struct traffic *traffic)
{
    struct buffer hot;
    struct tick tick;
    buffer_init(&hot, HOT_SIZE_LIMIT);
    fixture_tick_init(&tick, ROWS);
    for (int64_t id = 1; id < TICKS; id++) {
        hot.size = 0;
        fixture_tick_clear(&tick, id);
        for (int64_t row = 1; row <= ROWS; row++)
            if (row == 1 + id % ROWS || id == 1 || id % 7 == row % 7)
                fixture_row_set(fixture_tick_add(&tick, row), METRIC_RSS, id);
        assert_int_equal(shelf_append(&traffic->shelf, id, &tick, false, &hot), 0);
        struct shelf_piece piece;
        for (int i = 0; i < 3 && shelf_next_closing(&traffic->shelf, &piece); i++)
            assert_true(piece.size > 0);
        shelf_drop_closing(&traffic->shelf);
    }
    fixture_tick_finish(&tick);
    buffer_finish(&hot);
}

static void readers_see_whole_logs(void **state)
{
    (void)state;
    struct traffic traffic = {.done = false};
    shelf_init(&traffic.shelf, 2 * ROWS);
    pthread_t readers[READERS];
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_rows, &traffic), 0);
    write_ticks(&traffic);
    /* On a busy machine the writer may be through before a reader came to anything. */
    while (__atomic_load_n(&traffic.copies, __ATOMIC_RELAXED) < 100)
        sched_yield();
    __atomic_store_n(&traffic.done, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    assert_int_equal(traffic.broken, 0);
    shelf_finish(&traffic.shelf);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_whole_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
