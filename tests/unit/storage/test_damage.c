/* SPDX-License-Identifier: MIT */
/* A file that cannot be used is set aside whole, said so, and the rules come back. */
#include "store_fixture.h"

#include "base/file.h"
#include "storage/connection.h"

#include <glob.h>

static const char *const rule_text = "when rss > 1 GiB then trim";

static void put_rules(struct fixture *fixture)
{
    struct rule_arming arming = {.name = "keep", .sha256 = "abc", .asked_by = "uid 0"};
    assert_int_equal(store_begin(fixture->store, true), 0);
    assert_int_equal(store_rule_put(fixture->store, "keep", rule_text), 0);
    assert_int_equal(store_arming_put(fixture->store, &arming), 0);
    assert_int_equal(store_setting_put(fixture->store, "pause", "yes"), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    assert_int_equal(store_refresh_copy(fixture->store), 0);
}

/* Enough for a file of some pages. */
static void fill(struct fixture *fixture)
{
    put_rules(fixture);
    fixture_process(fixture, 1, 10);
    for (int64_t i = 1; i <= 300; i++) {
        fixture_rss(fixture, 1, i);
        fixture_tick(fixture);
        struct event event = {.id = i, .wall_usec = fixture_wall((uint64_t)i)};
        text_copy(event.text, sizeof(event.text), "something to fill the pages with");
        fixture_event(fixture, &event);
    }
    fixture_close(fixture);
}

static void assert_rules(struct fixture *fixture)
{
    struct store_content content;
    assert_int_equal(store_load(fixture->store, &content), 0);
    assert_int_equal(content.rule_count, 1);
    assert_string_equal(content.rules[0].text, rule_text);
    assert_int_equal(content.arming_count, 1);
    assert_int_equal(content.setting_count, 1);
    store_content_finish(&content);
}

static size_t count_files(const struct fixture *fixture, const char *pattern)
{
    char path[256];
    fixture_path(fixture, pattern, path);
    glob_t found;
    int r = glob(path, 0, NULL, &found);
    size_t count = r == 0 ? found.gl_pathc : 0;
    if (r == 0)
        globfree(&found);
    return count;
}

/* The next open must find it, keep it and go on with a working store. */
static void assert_replaced(struct fixture *fixture, const char *suffix)
{
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_REPLACED);
    assert_non_null(strstr(fixture->report.set_aside, suffix));
    assert_non_null(strstr(fixture->report.text, fixture->report.set_aside));
    assert_int_equal(count_files(fixture, fixture->report.set_aside), 1);
    assert_int_equal(fixture->report.rules_restored, 1);
    assert_int_equal(fixture->report.armings_restored, 1);
    assert_rules(fixture);
    fixture_process(fixture, 1, 10);
    fixture_rss(fixture, 1, 5);
    fixture_tick(fixture);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    assert_rules(fixture);
}

static int open_file(const struct fixture *fixture)
{
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void random_bytes(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    int fd = open_file(fixture);
    assert_int_equal(ftruncate(fd, 0), 0);
    for (unsigned i = 0; i < 5000; i++) {
        unsigned char byte = (unsigned char)(i * 2654435761U >> 24);
        assert_int_equal(write(fd, &byte, 1), 1);
    }
    close(fd);
    assert_replaced(fixture, ".damaged");
}

static void truncated_to_half(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    int fd = open_file(fixture);
    off_t size = lseek(fd, 0, SEEK_END);
    assert_int_equal(ftruncate(fd, size / 2), 0);
    close(fd);
    assert_replaced(fixture, ".damaged");
}

static void truncated_inside_the_header(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    int fd = open_file(fixture);
    assert_int_equal(ftruncate(fd, 57), 0);
    close(fd);
    assert_replaced(fixture, ".damaged");
}

/* Each page in turn loses its head: whether that is seen at once or in use, nothing crashes, and a
 * store that says it was opened can be written. */
static void any_page_with_a_broken_head(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    int fd = open_file(fixture);
    off_t pages = lseek(fd, 0, SEEK_END) / 4096;
    close(fd);
    size_t seen = 0;
    for (off_t page = 0; page < pages; page++) {
        fd = open_file(fixture);
        char saved[16], broken[16];
        memset(broken, 0xA5, sizeof(broken));
        off_t at = page * 4096 + (page == 0 ? 100 : 0);
        assert_int_equal(pread(fd, saved, sizeof(saved), at), sizeof(saved));
        assert_int_equal(pwrite(fd, broken, sizeof(broken), at), sizeof(broken));
        close(fd);
        fixture_open(fixture);
        bool replaced = fixture->report.opened == STORE_REPLACED;
        assert_rules(fixture);
        fixture_close(fixture);
        seen += replaced;
        /* Back to the file as it was. */
        char path[256], aside[256];
        fixture_path(fixture, STORE_FILE, path);
        fixture_path(fixture, fixture->report.set_aside, aside);
        if (replaced)
            assert_int_equal(rename(aside, path), 0);
        fd = open_file(fixture);
        assert_int_equal(pwrite(fd, saved, sizeof(saved), at), sizeof(saved));
        close(fd);
    }
    assert_true(seen * 10 >= (size_t)pages * 9); /* all but free pages */
}

static void a_newer_one(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    sqlite3 *database;
    assert_int_equal(connection_open_write(path, &database), 0);
    assert_int_equal(connection_run(database, "PRAGMA user_version = 99; CREATE TABLE later (x)"),
                     0);
    connection_close(database);
    assert_replaced(fixture, ".newer");
    /* The newer memtend can still use what was set aside. */
    glob_t found;
    fixture_path(fixture, STORE_FILE ".*.newer", path);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    assert_int_equal(connection_open_read(found.gl_pathv[0], &database), 0);
    int64_t events = 0;
    assert_int_equal(connection_number(database, "SELECT count(*) FROM event", &events), 0);
    assert_int_equal(events, 300);
    connection_close(database);
    globfree(&found);
}

static void the_log_goes_along(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    fixture_open(fixture);
    struct event event = {.id = 1000, .wall_usec = fixture_wall(1000)};
    fixture_event(fixture, &event);
    /* What a kill leaves beside the database: a log with this one event. */
    char log[256], *bytes;
    size_t size;
    fixture_path(fixture, STORE_FILE "-wal", log);
    assert_int_equal(file_read_all(log, 1 << 24, &bytes, &size), 0);
    fixture_close(fixture);
    int fd = open(fixture->directory, O_RDONLY | O_DIRECTORY);
    assert_int_equal(file_write_whole(fd, STORE_FILE, 0600, "not a database", 14), 0);
    assert_int_equal(file_write_whole(fd, STORE_FILE "-wal", 0600, bytes, size), 0);
    close(fd);
    free(bytes);
    assert_replaced(fixture, ".damaged");
    assert_int_equal(count_files(fixture, STORE_FILE ".*.damaged-wal"), 1);
}

static void a_lost_file_gets_its_rules_back(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(unlink(path), 0);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_CREATED);
    assert_int_equal(fixture->report.rules_restored, 1);
    assert_true(fixture->report.text[0]);
    assert_rules(fixture);
}

static void a_damaged_copy_is_not_trusted(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    int fd = open(fixture->directory, O_RDONLY | O_DIRECTORY);
    assert_int_equal(file_write_whole(fd, STORE_RULES_COPY_FILE, 0600, "garbage", 7), 0);
    assert_int_equal(file_write_whole(fd, STORE_FILE, 0600, "garbage", 7), 0);
    close(fd);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_REPLACED);
    assert_int_equal(fixture->report.rules_restored, 0);
}

static void an_outdated_copy_is_brought_up_to_date(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    char path[256];
    fixture_path(fixture, STORE_RULES_COPY_FILE, path);
    assert_int_equal(unlink(path), 0);
    fixture_open(fixture);
    assert_int_equal(store_refresh_copy(fixture->store), 0);
    struct store_content content;
    assert_int_equal(store_load_copy(fixture->directory, &content), 0);
    assert_int_equal(content.rule_count, 1);
    store_content_finish(&content);
    /* And is left alone when it says the same. */
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(store_refresh_copy(fixture->store), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
}

static void a_directory_in_its_place_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    struct error error = {0};
    assert_int_equal(store_open(&fixture->config, &fixture->store, &fixture->report, &error),
                     -EINVAL);
    assert_non_null(strstr(error.text, STORE_FILE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(random_bytes),
        TEST(truncated_to_half),
        TEST(truncated_inside_the_header),
        TEST(any_page_with_a_broken_head),
        TEST(a_newer_one),
        TEST(the_log_goes_along),
        TEST(a_lost_file_gets_its_rules_back),
        TEST(a_damaged_copy_is_not_trusted),
        TEST(an_outdated_copy_is_brought_up_to_date),
        TEST(a_directory_in_its_place_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
