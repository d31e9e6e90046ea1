/* SPDX-License-Identifier: MIT */
/* A copy of a store that is being written, and the way back. */
#include "store_fixture.h"

#include "base/file.h"
#include "storage/backup.h"
#include "storage/connection.h"
#include "storage/sample_walk.h"

#include <dirent.h>
#include <sys/file.h>

#define FILE_LIMIT (size_t)(64 << 20)

struct pair {
    struct fixture fixture;
    char copy[256];
};

static int setup(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    assert_non_null(pair);
    fixture_new(&pair->fixture);
    fixture_open(&pair->fixture);
    fixture_path(&pair->fixture, "copy", pair->copy);
    *state = pair;
    return 0;
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    fixture_free(&pair->fixture);
    free(pair);
    return 0;
}

static void live(struct fixture *fixture, int ticks)
{
    for (int i = 0; i < ticks; i++) {
        if (fixture->number == 0)
            for (int64_t row = 1; row <= 50; row++)
                fixture_process(fixture, row, (pid_t)row);
        for (int64_t row = 1; row <= 50; row++)
            fixture_rss(fixture, row, (int64_t)(fixture->number * 7919 * (uint64_t)row % 1000003));
        fixture_tick(fixture);
    }
}

static void put_rule(struct fixture *fixture, const char *text)
{
    assert_int_equal(store_begin(fixture->store, true), 0);
    assert_int_equal(store_rule_put(fixture->store, "r", text), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    assert_int_equal(store_refresh_copy(fixture->store), 0);
}

static void assert_rule(struct fixture *fixture, const char *text)
{
    struct store_content content;
    assert_int_equal(store_load(fixture->store, &content), 0);
    assert_int_equal(content.rule_count, 1);
    assert_string_equal(content.rules[0].text, text);
    store_content_finish(&content);
}

static void make_empty(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void back_up(struct pair *pair, int ticks_between)
{
    struct backup *backup;
    struct error error = {0};
    make_empty(pair->copy);
    if (backup_new(pair->fixture.directory, pair->copy, &backup, &error) < 0)
        fail_msg("%s", error.text);
    for (bool more = true; more;) {
        if (backup_step(backup, &more, &error) < 0)
            fail_msg("%s", error.text);
        live(&pair->fixture, ticks_between);
    }
    assert_true(backup_progress(backup) >= 1);
    backup_free(backup);
}

static int restore(struct pair *pair, const char *path, char *ret_aside, struct error *error)
{
    _cleanup_(restore_freep) struct restore *restore = NULL;
    int r = restore_new(pair->fixture.directory, path, &restore, error);
    for (bool more = true; r == 0 && more;)
        r = restore_step(restore, &more, error);
    return r < 0 ? r : restore_finish(restore, NULL, ret_aside, error);
}

static uint64_t digest_rows(const char *directory, size_t *ret_rows)
{
    const struct sample_walk_query query = {.to_wall_usec = UINT64_MAX};
    _cleanup_(sample_walk_freep) struct sample_walk *walk = NULL;
    assert_int_equal(sample_walk_new(directory, &query, &walk, NULL), 0);
    struct sample_row row;
    uint64_t digest = 0;
    size_t rows = 0;
    for (bool more = true; rows == 0 || more;) {
        assert_int_equal(sample_walk_next(walk, &row, &more, NULL), 0);
        if (!more)
            break;
        digest = digest * 31 + (uint64_t)row.tick * 7 + (uint64_t)row.value[METRIC_RSS];
        rows++;
    }
    *ret_rows = rows;
    return digest;
}

static size_t count_files(const char *directory, const char *part)
{
    DIR *stream = opendir(directory);
    assert_non_null(stream);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(stream));)
        count += strstr(entry->d_name, part) != NULL;
    closedir(stream);
    return count;
}

/* While ticks come; what came after it began is not in it. */
static void out_and_back(void **state)
{
    struct pair *pair = *state;
    struct fixture *fixture = &pair->fixture;
    size_t rows, again;
    live(fixture, 700);
    put_rule(fixture, "old");
    uint64_t digest = digest_rows(fixture->directory, &rows);
    assert_int_equal(rows, 700 * 50);
    back_up(pair, 20);
    put_rule(fixture, "new");
    live(fixture, 100);
    /* One file, that needs no other to be read. */
    char *bytes;
    size_t size;
    assert_int_equal(file_read_all(pair->copy, FILE_LIMIT, &bytes, &size), 0);
    assert_int_equal(bytes[18], 1);
    assert_int_equal(bytes[19], 1);
    free(bytes);
    assert_int_equal(count_files(fixture->directory, "copy-"), 0);
    fixture_close(fixture);
    char aside[RESTORE_ASIDE_SIZE];
    struct error error = {0};
    if (restore(pair, pair->copy, aside, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(count_files(fixture->directory, "copy"), 2); /* with memtend.rules-copy */
    assert_int_equal(count_files(fixture->directory, "restoring"), 0);
    assert_int_equal(count_files(fixture->directory, ".replaced"), 1);
    assert_int_equal(digest_rows(fixture->directory, &again), digest);
    assert_int_equal(again, rows);
    struct stat status;
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    assert_rule(fixture, "old");
    live(fixture, 5);
    assert_int_equal(store_refresh_copy(fixture->store), 0);
    /* The other one is whole too, and can come back the same way. */
    fixture_close(fixture);
    fixture_path(fixture, aside, path);
    if (restore(pair, path, aside, &error) < 0)
        fail_msg("%s", error.text);
    fixture_open(fixture);
    assert_rule(fixture, "new");
}

/* What a kill leaves: all in the log. It is in the file that is set aside. */
static void the_log_of_the_present_one(void **state)
{
    struct pair *pair = *state;
    struct fixture *fixture = &pair->fixture;
    live(fixture, 10);
    back_up(pair, 0);
    put_rule(fixture, "late");
    static const char *const names[] = {STORE_FILE, STORE_FILE "-wal"};
    char *bytes[2], path[256], aside[RESTORE_ASIDE_SIZE];
    size_t size[2];
    for (size_t i = 0; i < 2; i++) {
        fixture_path(fixture, names[i], path);
        assert_int_equal(file_read_all(path, FILE_LIMIT, &bytes[i], &size[i]), 0);
    }
    fixture_close(fixture);
    int directory = open(fixture->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(file_write_whole(directory, names[i], 0600, bytes[i], size[i]), 0);
        free(bytes[i]);
    }
    close(directory);
    struct error error = {0};
    if (restore(pair, pair->copy, aside, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(count_files(fixture->directory, "-wal"), 0);
    fixture_path(fixture, aside, path);
    sqlite3 *database;
    int64_t rules = 0;
    assert_int_equal(connection_open_read(path, &database), 0);
    assert_int_equal(connection_number(database, "SELECT count(*) FROM rule", &rules), 0);
    assert_int_equal(rules, 1);
    connection_close(database);
}

static void expect_refused(struct pair *pair, const char *path, int r, const char *text)
{
    char aside[RESTORE_ASIDE_SIZE] = "", present[256], *before, *after;
    size_t size, size_after;
    struct error error = {0};
    fixture_path(&pair->fixture, STORE_FILE, present);
    assert_int_equal(file_read_all(present, FILE_LIMIT, &before, &size), 0);
    assert_int_equal(restore(pair, path, aside, &error), r);
    if (!strstr(error.text, text))
        fail_msg("%s", error.text);
    assert_int_equal(file_read_all(present, FILE_LIMIT, &after, &size_after), 0);
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    assert_int_equal(count_files(pair->fixture.directory, "restoring"), 0);
    assert_int_equal(count_files(pair->fixture.directory, ".replaced"), 0);
    free(before);
    free(after);
}

static void spoil(const char *path, off_t at, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, at), size);
    close(fd);
}

static void what_is_refused(void **state)
{
    struct pair *pair = *state;
    struct fixture *fixture = &pair->fixture;
    char path[256];
    live(fixture, 20);
    back_up(pair, 0);
    fixture_close(fixture);
    fixture_path(fixture, STORE_FILE, path);
    expect_refused(pair, path, -EINVAL, "the present database itself");
    expect_refused(pair, fixture->directory, -EINVAL, "not a plain file");
    expect_refused(pair, "/dev/zero", -EINVAL, "not a plain file");
    expect_refused(pair, "/nonexistent", -ENOENT, "cannot read /nonexistent");
    fixture_path(fixture, "pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused(pair, path, -EINVAL, "not a plain file");
    fixture_path(fixture, "empty", path);
    make_empty(path);
    expect_refused(pair, path, -EUCLEAN, "is empty");
    fixture_path(fixture, "text", path);
    make_empty(path);
    spoil(path, 0,
          "this is not a database, but long enough for the head of one, is it not? yes "
          "it is, it goes on and on and on until it is",
          110);
    expect_refused(pair, path, -EUCLEAN, "damaged, or no database");
    /* Versions and ids: big-endian at 60 and 68 of the head. */
    spoil(pair->copy, 60, "\0\0\0\x63", 4);
    expect_refused(pair, pair->copy, -EPROTO, "a newer memtend");
    spoil(pair->copy, 60, "\0\0\0\x05", 4);
    spoil(pair->copy, 68, "\0\0\0\x4d", 4);
    expect_refused(pair, pair->copy, -EMEDIUMTYPE, "another program's");
    spoil(pair->copy, 68, "mten", 4);
    char garbage[4096];
    memset(garbage, 0x5A, sizeof(garbage));
    spoil(pair->copy, 4096 * 3, garbage, sizeof(garbage));
    expect_refused(pair, pair->copy, -EUCLEAN, "damaged");
    /* A daemon that runs. */
    fixture_path(fixture, "lock", path);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    expect_refused(pair, pair->copy, -EWOULDBLOCK, "memtendd runs");
    close(lock);
    assert_int_equal(count_files(fixture->directory, "copy-"), 0);
}

/* With SQLite as anybody has it. */
static void run_sql(const char *path, const char *sql)
{
    sqlite3 *database;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(database);
}

/* What would run when the store writes, or never end when it reads. */
static void what_a_stranger_added(void **state)
{
    static const char *const added[] = {
        "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM rule; END",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE extra (x)",
        "CREATE INDEX extra ON event (text)",
        "ALTER TABLE setting ADD COLUMN more AS (1)",
        "DROP TABLE setting; CREATE VIEW setting AS WITH RECURSIVE n (name, value) AS (SELECT 1, 1 "
        "UNION ALL SELECT name + 1, 1 FROM n) SELECT * FROM n",
        "DROP TABLE setting",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TRIGGER sqlite_stat1 "
        "AFTER INSERT ON event BEGIN DELETE FROM rule; END' WHERE name = 'sqlite_stat1'",
    };
    struct pair *pair = *state;
    char aside[RESTORE_ASIDE_SIZE];
    struct error error = {0};
    live(&pair->fixture, 10);
    fixture_close(&pair->fixture);
    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
        back_up(pair, 0);
        run_sql(pair->copy, "ANALYZE");
        run_sql(pair->copy, added[i]);
        expect_refused(pair, pair->copy, -EUCLEAN, "is damaged, or");
        assert_int_equal(unlink(pair->copy), 0);
    }
    back_up(pair, 0);
    run_sql(pair->copy, "ANALYZE");
    if (restore(pair, pair->copy, aside, &error) < 0)
        fail_msg("%s", error.text);
    /* Nor is such a file read: export may be run by root. */
    char path[256];
    fixture_path(&pair->fixture, STORE_FILE, path);
    run_sql(path, added[5]);
    const struct sample_walk_query query = {.to_wall_usec = UINT64_MAX};
    struct sample_walk *walk;
    assert_int_equal(sample_walk_new(pair->fixture.directory, &query, &walk, &error), -EUCLEAN);
}

static void what_is_longer_than_any_row(void **state)
{
    struct pair *pair = *state;
    char path[256];
    sqlite3 *database;
    int64_t length = 0;
    fixture_path(&pair->fixture, STORE_FILE, path);
    assert_int_equal(connection_open_read(path, &database), 0);
    assert_int_equal(connection_number(database, "SELECT length(zeroblob(3 << 20))", &length), 0);
    assert_int_equal(length, 3 << 20);
    assert_int_equal(connection_number(database, "SELECT zeroblob(5 << 20)", &length), -EUCLEAN);
    connection_close(database);
}

/* By root, in the directory of a user who left there what would make root serve him. */
static void in_a_directory_of_another_user(void **state)
{
    struct pair *pair = *state;
    struct fixture *fixture = &pair->fixture;
    struct stat status;
    char path[256], victim[256], aside[RESTORE_ASIDE_SIZE];
    struct error error = {0};
    sqlite3 *database;
    if (geteuid() != 0)
        skip();
    live(fixture, 10);
    back_up(pair, 0);
    fixture_close(fixture);
    assert_int_equal(chown(fixture->directory, 65534, 65534), 0);
    fixture_path(fixture, "victim", victim);
    fixture_path(fixture, "lock", path);
    make_empty(victim);
    unlink(path);
    assert_int_equal(link(victim, path), 0);
    expect_refused(pair, pair->copy, -EPERM, "cannot lock");
    assert_int_equal(stat(victim, &status), 0);
    assert_int_equal(status.st_uid, 0);
    assert_int_equal(unlink(path), 0);
    /* The present database is not opened for writing: its log goes aside as it is. */
    fixture_path(fixture, STORE_FILE "-wal", path);
    make_empty(path);
    if (restore(pair, pair->copy, aside, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(count_files(fixture->directory, ".replaced-wal"), 1);
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_uid, 65534);
    /* A file that has become a link is not written through. */
    fixture_path(fixture, "link", path);
    assert_int_equal(symlink(victim, path), 0);
    assert_true(connection_open_made(path, &database) < 0);
    assert_int_equal(connection_open_made(victim, &database), 0);
    connection_close(database);
}

static bool at_once(void)
{
    return true;
}

/* Broken off anywhere, all is as before. */
static void broken_off(void **state)
{
    struct pair *pair = *state;
    struct fixture *fixture = &pair->fixture;
    live(fixture, 700);
    put_rule(fixture, "kept");
    back_up(pair, 0);
    fixture_close(fixture);
    struct restore *restore;
    struct error error = {0};
    char aside[RESTORE_ASIDE_SIZE];
    bool more = true;
    assert_int_equal(restore_new(fixture->directory, pair->copy, &restore, &error), 0);
    restore_free(restore);
    assert_int_equal(restore_new(fixture->directory, pair->copy, &restore, &error), 0);
    assert_int_equal(restore_step(restore, &more, &error), 0);
    assert_int_equal(restore_progress(restore) > 0, 1);
    restore_free(restore);
    assert_int_equal(restore_new(fixture->directory, pair->copy, &restore, &error), 0);
    while (more)
        assert_int_equal(restore_step(restore, &more, &error), 0);
    assert_int_equal(restore_finish(restore, at_once, aside, &error), -ETIMEDOUT);
    restore_free(restore);
    assert_int_equal(count_files(fixture->directory, "restoring"), 0);
    assert_int_equal(count_files(fixture->directory, ".replaced"), 0);
    fixture_open(fixture);
    assert_rule(fixture, "kept");
}

static void where_there_was_none(void **state)
{
    struct pair *pair = *state;
    struct fixture *fixture = &pair->fixture;
    live(fixture, 10);
    put_rule(fixture, "kept");
    back_up(pair, 0);
    fixture_close(fixture);
    char path[256], aside[RESTORE_ASIDE_SIZE];
    struct error error = {0};
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(restore(pair, pair->copy, aside, &error), 0);
    assert_string_equal(aside, "");
    fixture_open(fixture);
    assert_rule(fixture, "kept");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(out_and_back),
        TEST(the_log_of_the_present_one),
        TEST(what_is_refused),
        TEST(what_a_stranger_added),
        TEST(what_is_longer_than_any_row),
        TEST(in_a_directory_of_another_user),
        TEST(broken_off),
        TEST(where_there_was_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
