/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* A directory of our own for each test. */
struct place {
    char path[64];
    int directory;
};

static int place_make(void **state)
{
    static struct place place;
    snprintf(place.path, sizeof(place.path), "/tmp/memtend-file-XXXXXX");
    if (!mkdtemp(place.path))
        return -1;
    place.directory = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = &place;
    return place.directory < 0 ? -1 : 0;
}

static int place_remove(void **state)
{
    const struct place *place = *state;
    DIR *stream = fdopendir(place->directory);
    for (struct dirent *entry; stream && (entry = readdir(stream));)
        if (unlinkat(place->directory, entry->d_name, 0) < 0)
            unlinkat(place->directory, entry->d_name, AT_REMOVEDIR);
    if (stream)
        closedir(stream);
    rmdir(place->path);
    return 0;
}

static void put(const struct place *place, const char *name, const char *bytes, size_t size)
{
    assert_int_equal(file_write_whole(place->directory, name, 0600, bytes, size), 0);
}

static void test_read_at_whole_and_cut(void **state)
{
    const struct place *place = *state;
    char buffer[8];
    size_t length = 99;
    put(place, "x", "12345", 5);
    assert_int_equal(file_read_at(place->directory, "x", buffer, sizeof(buffer), &length), 0);
    assert_int_equal(length, 5);
    assert_string_equal(buffer, "12345");
    put(place, "x", "123456789", 9);
    assert_int_equal(file_read_at(place->directory, "x", buffer, sizeof(buffer), &length), 0);
    assert_int_equal(length, 7);
    assert_string_equal(buffer, "1234567");
}

static void test_read_at_more_than_one_read(void **state)
{
    const struct place *place = *state;
    static char bytes[10000], buffer[sizeof(bytes) + 1];
    memset(bytes, 'z', sizeof(bytes));
    size_t length;
    put(place, "x", bytes, sizeof(bytes));
    assert_int_equal(file_read_at(place->directory, "x", buffer, sizeof(buffer), &length), 0);
    assert_int_equal(length, sizeof(bytes));
    assert_memory_equal(buffer, bytes, sizeof(bytes));
}

static void test_read_at_failures_touch_nothing(void **state)
{
    const struct place *place = *state;
    char buffer[8] = "before";
    size_t length = 99;
    assert_int_equal(file_read_at(place->directory, "no", buffer, sizeof(buffer), &length),
                     -ENOENT);
    assert_int_equal(length, 99);
    assert_int_equal(symlinkat("/etc/passwd", place->directory, "link"), 0);
    assert_int_equal(file_read_at(place->directory, "link", buffer, sizeof(buffer), &length),
                     -ELOOP);
    assert_string_equal(buffer, "before");
}

static void test_read_all_limits(void **state)
{
    const struct place *place = *state;
    char path[96];
    snprintf(path, sizeof(path), "%s/x", place->path);
    static char bytes[9000];
    memset(bytes, 'q', sizeof(bytes));
    put(place, "x", bytes, sizeof(bytes));
    _cleanup_(freep) char *text = NULL;
    size_t length = 0;
    assert_int_equal(file_read_all(path, sizeof(bytes) - 1, &text, &length), -EFBIG);
    assert_null(text);
    assert_int_equal(file_read_all(path, sizeof(bytes), &text, &length), 0);
    assert_int_equal(length, sizeof(bytes));
    assert_int_equal(text[length], '\0');
    char *unused = NULL;
    assert_int_equal(file_read_all("/nonexistent/x", 10, &unused, &length), -ENOENT);
    assert_null(unused);
}

static void test_read_all_sizes_around_its_steps(void **state)
{
    const struct place *place = *state;
    char path[96];
    snprintf(path, sizeof(path), "%s/x", place->path);
    static char bytes[8200];
    memset(bytes, 'q', sizeof(bytes));
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8191, 8192, 8193};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        put(place, "x", bytes, sizes[i]);
        _cleanup_(freep) char *text = NULL;
        size_t length = 99;
        assert_int_equal(file_read_all(path, sizes[i], &text, &length), 0);
        assert_int_equal(length, sizes[i]);
        assert_int_equal(text[length], '\0');
    }
}

static void test_write_whole_replaces(void **state)
{
    const struct place *place = *state;
    char buffer[16];
    size_t length;
    put(place, "x", "old", 3);
    put(place, "x", "new", 3);
    assert_int_equal(file_read_at(place->directory, "x", buffer, sizeof(buffer), &length), 0);
    assert_string_equal(buffer, "new");
    struct stat status;
    assert_int_equal(fstatat(place->directory, "x", &status, 0), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_write_whole_leaves_nothing_behind(void **state)
{
    const struct place *place = *state;
    assert_int_equal(mkdirat(place->directory, "x", 0700), 0);
    assert_int_equal(file_write_whole(place->directory, "x", 0600, "y", 1), -EISDIR);
    int count = 0;
    DIR *stream = opendir(place->path);
    for (struct dirent *entry; (entry = readdir(stream));)
        count += entry->d_name[0] != '.';
    closedir(stream);
    assert_int_equal(count, 1);
}

static void test_make_directories(void **state)
{
    const struct place *place = *state;
    char path[96], blocked[128];
    snprintf(path, sizeof(path), "%s/a", place->path);
    assert_int_equal(file_make_directories(path, 0700), 0);
    assert_int_equal(file_make_directories(path, 0700), 0);
    put(place, "f", "", 0);
    snprintf(blocked, sizeof(blocked), "%s/f/below", place->path);
    assert_int_equal(file_make_directories(blocked, 0700), -ENOTDIR);
    snprintf(blocked, sizeof(blocked), "%s/f", place->path);
    assert_int_equal(file_make_directories(blocked, 0700), -ENOTDIR);
}

static void test_lock_is_held_once(void **state)
{
    const struct place *place = *state;
    int first = -1, second = -1;
    assert_int_equal(file_lock(place->directory, "lock", &first), 0);
    assert_int_equal(file_lock(place->directory, "lock", &second), -EWOULDBLOCK);
    assert_int_equal(second, -1);
    close(first);
    assert_int_equal(file_lock(place->directory, "lock", &second), 0);
    close(second);
}

#define place_test(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        place_test(test_read_at_whole_and_cut),
        place_test(test_read_at_more_than_one_read),
        place_test(test_read_at_failures_touch_nothing),
        place_test(test_read_all_limits),
        place_test(test_read_all_sizes_around_its_steps),
        place_test(test_write_whole_replaces),
        place_test(test_write_whole_leaves_nothing_behind),
        place_test(test_make_directories),
        place_test(test_lock_is_held_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
