/* SPDX-License-Identifier: MIT */
/*
 * Ticks in plain arrays beside the same ticks in blocks, roll-ups and on the shelf: every bucket
 * has to come out the same. Gaps, absent values, restarts, clocks that are set, expired levels.
 */
#include "storage/block_rows.h"
#include "storage/block_walk.h"
#include "storage/compactor.h"
#include "storage/connection.h"
#include "storage/schema.h"

#include "base/clock.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIFE_TICKS 200000
#define LIFE_ROW   7
#define LIFE_WALL  (INT64_C(1760000000) * (int64_t)USEC_PER_SEC)
#define LIFE_SEC   ((int64_t)USEC_PER_SEC)

/* All that there was. The first tick is not at the beginning of anything. */
struct life {
    uint64_t random;
    int64_t first, end;
    bool steady; /* its clock never goes back */
    int64_t wall[LIFE_TICKS], mono[LIFE_TICKS], hold[LIFE_TICKS];
    bool gap[LIFE_TICKS], jump[LIFE_TICKS], known[LIFE_TICKS];
    int64_t value[LIFE_TICKS];
    /* Where it is stored. */
    sqlite3 *database;
    struct queries queries;
    struct block_numbers numbers;
    struct shelf shelf;
    struct shelf_copies copies;
    struct block_builder *builder;
    struct block_reader *reader;
};

struct life_shape {
    int64_t first, ticks;
    size_t gaps, jumps; /* one in so many ticks; 0: none */
    int64_t sealed;     /* so many of the newest ticks are not in the file */
};

static void life_steps(struct life *life, const struct life_shape *shape)
{
    int64_t wall = LIFE_WALL, mono = 1000 * LIFE_SEC;
    for (int64_t i = life->first; i < life->end; i++) {
        int64_t step = LIFE_SEC, set = 0;
        bool calm = i < life->first + 3 || life->jump[i - 1] || life->gap[i - 1];
        life->gap[i] = i == life->first;
        life->jump[i] = false;
        if (!calm && shape->gaps && random_below(&life->random, shape->gaps) == 0) {
            step = (3 + (int64_t)random_below(&life->random, 5000)) * LIFE_SEC;
            life->gap[i] = true;
        } else if (!calm && shape->jumps && random_below(&life->random, shape->jumps) == 0) {
            set = (100 + (int64_t)random_below(&life->random, 4000)) * LIFE_SEC;
            set = random_below(&life->random, 2) ? set : -set;
            life->jump[i] = true;
        } else if (!calm && random_below(&life->random, 4) == 0) {
            step += (int64_t)random_below(&life->random, 1000) * 20 - 10000;
        }
        mono += step;
        wall += step + set;
        life->mono[i] = mono;
        life->wall[i] = wall;
    }
}

/* As storage/timeline.h says it. */
static void life_holds(struct life *life)
{
    for (int64_t i = life->first; i < life->end; i++) {
        if (i + 1 == life->end)
            life->hold[i] = LIFE_SEC * 5 / 2;
        else if (life->gap[i + 1])
            life->hold[i] = LIFE_SEC;
        else if (life->jump[i + 1])
            life->hold[i] = life->gap[i] ? LIFE_SEC : life->hold[i - 1];
        else
            life->hold[i] = life->wall[i + 1] - life->wall[i];
    }
}

static void life_values(struct life *life)
{
    int64_t value = 1 << 20;
    bool known = true;
    for (int64_t i = life->first; i < life->end; i++) {
        if (random_below(&life->random, 300) == 0)
            known = !known;
        if (random_below(&life->random, 5) == 0)
            value = (int64_t)random_below(&life->random, 1 << 20) * 4096;
        if (random_below(&life->random, 500) == 0)
            value = INT64_C(1) << 40 | (int64_t)random_below(&life->random, 1 << 30);
        life->known[i] = known;
        life->value[i] = value;
    }
}

/* ---- the same in the file ---- */

static void life_add(struct life *life, uint16_t code, int64_t first, int64_t end,
                     const int64_t *values, const bool *known)
{
    uint8_t presence[BLOCK_PRESENCE_SIZE] = {0};
    int64_t packed[SHELF_PERIOD_TICKS];
    size_t count = 0;
    for (int64_t i = first; i < end; i++) {
        if (known && !known[i])
            continue;
        block_set_present(presence, (size_t)(i - first));
        packed[count++] = values ? values[i] : 1;
    }
    if (count > 0)
        assert_int_equal(block_add(life->builder, code, presence, packed), 0);
}

static void life_put(struct life *life, int64_t process, int64_t first, int64_t end)
{
    struct block_row row = {
        .process = process, .first_tick = first, .ticks = (size_t)(end - first)};
    const uint8_t *data;
    assert_int_equal(block_seal(life->builder, &data, &row.size), 0);
    row.data = data;
    row.summary = block_summary(life->builder);
    assert_int_equal(block_rows_put(&life->queries, &life->numbers, BLOCK_TABLE_SAMPLES, &row), 0);
}

static void life_put_span(struct life *life, int64_t first, int64_t end)
{
    int64_t low = INT64_MAX, high = 0;
    for (int64_t i = first; i < end; i++) {
        low = life->wall[i] < low ? life->wall[i] : low;
        high = life->wall[i] > high ? life->wall[i] : high;
    }
    sqlite3_stmt *statement;
    assert_int_equal(query_get(&life->queries, QUERY_SPAN_PUT, &statement), 0);
    query_bind(statement, ":first_tick", first);
    query_bind(statement, ":ticks", end - first);
    query_bind(statement, ":boot", 1);
    query_bind(statement, ":first_mono_usec", life->mono[first]);
    query_bind(statement, ":first_wall_usec", low);
    query_bind(statement, ":last_wall_usec", high);
    assert_int_equal(query_run(&life->queries, statement), 0);
}

static void life_seal(struct life *life, int64_t first, int64_t end)
{
    assert_int_equal(block_begin(life->builder, (size_t)(end - first), 1), 0);
    life_add(life, COLUMNS_MONO_USEC, first, end, life->mono, NULL);
    life_add(life, COLUMNS_WALL_USEC, first, end, life->wall, NULL);
    life_add(life, COLUMNS_GAP, first, end, NULL, life->gap);
    life_put(life, SHELF_HOST, first, end);
    assert_int_equal(block_begin(life->builder, (size_t)(end - first), 1), 0);
    life_add(life, columns_code(METRIC_RSS), first, end, life->value, life->known);
    life_put(life, LIFE_ROW, first, end);
    life_put_span(life, first, end);
}

/* Periods end where the daemon did, too: now and then at a gap. */
static int64_t life_period_end(struct life *life, int64_t first, int64_t end)
{
    int64_t until = (first / SHELF_PERIOD_TICKS + 1) * SHELF_PERIOD_TICKS;
    for (int64_t i = first + 1; i < until && i < end; i++)
        if (life->gap[i] && random_below(&life->random, 3) == 0)
            return i;
    return until < end ? until : end;
}

static void life_seal_all(struct life *life, int64_t end)
{
    assert_int_equal(connection_run(life->database, "BEGIN"), 0);
    for (int64_t first = life->first; first < end;) {
        int64_t until = life_period_end(life, first, end);
        life_seal(life, first, until);
        first = until;
    }
    static struct compactor compactor;
    assert_int_equal(compactor_init(&compactor, &life->queries, &life->numbers), 0);
    for (bool more = true; more;)
        assert_int_equal(compactor_step(&compactor, 16, end, &more), 0);
    compactor_finish(&compactor);
    assert_int_equal(connection_run(life->database, "COMMIT"), 0);
}

static void life_shelve(struct life *life, int64_t first)
{
    struct tick_row row = {.row = LIFE_ROW};
    struct tick tick = {.rows = &row};
    struct buffer hot;
    buffer_init(&hot, 1 << 20);
    for (int64_t i = first; i < life->end; i++) {
        tick.mono_usec = (uint64_t)life->mono[i];
        tick.wall_usec = (uint64_t)life->wall[i];
        tick.row_count = 1;
        row.present = life->known[i] ? UINT32_C(1) << METRIC_RSS : 0;
        row.value[METRIC_RSS] = life->value[i];
        hot.size = 0;
        assert_int_equal(shelf_append(&life->shelf, i, &tick, life->gap[i], &hot), 0);
    }
    buffer_finish(&hot);
}

static struct life *life_new(uint64_t seed, const struct life_shape *shape)
{
    struct life *life = calloc(1, sizeof(*life));
    assert_non_null(life);
    life->steady = shape->jumps == 0;
    life->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    life->first = shape->first;
    life->end = shape->first + shape->ticks;
    assert_true(life->end <= LIFE_TICKS);
    life_steps(life, shape);
    life_holds(life);
    life_values(life);
    assert_int_equal(connection_open_memory(&life->database), 0);
    assert_int_equal(schema_create(life->database), 0);
    queries_init(&life->queries, life->database);
    assert_int_equal(block_numbers_load(&life->numbers, &life->queries), 0);
    assert_int_equal(block_builder_new(&life->builder), 0);
    assert_int_equal(block_reader_new(&life->reader), 0);
    shelf_init(&life->shelf, 16);
    shelf_copies_init(&life->copies);
    life->reader->queries = &life->queries;
    life->reader->copies = &life->copies;
    int64_t sealed = life->end - shape->sealed;
    life_seal_all(life, sealed);
    /* What was sealed last is still on the shelf when the copies are made. */
    int64_t period = sealed / SHELF_PERIOD_TICKS * SHELF_PERIOD_TICKS;
    if (shape->sealed > 0)
        life_shelve(life, period > life->first ? period : life->first);
    return life;
}

static void life_free(struct life *life)
{
    block_reader_free(life->reader);
    block_builder_free(life->builder);
    shelf_copies_finish(&life->copies);
    shelf_finish(&life->shelf);
    queries_finish(&life->queries);
    connection_close(life->database);
    free(life);
}

static void life_run(struct life *life, const char *sql)
{
    assert_int_equal(connection_run(life->database, sql), 0);
}

/* ---- questions ---- */

struct answer {
    struct bucket_grid grid;
    struct bucket *found;
    enum block_level level;
};

static struct answer life_ask(struct life *life, int64_t from, int64_t to, size_t points)
{
    struct series_query query = {
        .from_wall_usec = (uint64_t)from, .to_wall_usec = (uint64_t)to, .points = points};
    struct answer answer = {.grid = bucket_grid_of(&query, USEC_PER_SEC)};
    answer.found = calloc(answer.grid.count, sizeof(*answer.found));
    struct buckets buckets = {.grid = &answer.grid, .buckets = answer.found};
    const struct block_walk_row row = {.row = LIFE_ROW, .last_tick = INT64_MAX};
    const enum metric metric = METRIC_RSS;
    shelf_copies_clear(&life->copies);
    assert_int_equal(shelf_copies_add(&life->copies, &life->shelf, SHELF_HOST), 0);
    assert_int_equal(shelf_copies_add(&life->copies, &life->shelf, LIFE_ROW), 0);
    struct block_walk walk;
    assert_int_equal(block_walk_begin(&walk, life->reader, &answer.grid, USEC_PER_SEC), 0);
    assert_int_equal(block_walk_row(&walk, &row, &metric, 1, &buckets), 0);
    answer.level = walk.level;
    block_walk_finish(&walk);
    return answer;
}

/* Ticks before this one, and all from the other one on, do not hold within a time. */
static struct tick_range life_ticks(const struct life *life, int64_t from, int64_t to)
{
    if (!life->steady)
        return (struct tick_range){life->first, life->end};
    int64_t edges[] = {from - 3 * LIFE_SEC, to};
    for (size_t i = 0; i < 2; i++) {
        int64_t low = life->first, high = life->end;
        while (low < high) {
            int64_t middle = low + (high - low) / 2;
            if (life->wall[middle] < edges[i])
                low = middle + 1;
            else
                high = middle;
        }
        edges[i] = low;
    }
    return (struct tick_range){edges[0], edges[1]};
}

/* Each tick by itself, over some time. */
static struct bucket life_bucket(const struct life *life, const struct bucket_grid *grid,
                                 int64_t from, int64_t to)
{
    struct bucket bucket = {.min = INT64_MAX, .max = INT64_MIN};
    from = from > (int64_t)grid->from_usec ? from : (int64_t)grid->from_usec;
    to = to < (int64_t)grid->to_usec ? to : (int64_t)grid->to_usec;
    struct tick_range ticks = life_ticks(life, from, to);
    for (int64_t i = ticks.first; i < ticks.end; i++) {
        int64_t start = life->wall[i] > from ? life->wall[i] : from;
        int64_t until = life->wall[i] + life->hold[i];
        until = until < to ? until : to;
        if (start >= until || !life->known[i])
            continue;
        bucket.weight += (double)(until - start);
        bucket.weighted += (double)life->value[i] * (double)(until - start);
        bucket.min = life->value[i] < bucket.min ? life->value[i] : bucket.min;
        bucket.max = life->value[i] > bucket.max ? life->value[i] : bucket.max;
        if (bucket.last_usec == 0 || (uint64_t)until > bucket.last_usec) {
            bucket.last = life->value[i];
            bucket.last_usec = (uint64_t)until;
        }
    }
    return bucket;
}

static void near(double a, double b, double share)
{
    double difference = a > b ? a - b : b - a;
    if (difference > share * (b > 0 ? b : -b) + 1)
        fail_msg("%.3f is not about %.3f", a, b);
}

static void life_expect_exact(const struct life *life, const struct answer *answer)
{
    for (size_t i = 0; i < answer->grid.count; i++) {
        int64_t start = (int64_t)(answer->grid.first_usec + i * answer->grid.step_usec);
        struct bucket expected =
            life_bucket(life, &answer->grid, start, start + (int64_t)answer->grid.step_usec);
        const struct bucket *found = &answer->found[i];
        near(found->weight, expected.weight, 0);
        if (expected.weight == 0)
            continue;
        assert_int_equal(found->min, expected.min);
        assert_int_equal(found->max, expected.max);
        assert_int_equal(found->last, expected.last);
        near(found->weighted, expected.weighted, 1e-9);
    }
}

/* Ticks of some time and those that share an entry with one. */
static struct bucket life_around(const struct life *life, int64_t from, int64_t to, int64_t ticks)
{
    struct bucket bucket = {.min = INT64_MAX, .max = INT64_MIN};
    int64_t done = life->first;
    struct tick_range range = life_ticks(life, from, to);
    for (int64_t i = range.first; i < range.end; i++) {
        if (life->wall[i] >= to || life->wall[i] + life->hold[i] <= from)
            continue;
        int64_t entry = i / ticks * ticks;
        for (int64_t k = entry > done ? entry : done; k < entry + ticks && k < life->end; k++) {
            if (!life->known[k])
                continue;
            bucket.weight += (double)life->hold[k];
            bucket.min = life->value[k] < bucket.min ? life->value[k] : bucket.min;
            bucket.max = life->value[k] > bucket.max ? life->value[k] : bucket.max;
        }
        done = entry + ticks;
    }
    return bucket;
}

/* Of roll-ups: an extreme may show up to an entry beside its place, but nowhere else, and is never
 * lost; where nothing was known for longer, nothing is. */
static void life_expect_about(const struct life *life, const struct answer *answer,
                              int64_t entry_ticks)
{
    double all = 0, expected_all = 0, sum = 0, expected_sum = 0;
    for (size_t i = 0; i < answer->grid.count; i++) {
        int64_t start = (int64_t)(answer->grid.first_usec + i * answer->grid.step_usec);
        int64_t end = start + (int64_t)answer->grid.step_usec, wide = 2 * LIFE_SEC;
        struct bucket inside =
            life_bucket(life, &answer->grid, start + 2 * LIFE_SEC, end - 2 * LIFE_SEC);
        struct bucket around = life_around(life, start - wide, end + wide, entry_ticks);
        struct bucket exact = life_bucket(life, &answer->grid, start, end);
        const struct bucket *found = &answer->found[i];
        all += found->weight;
        sum += found->weighted;
        expected_all += exact.weight;
        expected_sum += exact.weighted;
        if (around.weight == 0)
            assert_true(found->weight == 0);
        if (found->weight > 0) {
            assert_true(found->min >= around.min && found->max <= around.max);
            assert_true(inside.weight == 0 || found->max >= inside.max);
            assert_true(inside.weight == 0 || found->min <= inside.min);
        } else {
            assert_true(inside.weight == 0);
        }
    }
    /* At its edges a query is as coarse as the entries. */
    double range = (double)(answer->grid.to_usec - answer->grid.from_usec);
    if (range < 100 * (double)(entry_ticks * LIFE_SEC))
        return;
    near(all, expected_all, 0.02);
    near(sum, expected_sum, 0.05);
}

static int64_t life_between(struct life *life, int64_t low, int64_t high)
{
    return low + (int64_t)random_below(&life->random, (size_t)(high - low));
}

static void ask_for_ticks(struct life *life, size_t questions)
{
    for (size_t i = 0; i < questions; i++) {
        int64_t tick = life_between(life, life->first, life->end);
        int64_t from = life->wall[tick] + life_between(life, -5 * LIFE_SEC, 5 * LIFE_SEC);
        size_t points = 2 + random_below(&life->random, 300);
        int64_t step = 1 + (int64_t)random_below(&life->random, 58);
        int64_t to = from + 1 + life_between(life, 0, (int64_t)(points - 1) * step * LIFE_SEC);
        struct answer answer = life_ask(life, from, to, points);
        assert_int_equal(answer.level, BLOCK_LEVEL_TICKS);
        life_expect_exact(life, &answer);
        free(answer.found);
    }
}

static void every_tick_once(void **state)
{
    (void)state;
    static const struct life_shape shapes[] = {
        {.first = 3000, .ticks = 700, .sealed = 100},
        {.first = 1, .ticks = 3 * 3600 + 1500, .gaps = 300, .sealed = 400},
        {.first = 1999, .ticks = 4 * 3600, .gaps = 900, .jumps = 700, .sealed = 1300},
        {.first = 3600, .ticks = 2 * 3600, .gaps = 50, .jumps = 60, .sealed = 0},
        {.first = 100, .ticks = 900, .jumps = 30, .sealed = 900},
    };
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct life *life = life_new(i + 1, &shapes[i]);
        ask_for_ticks(life, 40);
        life_free(life);
    }
}

static void ask_for_levels(struct life *life, size_t questions)
{
    static const int64_t steps[] = {60, 61, 300, 3599, 3600, 7200, 9000};
    for (size_t i = 0; i < questions; i++) {
        int64_t step = steps[random_below(&life->random, sizeof(steps) / sizeof(steps[0]))];
        size_t points = 2 + random_below(&life->random, 30);
        int64_t tick = life_between(life, life->first, life->end);
        int64_t from = life->wall[tick] / LIFE_SEC * LIFE_SEC;
        int64_t to = from + (int64_t)(points - 1) * step * LIFE_SEC;
        struct answer answer = life_ask(life, from, to, points);
        assert_int_equal(answer.level, step >= 3600 ? BLOCK_LEVEL_HOURS : BLOCK_LEVEL_MINUTES);
        life_expect_about(life, &answer, step >= 3600 ? 3600 : 60);
        free(answer.found);
    }
}

/* All there is, in a few points. */
static void ask_for_all(struct life *life, size_t points, int64_t entry_ticks)
{
    int64_t from = life->wall[life->first] - 1000 * LIFE_SEC;
    int64_t to = life->wall[life->end - 1] + 1000 * LIFE_SEC;
    struct answer answer = life_ask(life, from, to, points);
    life_expect_about(life, &answer, entry_ticks);
    free(answer.found);
}

static const struct life_shape life_days = {
    .first = 5000, .ticks = 180000, .gaps = 20000, .sealed = 200};

static void levels_know_the_same(void **state)
{
    (void)state;
    struct life *life = life_new(11, &life_days);
    ask_for_levels(life, 20);
    ask_for_all(life, 2000, 60);
    ask_for_all(life, 40, 3600);
    ask_for_all(life, 1, 3600);
    life_free(life);
}

static void expired_levels_are_filled_by_coarser_ones(void **state)
{
    (void)state;
    struct life *life = life_new(12, &life_days);
    life_run(life, "DELETE FROM block_hour WHERE first_tick < 150000");
    ask_for_all(life, 2000, 60);
    /* Seconds where they are, minutes before: across the edge. */
    int64_t edge = life->wall[151200];
    struct answer answer = life_ask(life, edge - 1000 * LIFE_SEC, edge + 1000 * LIFE_SEC, 200);
    assert_int_equal(answer.level, BLOCK_LEVEL_TICKS);
    life_expect_about(life, &answer, 60);
    free(answer.found);
    life_run(life, "DELETE FROM rollup_minute WHERE first_tick < 86400");
    ask_for_all(life, 2000, 3600);
    ask_for_all(life, 40, 3600);
    life_free(life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tick_once),
        cmocka_unit_test(levels_know_the_same),
        cmocka_unit_test(expired_levels_are_filled_by_coarser_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
