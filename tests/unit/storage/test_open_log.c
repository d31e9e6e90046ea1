/* SPDX-License-Identifier: MIT */
#include "storage/open_log.h"

#include "storage/columns.h"
#include "shelf_fixture.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A log, and beside it what held at every tick. */
struct history {
    uint8_t *data;
    size_t size;
    struct open_log_row *rows;
    bool *entries; /* a tick has one */
};

static void history_init(struct history *history)
{
    *history = (struct history){
        .data = malloc((size_t)OPEN_LOG_TICKS * OPEN_LOG_ENTRY_LIMIT),
        .rows = calloc(OPEN_LOG_TICKS, sizeof(struct open_log_row)),
        .entries = calloc(OPEN_LOG_TICKS, sizeof(bool)),
    };
    assert_true(history->data && history->rows && history->entries);
}

static void history_finish(struct history *history)
{
    free(history->data);
    free(history->rows);
    free(history->entries);
}

static void change_row(struct fixture_random *random, struct open_log_row *row)
{
    if (fixture_below(random, 10) == 0)
        row->present = fixture_below(random, 4) ? fixture_random(random) : 0;
    for (unsigned place = 0; place < OPEN_LOG_PLACES; place++)
        if (fixture_below(random, 8) == 0)
            row->value[place] = fixture_value(random, row->value[place]);
}

static void history_fill(struct history *history, struct fixture_random *random, unsigned rarity)
{
    struct open_log_row row = {0}, before = {0};
    unsigned last = 0;
    for (unsigned tick = 0; tick < OPEN_LOG_TICKS; tick++) {
        if (fixture_below(random, rarity) == 0)
            change_row(random, &row);
        size_t size = open_log_encode(&before, &row, tick - last, history->data + history->size);
        assert_true(size <= OPEN_LOG_ENTRY_LIMIT);
        assert_int_equal(size == 0, open_log_equal(&before, &row));
        history->size += size;
        history->entries[tick] = size > 0;
        history->rows[tick] = before = row;
        if (size > 0)
            last = tick;
    }
}

static void a_walk_meets_what_was_written(void **state)
{
    (void)state;
    struct fixture_random random = {.state = 4711};
    for (unsigned rarity = 1; rarity < 400; rarity *= 3) {
        struct history history;
        history_init(&history);
        history_fill(&history, &random, rarity);
        struct open_log_walk walk;
        assert_int_equal(open_log_walk_begin(&walk, history.data, history.size), 0);
        for (unsigned tick = 0; tick < OPEN_LOG_TICKS; tick++) {
            assert_int_equal(open_log_walk_to(&walk, tick), 0);
            assert_true(open_log_equal(&walk.row, &history.rows[tick]));
            assert_int_equal(walk.entered && walk.tick == tick, history.entries[tick]);
        }
        assert_int_equal(walk.next_tick, UINT_MAX);
        history_finish(&history);
    }
}

/* Ticks may be passed over: a late reader wants one of them. */
static void a_walk_may_jump(void **state)
{
    (void)state;
    struct fixture_random random = {.state = 99};
    struct history history;
    history_init(&history);
    history_fill(&history, &random, 5);
    for (unsigned tick = 0; tick < OPEN_LOG_TICKS; tick += 37) {
        struct open_log_walk walk;
        assert_int_equal(open_log_walk_begin(&walk, history.data, history.size), 0);
        assert_int_equal(open_log_walk_to(&walk, tick), 0);
        assert_true(open_log_equal(&walk.row, &history.rows[tick]));
    }
    history_finish(&history);
}

static int walk_all(const uint8_t *data, size_t size)
{
    struct open_log_walk walk;
    int r = open_log_walk_begin(&walk, data, size);
    return r < 0 ? r : open_log_walk_to(&walk, OPEN_LOG_TICKS);
}

static void damage_is_said_and_does_no_harm(void **state)
{
    (void)state;
    struct fixture_random random = {.state = 12345};
    struct history history;
    history_init(&history);
    history_fill(&history, &random, 40);
    size_t refused = 0;
    for (size_t i = 0; i < 20000; i++) {
        size_t size = 1 + fixture_below(&random, history.size);
        /* A copy of the exact size lets the sanitizers see one byte too far. */
        uint8_t *copy = malloc(size);
        assert_non_null(copy);
        memcpy(copy, history.data, size);
        copy[fixture_below(&random, size)] ^= (uint8_t)(1U << fixture_below(&random, 8));
        int r = walk_all(copy, size);
        assert_true(r == 0 || r == -EUCLEAN);
        refused += r < 0;
        free(copy);
    }
    assert_true(refused > 1000);
    history_finish(&history);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    /* Heads are ticks << 1 | presence. Place 0 becomes known with value 1 (folded: 2). */
    static const struct {
        uint8_t bytes[12];
        size_t size;
        int result;
    } cases[] = {
        {{0x01, 0x01, 0x02}, 3, 0},
        {{0x01, 0x01}, 2, -EUCLEAN},                               /* no value */
        {{0x01, 0x00}, 2, -EUCLEAN},                               /* nothing, as before */
        {{0x00, 0x01, 0x02}, 3, -EUCLEAN},                         /* nothing is known */
        {{0x01, 0x01, 0x02, 0x02, 0x01, 0x02}, 6, 0},              /* another value */
        {{0x01, 0x01, 0x02, 0x00, 0x01, 0x02}, 6, -EUCLEAN},       /* twice in one tick */
        {{0x01, 0x01, 0x02, 0x02, 0x02, 0x02}, 6, -EUCLEAN},       /* changed, but not known */
        {{0x01, 0x01, 0x02, 0x02, 0x00}, 5, -EUCLEAN},             /* nothing changed */
        {{0x01, 0x01, 0x02, 0x03, 0x01, 0x00}, 6, -EUCLEAN},       /* the same places */
        {{0x01, 0x01, 0x02, 0x03, 0x00}, 5, 0},                    /* nothing any more */
        {{0xb1, 0x09, 0x01, 0x02}, 4, -EUCLEAN},                   /* tick 600 */
        {{0xaf, 0x09, 0x01, 0x02}, 4, 0},                          /* tick 599 */
        {{0xaf, 0x09, 0x01, 0x02, 0x02, 0x01, 0x02}, 7, -EUCLEAN}, /* and one more */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(walk_all(cases[i].bytes, cases[i].size), cases[i].result);
    assert_int_equal(walk_all(NULL, 0), 0);
}

static void every_stored_metric_has_its_column(void **state)
{
    (void)state;
    for (unsigned metric = 0; metric < METRIC_STORED_COUNT; metric++) {
        struct tick_row row = {.present = UINT32_C(1) << metric};
        row.value[metric] = 5;
        struct open_log_row logged;
        open_log_process(&row, &logged);
        assert_int_equal(__builtin_popcountll(logged.present), 1);
        unsigned place = (unsigned)__builtin_ctzll(logged.present);
        assert_int_equal(logged.value[place], 5);
        assert_int_equal(open_log_code(false, place), columns_code((enum metric)metric));
    }
    for (unsigned i = 0; i < METRIC_HOST_COUNT; i++) {
        struct tick tick = {.host.present = UINT32_C(1) << i};
        struct open_log_row logged;
        open_log_host(&tick, false, &logged);
        uint64_t metrics = logged.present & ~UINT64_C(6);
        assert_int_equal(__builtin_popcountll(metrics), 1);
        assert_int_equal(open_log_code(true, (unsigned)__builtin_ctzll(metrics)),
                         columns_code((enum metric)(METRIC_HOST_FIRST + i)));
    }
}

static void the_host_has_its_times(void **state)
{
    (void)state;
    struct tick tick = {.mono_usec = 7, .wall_usec = 8};
    struct open_log_row row;
    open_log_host(&tick, false, &row);
    assert_int_equal(row.value[COLUMNS_MONO_USEC], 7);
    assert_int_equal(row.value[COLUMNS_WALL_USEC], 8);
    assert_false(row.present >> COLUMNS_GAP & 1);
    open_log_host(&tick, true, &row);
    assert_true(row.present >> COLUMNS_GAP & 1);
    assert_int_equal(row.value[COLUMNS_GAP], 1);
    assert_int_equal(open_log_code(true, COLUMNS_WALL_USEC), COLUMNS_WALL_USEC);
    assert_int_equal(open_log_code(true, 63), 0);
    assert_int_equal(open_log_code(false, 64), 0);
}

/* What the memory of ten minutes hangs on. */
static void a_small_change_is_a_few_bytes(void **state)
{
    (void)state;
    struct tick_row row = {0};
    fixture_row_set(&row, METRIC_RSS, INT64_C(100) << 20);
    fixture_row_set(&row, METRIC_ANON, INT64_C(90) << 20);
    struct open_log_row before, after;
    open_log_process(&row, &before);
    fixture_row_set(&row, METRIC_RSS, (INT64_C(100) << 20) + 4096);
    open_log_process(&row, &after);
    uint8_t bytes[OPEN_LOG_ENTRY_LIMIT];
    assert_int_equal(open_log_encode(&before, &after, 1, bytes), 4);
    assert_int_equal(open_log_encode(&after, &after, 1, bytes), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_meets_what_was_written),
        cmocka_unit_test(a_walk_may_jump),
        cmocka_unit_test(damage_is_said_and_does_no_harm),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(every_stored_metric_has_its_column),
        cmocka_unit_test(the_host_has_its_times),
        cmocka_unit_test(a_small_change_is_a_few_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
