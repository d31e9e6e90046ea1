/* SPDX-License-Identifier: MIT */
/*
 * Files of every earlier schema, made by its own SQL and filled in every column of every table,
 * are upgraded in place: what must not be lost is there to the last column, whenever the power goes
 * while it happens, and the store is written at once.
 */
#include "faulty_vfs.h"
#include "store_fixture.h"

#include "base/buffer.h"
#include "base/file.h"
#include "storage/connection.h"
#include "storage/schema.h"

#include <dirent.h>

#define ROWS         40
#define IMAGES_LIMIT 24
#define DUMP_LIMIT   ((size_t)4 << 20)

/* Samples of before may go, nothing of these. */
static const char *const precious[] = {"boot",   "event",   "receipt", "receipt_step", "rule",
                                       "arming", "setting", "pin",     "pinned_sample"};
#define PRECIOUS_COUNT (sizeof(precious) / sizeof(precious[0]))

static void add_text(struct buffer *buffer, const char *text)
{
    assert_int_equal(buffer_append(buffer, text, strlen(text)), 0);
}

/* Each row of a question as one line. */
static void each_row(sqlite3 *database, const char *sql, struct buffer *lines)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    int code = sqlite3_step(statement);
    for (const char *between = ""; code == SQLITE_ROW; code = sqlite3_step(statement)) {
        add_text(lines, between);
        add_text(lines, (const char *)sqlite3_column_text(statement, 0));
        between = "\n";
    }
    assert_int_equal(code, SQLITE_DONE);
    sqlite3_finalize(statement);
}

static char *text_of(sqlite3 *database, const char *sql)
{
    struct buffer lines;
    buffer_init(&lines, DUMP_LIMIT);
    each_row(database, sql, &lines);
    assert_int_equal(buffer_append(&lines, "", 1), 0);
    return (char *)lines.data;
}

/* ---- an earlier file ---- */

static void run_schema(sqlite3 *database, int version)
{
    DIR *folder = opendir(SOURCE_DIR "/sql/schema");
    assert_non_null(folder);
    char path[512] = "", prefix[16], *text;
    size_t size;
    snprintf(prefix, sizeof(prefix), "%03d_", version);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            snprintf(path, sizeof(path), SOURCE_DIR "/sql/schema/%s", entry->d_name);
    closedir(folder);
    assert_int_equal(file_read_all(path, 1 << 20, &text, &size), 0);
    assert_int_equal(connection_run(database, text), 0);
    free(text);
}

/* Numbers and references are those of the row, everything else is told apart by it. */
static const char *const fill_columns =
    "SELECT group_concat(CASE"
    " WHEN name IN ('id', 'number', 'position', 'event', 'pin', 'boot') THEN ':n'"
    " WHEN name = 'kind' THEN '''deploy'''"
    " WHEN name = 'receipt' AND type = 'INTEGER' THEN ':n'"
    " WHEN name = 'wall_usec' THEN '%llu + :n'"
    " WHEN type = 'INTEGER' THEN (cid * 1000000007) || ' + :n'"
    " WHEN type = 'BLOB' THEN 'zeroblob(:n)'"
    " ELSE '''%s ' || name || ' '' || :n' END, ', ')"
    " FROM pragma_table_info('%s')";

static void fill_table(sqlite3 *database, const char *table)
{
    char question[1024], insert[8192];
    snprintf(question, sizeof(question), fill_columns, (unsigned long long)fixture_wall(0), table,
             table);
    char *values = text_of(database, question);
    sqlite3_stmt *statement;
    char *columns;
    snprintf(question, sizeof(question),
             "SELECT group_concat(name, ', ') FROM pragma_table_info('%s')", table);
    columns = text_of(database, question);
    snprintf(insert, sizeof(insert), "INSERT INTO %s (%s) VALUES (%s)", table, columns, values);
    if (sqlite3_prepare_v2(database, insert, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", insert, sqlite3_errmsg(database));
    for (int i = 1; i <= ROWS; i++) {
        sqlite3_bind_int(statement, 1, i);
        if (sqlite3_step(statement) != SQLITE_DONE)
            fail_msg("%s: %s", insert, sqlite3_errmsg(database));
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    free(columns);
    free(values);
}

static void make_file(struct fixture *fixture, int version)
{
    char path[256];
    sqlite3 *database;
    fixture_path(fixture, STORE_FILE, path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(connection_open_write(path, &database), 0);
    assert_int_equal(connection_prepare_empty(database), 0);
    for (int i = 1; i <= version; i++)
        run_schema(database, i);
    assert_int_equal(connection_run(database, "PRAGMA foreign_keys = OFF; BEGIN"), 0);
    char *tables = text_of(database, "SELECT name FROM sqlite_schema WHERE type = 'table'"
                                     " AND name NOT LIKE 'sqlite_%'");
    char *rest = tables;
    for (char *table = strsep(&rest, "\n"); table; table = strsep(&rest, "\n"))
        fill_table(database, table);
    free(tables);
    assert_int_equal(connection_run(database, "COMMIT"), 0);
    char *wrong = text_of(database, "SELECT 1 FROM pragma_foreign_key_check");
    assert_string_equal(wrong, "");
    free(wrong);
    connection_close(database);
}

/* ---- what is in it ---- */

struct dump {
    char *questions[PRECIOUS_COUNT]; /* "" = no such table; the columns of the first look */
    char *rows[PRECIOUS_COUNT];
};

static void dump_finish(struct dump *dump)
{
    for (size_t i = 0; i < PRECIOUS_COUNT; i++) {
        free(dump->questions[i]);
        free(dump->rows[i]);
    }
}

static void dump_file(const char *directory, struct dump *dump)
{
    char path[256], question[1024];
    sqlite3 *database;
    snprintf(path, sizeof(path), "%s/" STORE_FILE, directory);
    assert_int_equal(connection_open_read(path, &database), 0);
    for (size_t i = 0; i < PRECIOUS_COUNT; i++) {
        snprintf(question, sizeof(question),
                 "SELECT 'SELECT ' || group_concat('quote(' || name || ')', ' || '','' || ')"
                 " || ' FROM %s ORDER BY 1' FROM pragma_table_info('%s') HAVING count(*) > 0",
                 precious[i], precious[i]);
        if (!dump->questions[i])
            dump->questions[i] = text_of(database, question);
        dump->rows[i] = dump->questions[i][0] ? text_of(database, dump->questions[i]) : NULL;
    }
    connection_close(database);
}

static void expect_same(const char *directory, const struct dump *before)
{
    struct dump after = {0};
    for (size_t i = 0; i < PRECIOUS_COUNT; i++)
        after.questions[i] = strdup(before->questions[i]);
    dump_file(directory, &after);
    for (size_t i = 0; i < PRECIOUS_COUNT; i++) {
        if (!before->rows[i])
            continue;
        /* The boot that runs now is new. */
        if (strcmp(precious[i], "boot") == 0)
            assert_non_null(strstr(after.rows[i], "boot boot_id 1'"));
        else if (strcmp(before->rows[i], after.rows[i]) != 0)
            fail_msg("%s is not what it was:\n%.300s\nnow\n%.300s", precious[i], before->rows[i],
                     after.rows[i]);
    }
    dump_finish(&after);
}

static int64_t number_in(const char *directory, const char *sql)
{
    char path[256];
    sqlite3 *database;
    int64_t number = -1;
    snprintf(path, sizeof(path), "%s/" STORE_FILE, directory);
    assert_int_equal(connection_open_read(path, &database), 0);
    if (connection_number(database, sql, &number) < 0)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    connection_close(database);
    return number;
}

/* ---- the power goes meanwhile ---- */

struct cutter {
    uint64_t random;
    size_t calls, count;
    char directories[IMAGES_LIMIT][160];
};

static void cut(void *context)
{
    struct cutter *cutter = context;
    /* The first ones, then fewer and fewer. */
    if (cutter->count == IMAGES_LIMIT || cutter->calls++ % (1 + cutter->count) != 0)
        return;
    faulty_vfs_image(&cutter->random, cutter->directories[cutter->count++]);
}

static void check_image(struct fixture *fixture, const char *directory, int version,
                        const struct dump *before)
{
    int64_t found = number_in(directory, "PRAGMA user_version");
    assert_true(found == version || found == SCHEMA_VERSION);
    struct store_config config = fixture->config;
    config.directory = directory;
    struct store *store;
    struct store_report report;
    assert_int_equal(store_open(&config, &store, &report, NULL), 0);
    assert_int_equal(report.opened, STORE_OPENED);
    store_close(store);
    expect_same(directory, before);
}

/* ---- all of it ---- */

static void use_it(struct fixture *fixture)
{
    struct store_content content;
    assert_int_equal(store_load(fixture->store, &content), 0);
    assert_int_equal(content.rule_count, ROWS);
    assert_int_equal(content.arming_count, ROWS);
    assert_int_equal(content.setting_count, ROWS);
    assert_int_equal(content.max_event_id, ROWS);
    store_content_finish(&content);
    struct history_page page = {.limit = 1000};
    size_t count;
    struct event *events;
    assert_int_equal(history_events(fixture->history, &page, &count, &events, page.cursor), 0);
    assert_int_equal(count, ROWS);
    free(events);
    fixture_process(fixture, 1000, 10);
    fixture_rss(fixture, 1000, 4711);
    fixture_ticks(fixture, 3);
    struct event event = {.id = ROWS + 1, .wall_usec = fixture_wall(2)};
    fixture_event(fixture, &event);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    assert_string_equal(fixture->report.text, "");
    assert_int_equal(number_in(fixture->directory, "SELECT count(*) FROM event"), ROWS + 1);
    assert_int_equal(number_in(fixture->directory, "SELECT count(*) FROM audit"), ROWS);
    assert_int_equal(number_in(fixture->directory, "SELECT count(*) FROM pragma_integrity_check"
                                                   " WHERE integrity_check <> 'ok'"),
                     0);
}

static void upgrade_from(int version)
{
    struct fixture fixture, images;
    struct cutter cutter = {.random = 99 + (uint64_t)version};
    struct dump before = {0};
    fixture_new(&fixture);
    fixture_new(&images);
    for (size_t i = 0; i < IMAGES_LIMIT; i++) {
        snprintf(cutter.directories[i], sizeof(cutter.directories[i]), "%s/%zu", images.directory,
                 i);
        assert_int_equal(mkdir(cutter.directories[i], 0700), 0);
    }
    make_file(&fixture, version);
    dump_file(fixture.directory, &before);
    faulty_vfs_record(fixture.directory);
    faulty_vfs_observe(cut, &cutter);
    fixture_open(&fixture);
    faulty_vfs_observe(NULL, NULL);
    faulty_vfs_record(NULL);
    assert_int_equal(fixture.report.opened, STORE_OPENED);
    assert_int_equal(number_in(fixture.directory, "PRAGMA user_version"), SCHEMA_VERSION);
    expect_same(fixture.directory, &before);
    assert_true(cutter.count > IMAGES_LIMIT / 4);
    for (size_t i = 0; i < cutter.count; i++)
        check_image(&fixture, cutter.directories[i], version, &before);
    use_it(&fixture);
    printf("TOTAL: version %d: %zu power cuts while it was upgraded\n", version, cutter.count);
    dump_finish(&before);
    fixture_free(&images);
    fixture_free(&fixture);
}

static void every_earlier_schema_is_upgraded_and_loses_nothing(void **state)
{
    (void)state;
    for (int version = 1; version < SCHEMA_VERSION; version++)
        upgrade_from(version);
}

int main(void)
{
    faulty_vfs_register();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_earlier_schema_is_upgraded_and_loses_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
