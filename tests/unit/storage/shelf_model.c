/* SPDX-License-Identifier: MIT */
#include "shelf_model.h"

#include "storage/columns.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const enum metric model_metrics[MODEL_METRICS] = {
    METRIC_RSS, METRIC_CPU, METRIC_ANON, METRIC_SWAP, METRIC_PSS, METRIC_PY_COVERAGE,
};

struct model *model_new(uint64_t seed)
{
    struct model *model = calloc(1, sizeof(*model));
    assert_non_null(model);
    model->random.state = seed;
    model->next_row = 1;
    fixture_tick_init(&model->tick, MODEL_ROWS);
    return model;
}

void model_free(struct model *model)
{
    fixture_tick_finish(&model->tick);
    free(model);
}

static void model_row(const struct model_cell *cell, int64_t row, struct tick_row *ret_row)
{
    *ret_row = (struct tick_row){.row = row};
    for (unsigned i = 0; i < MODEL_METRICS; i++)
        if (cell->present >> i & 1)
            fixture_row_set(ret_row, model_metrics[i], cell->value[i]);
}

static void model_move(struct model *model, struct model_cell *cell)
{
    struct fixture_random *random = &model->random;
    if (fixture_below(random, 6) == 0)
        cell->present = 1 | (uint32_t)fixture_below(random, 1 << MODEL_METRICS);
    for (unsigned i = 0; i < MODEL_METRICS; i++)
        if (fixture_below(random, 3) == 0)
            cell->value[i] = fixture_value(random, cell->value[i]);
}

static void model_births(struct model *model)
{
    size_t alive = 0;
    for (size_t row = 1; row < MODEL_ROWS; row++)
        alive += model->alive[row];
    if (alive >= MODEL_ALIVE || model->next_row >= MODEL_ROWS ||
        fixture_below(&model->random, 10) > 0)
        return;
    struct model_cell *cell = &model->now[model->next_row];
    cell->present = 1 | (uint32_t)fixture_below(&model->random, 1 << MODEL_METRICS);
    model->alive[model->next_row] = true;
    struct tick_row *row = fixture_tick_add(&model->tick, model->next_row);
    model_row(cell, model->next_row++, row);
}

static void model_live(struct model *model, int64_t row)
{
    /* A third moves each tick, a third now and then, a third never but for a row said again. */
    static const size_t every[] = {2, 90, SIZE_MAX};
    size_t rarity = every[row % 3];
    bool moves = fixture_below(&model->random, rarity) == 0;
    if (moves)
        model_move(model, &model->now[row]);
    if (moves || fixture_below(&model->random, TICK_KEYFRAME) == 0)
        model_row(&model->now[row], row, fixture_tick_add(&model->tick, row));
}

void model_make(struct model *model, int64_t id)
{
    struct tick *tick = &model->tick;
    fixture_tick_clear(tick, id);
    model->gap = fixture_below(&model->random, 100) == 0;
    tick->host.present = (uint32_t)fixture_below(&model->random, 4);
    tick->host.value[0] = 5;
    tick->host.value[1] = id;
    for (int64_t row = model->next_row - 1; row > 0; row--) {
        /* Dead already: its end was lost with a tick. */
        if (model->now[row].present && !model->alive[row])
            tick->ended[tick->ended_count++] = row;
        if (!model->alive[row])
            continue;
        model->alive[row] = fixture_below(&model->random, 200) > 0;
        if (model->alive[row])
            model_live(model, row);
        else
            tick->ended[tick->ended_count++] = row;
    }
    model_births(model);
}

/* A lost tick's values did not come to be: the next row has them. */
void model_stored(struct model *model, int64_t id)
{
    model->exists[id] = true;
    for (size_t i = 0; i < model->tick.ended_count; i++)
        model->now[model->tick.ended[i]].present = 0;
    for (size_t row = 1; row < MODEL_ROWS; row++)
        model->cells[row][id] = model->now[row];
}

static void model_check_host(const struct open_log_walk *walk, int64_t id, unsigned tick,
                             bool exists)
{
    assert_int_equal(walk->entered && walk->tick == tick, exists);
    if (exists)
        assert_int_equal(walk->row.value[COLUMNS_MONO_USEC], id * 1000000 + id % 7);
}

void model_check(const struct model *model, int64_t row, struct shelf_period period,
                 const uint8_t *data, size_t size)
{
    struct open_log_walk walk;
    assert_int_equal(open_log_walk_begin(&walk, data, size), 0);
    for (unsigned tick = 0; tick < period.ticks; tick++) {
        int64_t id = period.first_tick + tick;
        assert_int_equal(open_log_walk_to(&walk, tick), 0);
        if (row == SHELF_HOST) {
            model_check_host(&walk, id, tick, model->exists[id]);
            continue;
        }
        struct tick_row expected;
        struct open_log_row logged;
        model_row(&model->cells[row][id], row, &expected);
        open_log_process(&expected, &logged);
        assert_true(!model->exists[id] || open_log_equal(&walk.row, &logged));
    }
    assert_true(walk.next_tick >= period.ticks);
}

void model_seal(struct model *model, const struct shelf_piece *piece)
{
    model_check(model, piece->row, piece->period, piece->data, piece->size);
    for (unsigned tick = 0; tick < piece->period.ticks; tick++)
        model->sealed[piece->row][piece->period.first_tick + tick]++;
}

void model_check_sealed(const struct model *model)
{
    for (size_t row = 0; row < MODEL_ROWS; row++) {
        for (size_t id = 0; id < MODEL_TICKS; id++) {
            bool known = row == SHELF_HOST ? model->exists[id] : model->cells[row][id].present;
            assert_true(model->sealed[row][id] <= 1);
            assert_true(!known || model->sealed[row][id] == 1);
        }
    }
}

struct model_sums {
    struct {
        int64_t row;
        struct shelf_period period;
        struct shelf_sum sum;
    } found[MODEL_ROWS * (SHELF_CLOSING_LIMIT + 1)];
    size_t count;
};

static int model_note_sum(int64_t row, const struct shelf_period *period,
                          const struct shelf_sum *sum, void *context)
{
    struct model_sums *sums = context;
    assert_true(sums->count < sizeof(sums->found) / sizeof(sums->found[0]));
    sums->found[sums->count].row = row;
    sums->found[sums->count].period = *period;
    sums->found[sums->count++].sum = *sum;
    return 0;
}

/* *ret_fits: no order of adding overflows. */
static struct shelf_sum model_sum_log(const struct buffer *log, unsigned ticks, unsigned place,
                                      bool *ret_fits)
{
    struct open_log_walk walk;
    struct shelf_sum sum = {0};
    double size = 0;
    assert_int_equal(open_log_walk_begin(&walk, (const uint8_t *)log->data, log->size), 0);
    for (unsigned tick = 0; tick < ticks; tick++) {
        assert_int_equal(open_log_walk_to(&walk, tick), 0);
        if (!(walk.row.present >> place & 1))
            continue;
        int64_t value = walk.row.value[place];
        sum.max = sum.count == 0 || value > sum.max ? value : sum.max;
        sum.count++;
        sum.sum = (int64_t)((uint64_t)sum.sum + (uint64_t)value);
        size += fabs((double)value);
    }
    *ret_fits = size < 9e18;
    return sum;
}

/* How many logs of one row know the place; what was noted of them is right. */
static size_t model_check_row(struct shelf *shelf, int64_t row, unsigned place,
                              const struct model_sums *sums)
{
    struct shelf_period period = {0};
    struct buffer log;
    buffer_init(&log, (size_t)1 << 20);
    size_t known = 0, noted = 0;
    while (shelf_copy(shelf, row, period.first_tick + period.ticks, &log, &period) == 0) {
        bool fits;
        struct shelf_sum expected = model_sum_log(&log, period.ticks, place, &fits);
        known += expected.count > 0;
        for (size_t i = 0; i < sums->count; i++) {
            if (sums->found[i].row != row || sums->found[i].period.first_tick != period.first_tick)
                continue;
            noted++;
            assert_int_equal(sums->found[i].period.ticks, period.ticks);
            assert_int_equal(sums->found[i].sum.count, expected.count);
            assert_int_equal(sums->found[i].sum.max, expected.max);
            if (fits)
                assert_int_equal(sums->found[i].sum.sum, expected.sum);
        }
        log.size = 0;
    }
    buffer_finish(&log);
    assert_int_equal(noted, known);
    return known;
}

void model_check_sums(struct shelf *shelf)
{
    for (enum shelf_sum_of of = 0; of < SHELF_SUMS; of++) {
        struct model_sums *sums = calloc(1, sizeof(*sums));
        assert_non_null(sums);
        unsigned place =
            open_log_place_of(columns_code(of == SHELF_SUM_RSS ? METRIC_RSS : METRIC_PSS));
        size_t known = 0;
        assert_int_equal(shelf_visit_sums(shelf, of, model_note_sum, sums), 0);
        for (int64_t row = 1; row < MODEL_ROWS; row++)
            known += model_check_row(shelf, row, place, sums);
        assert_int_equal(sums->count, known);
        free(sums);
    }
}

void model_copy_all(struct shelf *shelf, int64_t from_tick, struct buffer *ret_copy)
{
    buffer_init(ret_copy, (size_t)64 << 20);
    for (int64_t row = 0; row < MODEL_ROWS; row++) {
        struct shelf_period period;
        int r = 0;
        for (int64_t from = from_tick; r == 0; from = period.first_tick + period.ticks) {
            r = shelf_copy(shelf, row, from, ret_copy, &period);
            assert_true(r == 0 || r == -ENOENT);
            if (r == 0)
                assert_int_equal(buffer_printf(ret_copy, "|%ld %ld %u|", (long)row,
                                               (long)period.first_tick, period.ticks),
                                 0);
        }
    }
}
