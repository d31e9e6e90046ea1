/* SPDX-License-Identifier: MIT */
/* A disk without room, and one that cannot be written: clear errors, nothing acknowledged is lost,
 * and it goes on when the disk does. Runs in a mount namespace of its own; skipped where the
 * kernel does not allow one. */
#include "store_fixture.h"

#include <sched.h>
#include <sys/mount.h>

static bool can_mount;

/* A small file system over the fixture's directory. */
static int setup(void **state)
{
    if (!can_mount)
        return 0;
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture_new(fixture);
    assert_int_equal(mount("none", fixture->directory, "tmpfs", 0, "size=2m"), 0);
    fixture_open(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    if (!can_mount)
        return 0;
    struct fixture *fixture = *state;
    fixture_close(fixture);
    history_free(fixture->history);
    fixture->history = NULL;
    umount2(fixture->directory, MNT_DETACH);
    fixture_free(fixture);
    free(fixture);
    return 0;
}

static void fill_disk(const struct fixture *fixture)
{
    char path[256], block[4096] = {1};
    fixture_path(fixture, "filler", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof(block)) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void empty_disk(const struct fixture *fixture)
{
    char path[256];
    fixture_path(fixture, "filler", path);
    assert_int_equal(unlink(path), 0);
}

static int write_events(struct fixture *fixture, int64_t first, int64_t count)
{
    int r = store_begin(fixture->store, true);
    for (int64_t id = first; r == 0 && id < first + count; id++) {
        struct event event = {.id = id, .wall_usec = fixture_wall((uint64_t)id)};
        memset(event.text, 'x', sizeof(event.text) - 1);
        r = store_write_event(fixture->store, &event);
    }
    if (r == 0)
        r = store_commit(fixture->store);
    if (r < 0)
        store_rollback(fixture->store);
    return r;
}

static void a_full_disk_loses_nothing_and_passes(void **state)
{
    if (!can_mount)
        skip();
    struct fixture *fixture = *state;
    assert_int_equal(write_events(fixture, 1, 50), 0);
    fill_disk(fixture);
    int64_t next = 51;
    int r = 0;
    for (; next < 5000 && r == 0; next += r == 0 ? 50 : 0)
        r = write_events(fixture, next, 50);
    assert_int_equal(r, -ENOSPC);
    assert_int_equal(write_events(fixture, next, 50), -ENOSPC);
    empty_disk(fixture);
    assert_int_equal(write_events(fixture, next, 50), 0);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    struct history_page page = {.limit = 1000};
    size_t count;
    struct event *events;
    char cursor[HISTORY_CURSOR_SIZE];
    assert_int_equal(history_events(fixture->history, &page, &count, &events, cursor), 0);
    assert_int_equal(count, next + 49);
    free(events);
}

static void a_full_disk_at_start(void **state)
{
    if (!can_mount)
        skip();
    struct fixture *fixture = *state;
    fixture_close(fixture);
    char path[256];
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(unlink(path), 0);
    fill_disk(fixture);
    struct error error = {0};
    assert_int_equal(store_open(&fixture->config, &fixture->store, &fixture->report, &error),
                     -ENOSPC);
    assert_true(error.text[0]);
    empty_disk(fixture);
    fixture_open(fixture);
    assert_int_equal(write_events(fixture, 1, 1), 0);
}

static void a_read_only_directory(void **state)
{
    if (!can_mount)
        skip();
    struct fixture *fixture = *state;
    assert_int_equal(store_begin(fixture->store, true), 0);
    assert_int_equal(store_rule_put(fixture->store, "keep", "text"), 0);
    assert_int_equal(store_commit(fixture->store), 0);
    assert_int_equal(store_refresh_copy(fixture->store), 0);
    fixture_close(fixture);
    assert_int_equal(mount(NULL, fixture->directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    struct error error = {0};
    assert_int_equal(store_open(&fixture->config, &fixture->store, &fixture->report, &error),
                     -EROFS);
    assert_non_null(strstr(error.text, "Read-only"));
    /* The rules can still be read. */
    struct store_content content;
    assert_int_equal(store_load_copy(fixture->directory, &content), 0);
    assert_int_equal(content.rule_count, 1);
    store_content_finish(&content);
    assert_int_equal(mount(NULL, fixture->directory, NULL, MS_REMOUNT, NULL), 0);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
}

int main(void)
{
    can_mount = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    if (!can_mount) {
        printf("SKIP: no mount namespace: %s\n", strerror(errno));
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_loses_nothing_and_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_at_start, setup, teardown),
        cmocka_unit_test_setup_teardown(a_read_only_directory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
