/* SPDX-License-Identifier: MIT */
/* The schema says the same as the tables in C, and every query fits it. */
#include "store_fixture.h"

#include "base/file.h"
#include "storage/connection.h"
#include "storage/query.h"
#include "storage/result.h"
#include "storage/schema.h"

#include <dirent.h>

static sqlite3 *open_read(struct fixture *fixture)
{
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    sqlite3 *database;
    assert_int_equal(connection_open_read(path, &database), 0);
    return database;
}

/* The columns of `table` after `skip` ones are the metrics from `first` on, and no others. */
static void assert_columns(sqlite3 *database, const char *pragma, int skip, enum metric first,
                           size_t count)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(database, pragma, -1, &statement, NULL), SQLITE_OK);
    for (int i = 0; i < skip; i++)
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    for (size_t i = 0; i < count; i++) {
        char name[METRIC_JSON_NAME_SIZE];
        metric_json_name(first + (enum metric)i, name);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(statement, 1), name);
    }
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
}

static void columns_are_the_metric_table(void **state)
{
    sqlite3 *database = open_read(*state);
    assert_columns(database, "PRAGMA table_info(pinned_sample)", 3, 0, METRIC_STORED_COUNT);
    connection_close(database);
}

/* What a query reads by position has the names of the metric table in its order. */
static void assert_result_columns(sqlite3_stmt *statement, int skip, enum metric first,
                                  size_t count)
{
    assert_int_equal(sqlite3_column_count(statement), skip + (int)count);
    for (size_t i = 0; i < count; i++) {
        char name[METRIC_JSON_NAME_SIZE];
        metric_json_name(first + (enum metric)i, name);
        assert_string_equal(sqlite3_column_name(statement, skip + (int)i), name);
    }
}

static void results_are_in_the_order_of_the_metric_table(void **state)
{
    sqlite3 *database = open_read(*state);
    struct queries queries;
    queries_init(&queries, database);
    sqlite3_stmt *statement;
    assert_int_equal(query_get(&queries, QUERY_PIN_SAMPLES, &statement), 0);
    assert_result_columns(statement, 1, 0, METRIC_STORED_COUNT);
    queries_finish(&queries);
    connection_close(database);
}

/* What an event has beside its text is read by position too. */
static void events_are_in_the_order_of_their_tables(void **state)
{
    static const enum query lists[] = {QUERY_EVENT_LIST, QUERY_EVENT_LIST_KIND, QUERY_AUDIT_LIST,
                                       QUERY_EVENT_GET};
    const int first = 9;
    sqlite3 *database = open_read(*state);
    struct queries queries;
    queries_init(&queries, database);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        sqlite3_stmt *statement;
        assert_int_equal(query_get(&queries, lists[i], &statement), 0);
        assert_int_equal(sqlite3_column_count(statement),
                         first + EVENT_NUMBER_COUNT + EVENT_WORD_COUNT + 1);
        assert_string_equal(sqlite3_column_name(statement, first - 1), "text");
        for (enum event_number number = 0; number < EVENT_NUMBER_COUNT; number++)
            assert_string_equal(sqlite3_column_name(statement, first + (int)number),
                                event_number_name(number));
        for (enum event_word word = 0; word < EVENT_WORD_COUNT; word++)
            assert_string_equal(
                sqlite3_column_name(statement, first + EVENT_NUMBER_COUNT + (int)word),
                event_word_name(word));
    }
    queries_finish(&queries);
    connection_close(database);
}

static void every_query_fits_the_schema(void **state)
{
    sqlite3 *database = open_read(*state);
    struct queries queries;
    queries_init(&queries, database);
    for (enum query query = 0; query < QUERY_COUNT; query++) {
        sqlite3_stmt *statement;
        if (query_get(&queries, query, &statement) < 0)
            fail_msg("%s: %s", query_name(query), sqlite3_errmsg(database));
    }
    queries_finish(&queries);
    connection_close(database);
}

static void every_query_file_is_used(void **state)
{
    (void)state;
    DIR *folder = opendir(SOURCE_DIR "/sql/queries");
    assert_non_null(folder);
    size_t files = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        bool used = false;
        for (enum query query = 0; query < QUERY_COUNT; query++)
            used = used || strcmp(query_name(query), entry->d_name) == 0;
        if (!used)
            fail_msg("%s has no name in storage/query.h", entry->d_name);
        files++;
    }
    closedir(folder);
    assert_int_equal(files, QUERY_COUNT);
}

static int64_t pragma_of(sqlite3 *database, const char *pragma)
{
    int64_t value = -1;
    assert_int_equal(connection_number(database, pragma, &value), 0);
    return value;
}

static void layout_is_as_promised(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *database = open_read(fixture);
    assert_int_equal(pragma_of(database, "PRAGMA page_size"), 4096);
    assert_int_equal(pragma_of(database, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(pragma_of(database, "PRAGMA user_version"), SCHEMA_VERSION);
    assert_int_equal(pragma_of(database, "PRAGMA application_id"), SCHEMA_APPLICATION_ID);
    connection_close(database);
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

/* Run a file of sql/schema on the database. */
static void run_schema(sqlite3 *database, const char *name)
{
    char path[512], *text;
    size_t size;
    snprintf(path, sizeof(path), SOURCE_DIR "/sql/schema/%s", name);
    assert_int_equal(file_read_all(path, 1 << 20, &text, &size), 0);
    assert_int_equal(connection_run(database, text), 0);
    free(text);
}

/* In place of the file of this version: an earlier one, with something of everything in it. */
static void put_version(struct fixture *fixture, int version)
{
    char path[256];
    sqlite3 *database;
    fixture_close(fixture);
    fixture_path(fixture, STORE_FILE, path);
    int fd = open(path, O_RDWR | O_TRUNC);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(connection_open_write(path, &database), 0);
    assert_int_equal(connection_prepare_empty(database), 0);
    run_schema(database, "001_initial.sql");
    if (version > 1)
        run_schema(database, "002_pools.sql");
    assert_int_equal(
        connection_run(database,
                       "INSERT INTO boot VALUES (1, '" FIXTURE_FIRST_BOOT "');"
                       "INSERT INTO tick (id, boot, mono_usec, wall_usec) VALUES (7, 1, 7, 7);"
                       "INSERT INTO process VALUES (1, 1, 10, 100, 0, 0, 'a', '', '', '', 7, NULL);"
                       "INSERT INTO sample (id, process, rss_bytes) VALUES (7 << 16, 1, 4711);"
                       "INSERT INTO event VALUES (1, 'note', 1, 7, 7, '', '', '', 'uid 0', 'x');"
                       "INSERT INTO rule VALUES ('keep', 'when rss > 1 GiB then trim')"),
        0);
    connection_close(database);
}

static void upgrade_from(struct fixture *fixture, int version)
{
    put_version(fixture, version);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    assert_string_equal(fixture->report.text, "");
    struct store_content content;
    assert_int_equal(store_load(fixture->store, &content), 0);
    assert_int_equal(content.rule_count, 1);
    store_content_finish(&content);
    sqlite3 *database = open_read(fixture);
    assert_int_equal(pragma_of(database, "PRAGMA user_version"), SCHEMA_VERSION);
    assert_int_equal(pragma_of(database, "SELECT count(*) FROM audit"), 1);
    /* Plain samples are not worth keeping. */
    assert_int_equal(pragma_of(database, "SELECT count(*) FROM process"), 0);
    connection_close(database);
    /* What is new can be written at once, and the second time it is just opened. */
    fixture_process(fixture, 2, 11);
    struct tick_row *row = fixture_row(fixture, 2);
    row->present |= UINT32_C(1) << METRIC_PY_USED;
    row->value[METRIC_PY_USED] = 77;
    fixture_tick(fixture);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    database = open_read(fixture);
    assert_int_equal(pragma_of(database, "SELECT count(*) FROM block WHERE process = 2"), 1);
    assert_int_equal(pragma_of(database, "SELECT count(*) FROM event WHERE cause IS NULL"), 1);
    connection_close(database);
}

static void the_first_version_is_upgraded_and_loses_nothing(void **state)
{
    upgrade_from(*state, 1);
}

static void the_second_version_is_upgraded_and_loses_nothing(void **state)
{
    upgrade_from(*state, 2);
}

/* Blocks stay what they were, and so do the processes that they are of. */
static void the_fourth_version_is_upgraded_and_keeps_samples(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 4711);
    fixture_ticks(fixture, 3);
    fixture_close(fixture);
    char path[256];
    sqlite3 *database;
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(connection_open_write(path, &database), 0);
    assert_int_equal(connection_run(database, "DROP INDEX process_unit; DROP INDEX process_group;"
                                              "ALTER TABLE process DROP COLUMN group_name;"
                                              "PRAGMA user_version = 4"),
                     0);
    connection_close(database);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    database = open_read(fixture);
    assert_int_equal(pragma_of(database, "PRAGMA user_version"), SCHEMA_VERSION);
    assert_int_equal(pragma_of(database, "SELECT count(*) FROM process WHERE group_name = ''"), 1);
    connection_close(database);
    struct series_result result =
        fixture_series(fixture, fixture_target(10), METRIC_RSS, 0, 3, 4, SERIES_LAST);
    fixture_assert_points(&result, (const int64_t[]){4711, 4711, 4711}, 3);
}

/* An upgrade that cannot be done leaves the file as it was, and the store does not take it for the
 * version that it is not. */
static void an_upgrade_is_whole_or_not_at_all(void **state)
{
    struct fixture *fixture = *state;
    put_version(fixture, 1);
    char path[256];
    sqlite3 *database;
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(connection_open_write(path, &database), 0);
    /* The last of the new columns is there already. */
    assert_int_equal(
        connection_run(database, "ALTER TABLE sample ADD COLUMN py_coverage_percent INTEGER"), 0);
    connection_close(database);
    struct error error = {0};
    assert_true(store_open(&fixture->config, &fixture->store, &fixture->report, &error) < 0);
    database = open_read(fixture);
    assert_int_equal(pragma_of(database, "PRAGMA user_version"), 1);
    assert_int_equal(pragma_of(database,
                               "SELECT count(*) FROM pragma_table_info('sample') WHERE name "
                               "LIKE 'py_used%'"),
                     0);
    connection_close(database);
}

static void the_read_side_cannot_write(void **state)
{
    sqlite3 *database = open_read(*state);
    assert_int_equal(connection_run(database, "DELETE FROM event"), -EROFS);
    connection_close(database);
}

/* The frequent queries walk an index or the row ids, never a whole table. */
static void nothing_frequent_scans_or_sorts(void **state)
{
    static const enum query frequent[] = {
        QUERY_TICK_NEWEST,
        QUERY_HOT_DROP,
        QUERY_SPAN_WALL,
        QUERY_SPAN_READ,
        QUERY_SPAN_NEWEST,
        QUERY_BLOCK_MAX,
        QUERY_BLOCK_OLDEST,
        QUERY_BLOCK_PARTS,
        QUERY_BLOCK_DROP,
        QUERY_BLOCK_READ,
        QUERY_BLOCK_HOUR_MAX,
        QUERY_BLOCK_HOUR_READ,
        QUERY_ROLLUP_MINUTE_MAX,
        QUERY_ROLLUP_MINUTE_PARTS,
        QUERY_ROLLUP_MINUTE_NEXT,
        QUERY_ROLLUP_MINUTE_FROM,
        QUERY_ROLLUP_MINUTE_READ,
        QUERY_ROLLUP_HOUR_LAST,
        QUERY_ROLLUP_HOUR_MAX,
        QUERY_ROLLUP_HOUR_READ,
        QUERY_BLOCK_EXPIRE,
        QUERY_BLOCK_HOUR_EXPIRE,
        QUERY_ROLLUP_MINUTE_EXPIRE,
        QUERY_ROLLUP_HOUR_EXPIRE,
        QUERY_SPAN_EXPIRE,
        QUERY_PIN_BLOCKS,
        QUERY_PROCESS_FIND,
        QUERY_PROCESS_ROWS,
        QUERY_PROCESS_END,
        QUERY_PROCESS_CLOSE,
        QUERY_EVENT_LIST,
        QUERY_EVENT_LIST_KIND,
        QUERY_AUDIT_LIST,
        QUERY_RECEIPT_GET,
        QUERY_RECEIPT_LIST,
        QUERY_RECEIPT_STEPS,
        QUERY_EVENT_EXPIRE,
        QUERY_PROCESS_EXPIRE,
        QUERY_EVENT_GET,
        QUERY_PIN_EXPIRE,
        QUERY_PIN_SAMPLES,
    };
    sqlite3 *database = open_read(*state);
    struct queries queries;
    queries_init(&queries, database);
    for (size_t i = 0; i < sizeof(frequent) / sizeof(frequent[0]); i++) {
        sqlite3_stmt *statement, *plan;
        assert_int_equal(query_get(&queries, frequent[i], &statement), 0);
        char *explain;
        assert_true(asprintf(&explain, "EXPLAIN QUERY PLAN %s", sqlite3_sql(statement)) > 0);
        assert_int_equal(sqlite3_prepare_v2(database, explain, -1, &plan, NULL), SQLITE_OK);
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *line = (const char *)sqlite3_column_text(plan, 3);
            /* A scan with a LIMIT in the order of the row ids stops at once. */
            bool ordered = strstr(sqlite3_sql(statement), "LIMIT 1") != NULL ||
                           strstr(sqlite3_sql(statement), "ORDER BY id LIMIT") != NULL;
            if ((strstr(line, "SCAN") && !ordered) || strstr(line, "TEMP B-TREE"))
                fail_msg("%s: %s", query_name(frequent[i]), line);
        }
        sqlite3_finalize(plan);
        free(explain);
    }
    queries_finish(&queries);
    connection_close(database);
}

static void codes_become_errnos(void **state)
{
    (void)state;
    assert_int_equal(result_errno(NULL, SQLITE_OK), 0);
    assert_int_equal(result_errno(NULL, SQLITE_DONE), 0);
    assert_int_equal(result_errno(NULL, SQLITE_FULL), -ENOSPC);
    assert_int_equal(result_errno(NULL, SQLITE_READONLY_DIRECTORY), -EROFS);
    assert_int_equal(result_errno(NULL, SQLITE_CORRUPT_INDEX), -EUCLEAN);
    assert_int_equal(result_errno(NULL, SQLITE_NOTADB), -EUCLEAN);
    assert_int_equal(result_errno(NULL, SQLITE_BUSY_SNAPSHOT), -EBUSY);
    assert_int_equal(result_errno(NULL, SQLITE_IOERR_FSYNC), -EIO);
    assert_int_equal(result_errno(NULL, SQLITE_IOERR_NOMEM), -ENOMEM);
    assert_int_equal(result_errno(NULL, SQLITE_INTERRUPT), -ETIMEDOUT);
    assert_int_equal(result_errno(NULL, SQLITE_MISUSE), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_the_metric_table),
        cmocka_unit_test(results_are_in_the_order_of_the_metric_table),
        cmocka_unit_test(events_are_in_the_order_of_their_tables),
        cmocka_unit_test(every_query_fits_the_schema),
        cmocka_unit_test(every_query_file_is_used),
        cmocka_unit_test(layout_is_as_promised),
        cmocka_unit_test_setup_teardown(the_first_version_is_upgraded_and_loses_nothing,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_second_version_is_upgraded_and_loses_nothing,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_fourth_version_is_upgraded_and_keeps_samples,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(an_upgrade_is_whole_or_not_at_all, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test(the_read_side_cannot_write),
        cmocka_unit_test(nothing_frequent_scans_or_sorts),
        cmocka_unit_test(codes_become_errnos),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
