/* SPDX-License-Identifier: MIT */
/* The write side of samples: hot rows become blocks, blocks become hours, hours become roll-ups;
 * and what a kill or a failed transaction leaves of it. */
#include "store_fixture.h"

#include "storage/block.h"
#include "storage/connection.h"

#define ROWS       3
#define TICKS_MOST 4000
#define ABSENT     INT64_MIN

/* What was handed in: RSS by tick and process. */
struct model {
    int64_t rss[ROWS + 1][TICKS_MOST];
    size_t ticks;
};

static sqlite3 *open_file(const struct fixture *fixture)
{
    char path[256];
    sqlite3 *database;
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(connection_open_read(path, &database), 0);
    return database;
}

static int64_t count_of(const struct fixture *fixture, const char *sql)
{
    sqlite3 *database = open_file(fixture);
    int64_t count = -1;
    assert_int_equal(connection_number(database, sql, &count), 0);
    connection_close(database);
    return count;
}

static void begin(struct fixture *fixture)
{
    for (int64_t row = 1; row <= ROWS; row++)
        fixture_process(fixture, row, (pid_t)row * 10);
}

/* 1 grows, 2 stands still for long, 3 comes at tick 100 and goes at tick 450. */
static void write_ticks(struct fixture *fixture, struct model *model, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        size_t tick = model->ticks++;
        int64_t values[ROWS + 1] = {0, (int64_t)tick * 4096, (int64_t)(tick / 100) * 65536,
                                    tick >= 100 && tick < 450 ? (int64_t)tick * 7 : ABSENT};
        for (int64_t row = 1; row <= ROWS; row++) {
            model->rss[row][tick] = values[row];
            if (values[row] != ABSENT && (row != 2 || tick % 50 == 0))
                fixture_rss(fixture, row, values[row]);
        }
        if (tick == 450)
            fixture_ended(fixture, 3);
        fixture_tick(fixture);
    }
}

struct reading {
    struct block block;
    struct block_opener *opener;
    uint8_t presence[BLOCK_PRESENCE_SIZE];
    int64_t values[BLOCK_TICKS_LIMIT];
};

static void check_block(struct reading *reading, const struct model *model, sqlite3_stmt *row,
                        int64_t first_id, size_t *seen)
{
    int64_t process = sqlite3_column_int64(row, 0), first = sqlite3_column_int64(row, 1) - first_id;
    assert_int_equal(block_open(&reading->block, reading->opener, sqlite3_column_blob(row, 3),
                                (size_t)sqlite3_column_bytes(row, 3)),
                     0);
    assert_int_equal(reading->block.entries, sqlite3_column_int64(row, 2));
    const struct block_column *column = block_find(&reading->block, columns_code(METRIC_RSS));
    if (process == 0 || !column)
        return;
    assert_int_equal(block_read(&reading->block, column, reading->presence, reading->values), 0);
    for (size_t i = 0; i < reading->block.entries; i++) {
        int64_t expected = model->rss[process][first + (int64_t)i];
        assert_int_equal(block_present(reading->presence, i), expected != ABSENT);
        if (expected != ABSENT)
            assert_int_equal(reading->values[i], expected);
        *seen += expected != ABSENT;
    }
}

/* Every value is in one block, and in no other. */
static void assert_stored(const struct fixture *fixture, const struct model *model)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    block_init(&reading->block);
    assert_int_equal(block_opener_new(&reading->opener), 0);
    sqlite3 *database = open_file(fixture);
    sqlite3_stmt *row;
    const char *sql = "SELECT process, first_tick, ticks, data FROM block UNION ALL "
                      "SELECT process, first_tick, ticks, data FROM block_hour";
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &row, NULL), SQLITE_OK);
    int64_t first_id = count_of(fixture, "SELECT min(first_tick) FROM span");
    size_t seen = 0, expected = 0;
    while (sqlite3_step(row) == SQLITE_ROW)
        check_block(reading, model, row, first_id, &seen);
    for (size_t tick = 0; tick < model->ticks; tick++)
        for (int process = 1; process <= ROWS; process++)
            expected += model->rss[process][tick] != ABSENT;
    assert_int_equal(seen, expected);
    sqlite3_finalize(row);
    connection_close(database);
    block_opener_free(reading->opener);
    block_finish(&reading->block);
    free(reading);
}

static void tidy(struct fixture *fixture)
{
    bool more = true;
    for (int i = 0; i < 10000 && more; i++)
        assert_int_equal(store_expire(fixture->store, fixture_wall(fixture->number), &more), 0);
    assert_false(more);
}

static void a_kill_loses_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct model *model = calloc(1, sizeof(*model));
    begin(fixture);
    for (int life = 0; life < 3; life++) {
        write_ticks(fixture, model, 150);
        assert_int_equal(count_of(fixture, "SELECT max(tick - unsealed_tick) + 1 FROM hot"),
                         life == 0 ? 150 : 151);
        fixture_close(fixture); /* writes nothing of the ticks: as a kill */
        fixture_open(fixture);
        assert_int_equal(count_of(fixture, "SELECT count(*) FROM hot"), 0);
        /* What a process had is not known of the next run. */
        for (int64_t row = 1; row <= 2; row++)
            fixture_rss(fixture, row, model->rss[row][model->ticks - 1]);
        fixture_tick(fixture);
        for (int row = 1; row <= ROWS; row++)
            model->rss[row][model->ticks] = row == 3 ? ABSENT : model->rss[row][model->ticks - 1];
        model->ticks++;
    }
    fixture_close(fixture);
    fixture_open(fixture);
    assert_stored(fixture, model);
    free(model);
}

static void an_hour_is_put_together(void **state)
{
    struct fixture *fixture = *state;
    struct model *model = calloc(1, sizeof(*model));
    begin(fixture);
    write_ticks(fixture, model, 3700);
    tidy(fixture);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM block_hour"), 4);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM rollup_minute"), 4);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM block WHERE first_tick < 3600"), 0);
    assert_int_equal(count_of(fixture, "SELECT max(unsealed_tick) FROM hot"), 3600);
    /* Six periods went through the pages of one and of what its end took. */
    assert_true(count_of(fixture, "SELECT count(*) FROM hot") <= 4);
    assert_int_equal(count_of(fixture, "SELECT rss_max FROM block_hour WHERE process = 1"),
                     3598 * 4096);
    assert_int_equal(count_of(fixture, "SELECT count FROM block_hour WHERE process = 3"), 350);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_stored(fixture, model);
    free(model);
}

static void a_failed_transaction_takes_nothing_twice(void **state)
{
    struct fixture *fixture = *state;
    struct model *model = calloc(1, sizeof(*model));
    begin(fixture);
    write_ticks(fixture, model, 50);
    struct tick *tick = &fixture->tick;
    tick->id = 0;
    for (int64_t row = 1; row <= 2; row++) {
        fixture_rss(fixture, row, 1234567 * row);
        model->rss[row][model->ticks] = 1234567 * row;
    }
    model->rss[3][model->ticks++] = ABSENT;
    tick->mono_usec = (fixture->number + 100) * USEC_PER_SEC;
    tick->wall_usec = fixture_wall(fixture->number++);
    for (int attempt = 0; attempt < 3; attempt++) {
        assert_int_equal(store_begin(fixture->store, false), 0);
        assert_int_equal(store_write_tick(fixture->store, tick), 0);
        if (attempt < 2)
            store_rollback(fixture->store);
    }
    assert_int_equal(store_commit(fixture->store), 0);
    tick->row_count = 0;
    for (size_t i = 0; i < 2; i++) { /* the next ones do not build on what was lost */
        for (int64_t row = 1; row <= 2; row++) {
            fixture_rss(fixture, row, 7 * row);
            model->rss[row][model->ticks] = 7 * row;
        }
        model->rss[3][model->ticks++] = ABSENT;
        fixture_tick(fixture);
    }
    /* The first period is sealed with the tick whose hot row was lost. */
    assert_int_equal(count_of(fixture, "SELECT ticks FROM block WHERE process = 1"), 51);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_stored(fixture, model);
    free(model);
}

static void hot_rows_go_over_many_pages(void **state)
{
    enum { ALL = FIXTURE_CAPACITY, TICKS = 20 };
    struct fixture *fixture = *state;
    for (int64_t row = 1; row <= ALL; row++)
        fixture_process(fixture, row, (pid_t)row * 10);
    for (int64_t tick = 0; tick < TICKS; tick++) {
        for (int64_t row = 1; row <= ALL; row++) /* to and fro: each takes many bytes */
            fixture_rss(fixture, row, (tick % 2 ? INT64_C(1) << 50 : 0) + row);
        fixture_tick(fixture);
    }
    assert_true(count_of(fixture, "SELECT count(*) FROM hot") > TICKS / 2);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(fixture->report.ticks_lost, 0);
    assert_int_equal(count_of(fixture, "SELECT sum(ticks) FROM span"), TICKS);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM block WHERE count = 20 AND rss_sum = "
                                       "10 * (1 << 50) + 20 * process"),
                     ALL);
}

static void a_damaged_hot_row_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct model *model = calloc(1, sizeof(*model));
    char path[256];
    sqlite3 *database;
    begin(fixture);
    write_ticks(fixture, model, 50);
    fixture_close(fixture);
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(connection_open_write(path, &database), 0);
    assert_int_equal(connection_run(database, "UPDATE hot SET data = CAST(substr(data, 1, 300) || "
                                              "zeroblob(3700) AS BLOB)"),
                     0);
    connection_close(database);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    /* Those behind it build on it. */
    int64_t kept = count_of(fixture, "SELECT sum(ticks) FROM span");
    assert_in_range(kept, 5, 45);
    assert_int_equal(fixture->report.ticks_lost, 50 - kept);
    char said[32];
    snprintf(said, sizeof(said), "%d ticks", (int)(50 - kept));
    assert_non_null(strstr(fixture->report.text, said));
    free(model);
}

static void a_day_becomes_hours(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    for (int i = 0; i < 86400 + 3700; i++) {
        if (i % 600 == 0)
            fixture_rss(fixture, 1, i);
        if (i % 3600 == 0)
            tidy(fixture);
        fixture_tick(fixture);
    }
    tidy(fixture);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM rollup_hour"), 2);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM rollup_hour WHERE first_tick = 0"), 2);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM block_hour"), 2 * 25);
    fixture_close(fixture);
    fixture_open(fixture);
    tidy(fixture);
    assert_int_equal(count_of(fixture, "SELECT count(*) FROM rollup_hour"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_kill_loses_nothing),
        TEST(an_hour_is_put_together),
        TEST(a_failed_transaction_takes_nothing_twice),
        TEST(hot_rows_go_over_many_pages),
        TEST(a_damaged_hot_row_is_said),
        TEST(a_day_becomes_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
