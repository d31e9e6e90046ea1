/* SPDX-License-Identifier: MIT */
#include "storage/shelf.h"

#include "storage/hot.h"
#include "shelf_model.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A model, the shelf it is stored in, and one that only sees the hot rows. */
struct stage {
    struct model *model;
    struct shelf shelf, replayed;
    struct buffer hot;
};

static void stage_init(struct stage *stage, uint64_t seed)
{
    stage->model = model_new(seed);
    shelf_init(&stage->shelf, MODEL_ROWS);
    shelf_init(&stage->replayed, MODEL_ROWS);
    buffer_init(&stage->hot, HOT_SIZE_LIMIT);
}

static void stage_finish(struct stage *stage)
{
    model_free(stage->model);
    shelf_finish(&stage->shelf);
    shelf_finish(&stage->replayed);
    buffer_finish(&stage->hot);
}

static void stage_tick(struct stage *stage, int64_t id)
{
    stage->hot.size = 0;
    model_make(stage->model, id);
    assert_int_equal(
        shelf_append(&stage->shelf, id, &stage->model->tick, stage->model->gap, &stage->hot), 0);
    model_stored(stage->model, id);
    assert_int_equal(shelf_replay(&stage->replayed, id, stage->hot.data, stage->hot.size), 0);
}

static void stage_compare(struct stage *stage, int64_t from_tick)
{
    struct buffer truth, copy;
    model_copy_all(&stage->shelf, from_tick, &truth);
    model_copy_all(&stage->replayed, from_tick, &copy);
    assert_true(truth.size > 0);
    assert_int_equal(truth.size, copy.size);
    assert_memory_equal(truth.data, copy.data, truth.size);
    buffer_finish(&truth);
    buffer_finish(&copy);
}

static void stage_check_copies(struct stage *stage)
{
    struct buffer copy;
    buffer_init(&copy, (size_t)1 << 20);
    for (int64_t row = 0; row < MODEL_ROWS; row++) {
        struct shelf_period period;
        for (int64_t from = 0; shelf_copy(&stage->shelf, row, from, &copy, &period) == 0;
             from = period.first_tick + period.ticks) {
            model_check(stage->model, row, period, (const uint8_t *)copy.data, copy.size);
            copy.size = 0;
        }
    }
    buffer_finish(&copy);
    model_check_sums(&stage->shelf);
    model_check_sums(&stage->replayed);
}

/* Some transactions of the sealer fail. */
static void stage_seal(struct stage *stage, size_t limit)
{
    struct shelf_piece piece;
    bool fails = fixture_below(&stage->model->random, 3) == 0;
    for (size_t i = 0; i < limit && shelf_next_closing(&stage->shelf, &piece); i++) {
        if (!fails)
            model_seal(stage->model, &piece);
    }
    if (fails)
        shelf_keep_closing(&stage->shelf);
    else
        shelf_drop_closing(&stage->shelf);
}

static void it_knows_what_a_plain_array_knows(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct stage stage;
        stage_init(&stage, seed);
        for (int64_t id = 130; id < MODEL_TICKS; id++) {
            if (fixture_below(&stage.model->random, 20) == 0)
                continue;
            if (fixture_below(&stage.model->random, 700) == 0)
                assert_int_equal(shelf_begin_period(&stage.shelf), 0);
            stage_tick(&stage, id);
            if (fixture_below(&stage.model->random, 5) == 0)
                stage_seal(&stage, fixture_below(&stage.model->random, 4));
            if (id % 500 == 0)
                stage_check_copies(&stage);
        }
        assert_int_equal(shelf_end(&stage.shelf), 0);
        stage_check_copies(&stage);
        while (shelf_status(&stage.shelf).closing_periods > 0)
            stage_seal(&stage, 100);
        model_check_sealed(stage.model);
        struct shelf_status status = shelf_status(&stage.shelf);
        assert_int_equal(status.rows, 0);
        assert_int_equal(status.lost_logs, 0);
        stage_finish(&stage);
    }
}

static void hot_rows_play_back_to_the_same_bytes(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, 77);
    for (int64_t id = 1; id < MODEL_TICKS; id++) {
        if (fixture_below(&stage.model->random, 30) == 0)
            continue;
        if (id % 911 == 0)
            assert_int_equal(shelf_begin_period(&stage.shelf), 0);
        stage_tick(&stage, id);
        if (id % 151 == 0 || id % SHELF_PERIOD_TICKS < 3)
            stage_compare(&stage, 0);
    }
    assert_int_equal(shelf_status(&stage.shelf).memory_bytes,
                     shelf_status(&stage.replayed).memory_bytes);
    stage_finish(&stage);
}

/* A tick of one process with one value. */
static int append_one(struct shelf *shelf, int64_t id, int64_t row, int64_t value,
                      struct buffer *hot)
{
    struct tick tick;
    fixture_tick_init(&tick, 1);
    fixture_tick_clear(&tick, id);
    fixture_row_set(fixture_tick_add(&tick, row), METRIC_RSS, value);
    hot->size = 0;
    int r = shelf_append(shelf, id, &tick, false, hot);
    fixture_tick_finish(&tick);
    return r;
}

static void only_the_hot_row_that_follows_is_taken(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, 5);
    struct shelf *shelf = &stage.shelf, *replayed = &stage.replayed;
    struct buffer *hot = &stage.hot;
    assert_int_equal(append_one(shelf, 10, 1, 100, hot), 0);
    assert_int_equal(shelf_replay(replayed, 10, hot->data, hot->size), 0);
    assert_int_equal(append_one(shelf, 11, 1, 200, hot), 0);
    assert_int_equal(append_one(shelf, 12, 1, 300, hot), 0);
    /* 11 is missing. */
    assert_int_equal(shelf_replay(replayed, 12, hot->data, hot->size), -EUCLEAN);
    /* A new period builds on nothing. */
    assert_int_equal(shelf_begin_period(shelf), 0);
    assert_int_equal(append_one(shelf, 13, 2, 1, hot), 0);
    assert_int_equal(shelf_replay(replayed, 13, hot->data, hot->size), 0);
    stage_compare(&stage, 13);
    /* The same one again, and none of another period. */
    assert_int_equal(shelf_replay(replayed, 13, hot->data, hot->size), -EUCLEAN);
    assert_int_equal(append_one(shelf, 14, 2, 9, hot), 0);
    assert_int_equal(shelf_replay(replayed, 614, hot->data, hot->size), -EUCLEAN);
    /* Cut in its head, and in its last value. */
    assert_int_equal(shelf_replay(replayed, 14, hot->data, 0), -EUCLEAN);
    assert_int_equal(shelf_replay(replayed, 14, hot->data, 1), -EUCLEAN);
    assert_int_equal(shelf_replay(replayed, 14, hot->data, hot->size - 1), -EUCLEAN);
    assert_int_equal(shelf_replay(replayed, 14, hot->data, hot->size), 0);
    stage_compare(&stage, 13);
    stage_finish(&stage);
}

static void damaged_hot_rows_do_no_harm(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, 31);
    struct shelf hurt;
    shelf_init(&hurt, MODEL_ROWS);
    for (int64_t id = 1; id < 900; id++) {
        stage_tick(&stage, id);
        for (size_t i = 0; i < 20; i++) {
            struct buffer *hot = &stage.hot;
            size_t at = fixture_below(&stage.model->random, hot->size);
            char before = hot->data[at];
            hot->data[at] ^= (char)(1U << fixture_below(&stage.model->random, 8));
            int r = shelf_replay(&hurt, id, hot->data, hot->size);
            hot->data[at] = before;
            assert_true(r == 0 || r == -EUCLEAN || r == -ENOBUFS);
        }
        shelf_replay(&hurt, id, stage.hot.data, stage.hot.size);
    }
    struct shelf_piece piece;
    assert_int_equal(shelf_end(&hurt), 0);
    while (shelf_next_closing(&hurt, &piece)) {
        struct open_log_walk walk;
        assert_int_equal(open_log_walk_begin(&walk, piece.data, piece.size), 0);
        assert_int_equal(open_log_walk_to(&walk, OPEN_LOG_TICKS), 0);
        shelf_drop_closing(&hurt);
    }
    assert_int_equal(shelf_status(&hurt).rows, 0);
    shelf_finish(&hurt);
    stage_finish(&stage);
}

static void what_the_loop_may_not_say_is_refused(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, 3);
    struct shelf *shelf = &stage.shelf;
    assert_int_equal(append_one(shelf, 5, 1, 1, &stage.hot), 0);
    assert_int_equal(append_one(shelf, 5, 1, 1, &stage.hot), -EINVAL);
    assert_int_equal(append_one(shelf, 4, 1, 1, &stage.hot), -EINVAL);
    assert_int_equal(append_one(shelf, 6, 0, 1, &stage.hot), -EINVAL);
    assert_int_equal(append_one(shelf, 6, -1, 1, &stage.hot), -EINVAL);
    struct tick tick;
    fixture_tick_init(&tick, 4);
    for (int64_t row = 1; row <= 2; row++) {
        fixture_tick_clear(&tick, 6);
        fixture_row_set(fixture_tick_add(&tick, row), METRIC_RSS, 2);
        fixture_row_set(fixture_tick_add(&tick, row), METRIC_RSS, 3);
        assert_int_equal(shelf_append(shelf, 6, &tick, false, &stage.hot), -EINVAL);
        assert_int_equal(stage.hot.size, 0);
    }
    tick.row_count = 0;
    tick.ended[tick.ended_count++] = 1;
    tick.ended[tick.ended_count++] = 99; /* never seen: nothing to do */
    assert_int_equal(shelf_append(shelf, 6, &tick, false, &stage.hot), 0);
    fixture_tick_finish(&tick);
    assert_int_equal(shelf_status(shelf).newest_tick, 6);
    stage_finish(&stage);
}

static void a_hot_row_that_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, 8);
    for (int64_t id = 1; id < 50; id++)
        stage_tick(&stage, id);
    model_make(stage.model, 50);
    for (size_t limit = 0;; limit++) {
        struct buffer hot;
        buffer_init(&hot, limit);
        int r = shelf_append(&stage.shelf, 50, &stage.model->tick, false, &hot);
        assert_int_equal(hot.size > 0, r == 0);
        if (r == 0)
            assert_int_equal(shelf_replay(&stage.replayed, 50, hot.data, hot.size), 0);
        else
            assert_int_equal(r, -ENOBUFS);
        buffer_finish(&hot);
        stage_compare(&stage, 0);
        if (r == 0)
            break;
        assert_int_equal(shelf_status(&stage.shelf).newest_tick, 49);
    }
    stage_finish(&stage);
}

static void rows_beyond_the_limit_are_counted(void **state)
{
    (void)state;
    struct shelf shelf;
    struct buffer hot;
    shelf_init(&shelf, 4);
    buffer_init(&hot, HOT_SIZE_LIMIT);
    for (int64_t row = 1; row <= 5; row++)
        assert_int_equal(append_one(&shelf, row, row, 1, &hot), 0);
    struct shelf_status status = shelf_status(&shelf);
    assert_int_equal(status.rows, 4);
    assert_int_equal(status.refused_rows, 2);
    struct shelf small;
    shelf_init(&small, 1);
    assert_int_equal(shelf_begin_period(&shelf), 0);
    assert_int_equal(append_one(&shelf, 6, 1, 1, &hot), 0);
    assert_int_equal(shelf_replay(&small, 6, hot.data, hot.size), -ENOBUFS);
    shelf_finish(&small);
    buffer_finish(&hot);
    shelf_finish(&shelf);
}

/* A file that cannot be written for hours: the newest hour stays, the rest is said to be lost. */
static void the_oldest_period_is_given_up_when_none_is_sealed(void **state)
{
    (void)state;
    struct shelf shelf;
    struct buffer hot;
    shelf_init(&shelf, 10);
    buffer_init(&hot, HOT_SIZE_LIMIT);
    int64_t id = SHELF_PERIOD_TICKS;
    for (int64_t period = 0; period < SHELF_CLOSING_LIMIT + 3; period++)
        for (int i = 0; i < SHELF_PERIOD_TICKS; i++, id++)
            assert_int_equal(append_one(&shelf, id, 1 + period % 2, id, &hot), 0);
    struct shelf_status status = shelf_status(&shelf);
    assert_int_equal(status.closing_periods, SHELF_CLOSING_LIMIT);
    assert_true(status.lost_logs >= 4);
    /* What was handed out and then given up is not dropped in place of another. */
    struct shelf_piece piece;
    assert_true(shelf_next_closing(&shelf, &piece));
    assert_int_equal(append_one(&shelf, id + SHELF_PERIOD_TICKS, 1, id, &hot), 0);
    size_t waiting = shelf_status(&shelf).closing_logs;
    shelf_drop_closing(&shelf);
    assert_int_equal(shelf_status(&shelf).closing_logs, waiting);
    int64_t covered = 0;
    while (shelf_next_closing(&shelf, &piece)) {
        if (piece.row == SHELF_HOST)
            covered += piece.period.ticks;
        shelf_drop_closing(&shelf);
    }
    assert_int_equal(covered, SHELF_CLOSING_LIMIT * SHELF_PERIOD_TICKS);
    buffer_finish(&hot);
    shelf_finish(&shelf);
}

static void so_many_are_handed_out_at_once(void **state)
{
    (void)state;
    struct shelf shelf;
    struct buffer hot;
    struct tick tick;
    shelf_init(&shelf, 1000);
    buffer_init(&hot, HOT_SIZE_LIMIT);
    fixture_tick_init(&tick, 599);
    fixture_tick_clear(&tick, 1);
    for (int64_t row = 1; row <= 599; row++)
        fixture_row_set(fixture_tick_add(&tick, row * 1024), METRIC_RSS, row);
    assert_int_equal(shelf_append(&shelf, 1, &tick, false, &hot), 0);
    assert_int_equal(shelf_end(&shelf), 0);
    static const size_t expected[] = {SHELF_TAKEN_LIMIT, SHELF_TAKEN_LIMIT,
                                      600 - 2 * SHELF_TAKEN_LIMIT, 0};
    struct shelf_piece piece;
    size_t count = 0;
    while (shelf_next_closing(&shelf, &piece))
        count++;
    assert_int_equal(count, SHELF_TAKEN_LIMIT);
    shelf_keep_closing(&shelf);
    for (size_t i = 0; i < 4; i++) {
        for (count = 0; shelf_next_closing(&shelf, &piece); count++)
            assert_int_equal(piece.period.first_tick, 1);
        assert_int_equal(count, expected[i]);
        shelf_drop_closing(&shelf);
    }
    assert_int_equal(shelf_status(&shelf).rows, 0);
    fixture_tick_finish(&tick);
    buffer_finish(&hot);
    shelf_finish(&shelf);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_knows_what_a_plain_array_knows),
        cmocka_unit_test(hot_rows_play_back_to_the_same_bytes),
        cmocka_unit_test(only_the_hot_row_that_follows_is_taken),
        cmocka_unit_test(damaged_hot_rows_do_no_harm),
        cmocka_unit_test(what_the_loop_may_not_say_is_refused),
        cmocka_unit_test(a_hot_row_that_does_not_fit_changes_nothing),
        cmocka_unit_test(rows_beyond_the_limit_are_counted),
        cmocka_unit_test(the_oldest_period_is_given_up_when_none_is_sealed),
        cmocka_unit_test(so_many_are_handed_out_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
