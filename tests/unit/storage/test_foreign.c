/* SPDX-License-Identifier: MIT */
/* A database of another program where ours should be: refused, and not a byte of it changes. */
#include "store_fixture.h"

#include "base/file.h"
#include "storage/connection.h"
#include "storage/identity.h"

#include <dirent.h>

#define FILE_LIMIT (size_t)(16 << 20)

static const char *const names[] = {STORE_FILE, STORE_FILE "-wal", STORE_FILE "-shm",
                                    STORE_FILE "-journal"};
#define NAMES (sizeof(names) / sizeof(names[0]))

/* The names before: what stands beside the database too. */
struct kept {
    char *bytes[NAMES]; /* NULL: there is none */
    size_t size[NAMES];
    size_t files; /* in the directory */
};

static size_t count_files(const struct fixture *fixture)
{
    DIR *directory = opendir(fixture->directory);
    assert_non_null(directory);
    size_t count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static struct kept keep(const struct fixture *fixture)
{
    struct kept kept = {.files = count_files(fixture)};
    for (size_t i = 0; i < NAMES; i++) {
        char path[256];
        fixture_path(fixture, names[i], path);
        if (file_read_all(path, FILE_LIMIT, &kept.bytes[i], &kept.size[i]) < 0)
            kept.bytes[i] = NULL;
    }
    return kept;
}

static void assert_kept(const struct fixture *fixture, struct kept *kept)
{
    struct kept now = keep(fixture);
    assert_int_equal(now.files, kept->files);
    for (size_t i = 0; i < NAMES; i++) {
        assert_int_equal(now.bytes[i] != NULL, kept->bytes[i] != NULL);
        if (now.bytes[i]) {
            assert_int_equal(now.size[i], kept->size[i]);
            assert_memory_equal(now.bytes[i], kept->bytes[i], now.size[i]);
        }
        free(now.bytes[i]);
        free(kept->bytes[i]);
    }
}

/* Nothing there, as somebody who has never run memtend in it has it. */
static void empty(struct fixture *fixture)
{
    fixture_close(fixture);
    nftw(fixture->directory, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(fixture->directory, 0700), 0);
}

static void make(struct fixture *fixture, const char *sql, sqlite3 **ret_database)
{
    empty(fixture);
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(connection_open_write(path, ret_database), 0);
    assert_int_equal(connection_run(*ret_database, sql), 0);
}

static void assert_refused(struct fixture *fixture)
{
    struct kept kept = keep(fixture);
    for (int set_aside = 0; set_aside < 2; set_aside++) {
        struct error error = {0};
        fixture->config.set_aside = set_aside == 1;
        assert_int_equal(store_open(&fixture->config, &fixture->store, &fixture->report, &error),
                         -EMEDIUMTYPE);
        assert_null(fixture->store);
        assert_non_null(strstr(error.text, "another program"));
        assert_non_null(strstr(error.text, fixture->directory));
    }
    fixture->config.set_aside = false;
    fixture_history(fixture);
    struct history_page page = {.limit = 10};
    char next[HISTORY_CURSOR_SIZE];
    struct event *events = NULL;
    size_t count;
    assert_int_equal(history_events(fixture->history, &page, &count, &events, next), -EMEDIUMTYPE);
    assert_kept(fixture, &kept);
}

static void with_an_id_of_its_own(void **state)
{
    sqlite3 *database;
    make(*state, "PRAGMA application_id = 77; CREATE TABLE songs (x); INSERT INTO songs VALUES (1)",
         &database);
    connection_close(database);
    assert_refused(*state);
}

/* Most programs set none. */
static void without_an_id(void **state)
{
    sqlite3 *database;
    make(*state, "CREATE TABLE songs (x); INSERT INTO songs VALUES (1)", &database);
    connection_close(database);
    assert_refused(*state);
}

static void with_a_version_and_no_table(void **state)
{
    sqlite3 *database;
    make(*state, "PRAGMA user_version = 4", &database);
    connection_close(database);
    assert_refused(*state);
}

/* Opening it would make a log and an index. */
static void in_wal_mode(void **state)
{
    sqlite3 *database;
    make(*state, "PRAGMA journal_mode = WAL; CREATE TABLE songs (x)", &database);
    connection_close(database);
    assert_refused(*state);
}

/* Only its log says whose it is. */
static void with_all_in_its_log(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *database;
    make(fixture, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0", &database);
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(identity_check(path), 0); /* empty */
    assert_int_equal(connection_run(database, "CREATE TABLE songs (x)"), 0);
    assert_refused(fixture);
    connection_close_as_is(database);
    assert_refused(fixture);
}

/* Opening it would roll the journal back: the other program has not finished. */
static void with_a_hot_journal(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *database;
    make(fixture,
         "PRAGMA cache_size = 5; CREATE TABLE songs (x); BEGIN; INSERT INTO songs "
         "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
         "SELECT randomblob(1000) FROM n",
         &database);
    struct kept kept = keep(fixture);
    assert_true(kept.bytes[3] && kept.size[3] > 0);
    for (size_t i = 0; i < NAMES; i++)
        free(kept.bytes[i]);
    assert_refused(fixture);
    connection_close(database);
}

static void an_empty_file_is_nobodys(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *database;
    make(fixture, "SELECT 1", &database);
    connection_close(database);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_CREATED);
}

/* What a kill in the first second leaves: the file has a head only, the log all the rest. */
static void a_young_one_of_ours(void **state)
{
    struct fixture *fixture = *state;
    char path[256], *bytes[2];
    size_t size[2];
    for (size_t i = 0; i < 2; i++) {
        fixture_path(fixture, names[i], path);
        assert_int_equal(file_read_all(path, FILE_LIMIT, &bytes[i], &size[i]), 0);
    }
    empty(fixture);
    int directory = open(fixture->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(file_write_whole(directory, names[i], 0600, bytes[i], size[i]), 0);
        free(bytes[i]);
    }
    close(directory);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
}

/* Damage, which is set aside: the daemon must go on storing. */
static void our_id_with_a_flipped_bit(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 70), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, 70), 1);
    close(fd);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_REPLACED);
}

static void plain_files_only(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    assert_int_equal(identity_check(fixture->directory), -EINVAL);
    assert_int_equal(identity_check("/dev/null"), -EINVAL);
    fixture_path(fixture, "pipe", path);
    assert_int_equal(identity_check(path), -ENOENT);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(identity_check(path), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(with_an_id_of_its_own),       TEST(without_an_id),
        TEST(with_a_version_and_no_table), TEST(in_wal_mode),
        TEST(with_all_in_its_log),         TEST(with_a_hot_journal),
        TEST(an_empty_file_is_nobodys),    TEST(a_young_one_of_ours),
        TEST(our_id_with_a_flipped_bit),   TEST(plain_files_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
