/* SPDX-License-Identifier: MIT */
/*
 * Flipped bits, overwritten bytes and cut ends in the three files that a killed daemon leaves:
 * nothing crashes, and in the end there is a store that can be written, either what was found or a
 * fresh one with the rules and armings of the copy. Used as the daemon does: what is only found
 * damaged in use is set aside then.
 *
 * 600 files; MEMTEND_LONG=1: 10,000. MEMTEND_SEED: others.
 */
#include "faulty_vfs.h"
#include "store_workload.h"

#include "base/file.h"

#define FILES_SHORT 600
#define FILES_LONG  10000

#define FILE_LIMIT (size_t)(16 << 20)
#define HANG_SEC   60 /* of one file: SIGALRM ends the test */

enum { DATABASE, LOG, INDEX, COPY, FILE_COUNT };

static const char *const names[FILE_COUNT] = {STORE_FILE, STORE_FILE "-wal", STORE_FILE "-shm",
                                              STORE_RULES_COPY_FILE};

struct damage {
    struct workload workload;
    uint64_t random;
    char *bytes[FILE_COUNT];
    size_t size[FILE_COUNT];
    size_t files, opened, replaced;
    size_t late, unread; /* late: found in use; unread: only by a reader */
};

/* ---- the files ---- */

static void keep_files(struct damage *damage)
{
    for (int i = 0; i < FILE_COUNT; i++) {
        char path[256];
        fixture_path(&damage->workload.fixture, names[i], path);
        assert_int_equal(file_read_all(path, FILE_LIMIT, &damage->bytes[i], &damage->size[i]), 0);
        assert_true(damage->size[i] > 0);
    }
}

static void write_file(struct damage *damage, const char *name, const char *bytes, size_t size)
{
    char path[256];
    fixture_path(&damage->workload.fixture, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static void flip(struct damage *damage, char *bytes, size_t size)
{
    for (uint64_t left = 1 + faulty_random(&damage->random, 4); left > 0; left--) {
        size_t at = faulty_random(&damage->random, size);
        bytes[at] = (char)(bytes[at] ^ 1 << faulty_random(&damage->random, 8));
    }
}

static void overwrite(struct damage *damage, char *bytes, size_t size)
{
    size_t at = faulty_random(&damage->random, size);
    for (size_t i = at; i < size && i < at + 64; i++)
        bytes[i] = (char)faulty_random(&damage->random, 256);
}

static void damage_file(struct damage *damage, int which)
{
    size_t size = damage->size[which];
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memcpy(bytes, damage->bytes[which], size);
    uint64_t how = faulty_random(&damage->random, 4);
    if (how < 2)
        flip(damage, bytes, size);
    else if (how == 2)
        overwrite(damage, bytes, size);
    else
        size = 1 + faulty_random(&damage->random, size - 1);
    write_file(damage, names[which], bytes, size);
    free(bytes);
}

static void make_files(struct damage *damage)
{
    static const int chosen[] = {DATABASE, DATABASE, DATABASE, LOG, LOG, INDEX};
    for (int i = 0; i < FILE_COUNT; i++)
        write_file(damage, names[i], damage->bytes[i], damage->size[i]);
    damage_file(damage, chosen[faulty_random(&damage->random, 6)]);
}

/* ---- the store ---- */

static void check_copy(struct damage *damage)
{
    const struct workload_state *state = &damage->workload.states[damage->workload.committed];
    char text[32];
    snprintf(text, sizeof(text), "version %zu", state->rule_version);
    struct store_content content;
    assert_int_equal(store_load(damage->workload.fixture.store, &content), 0);
    assert_int_equal(content.rule_count, 1);
    assert_string_equal(content.rules[0].text, text);
    assert_int_equal(content.arming_count, 1);
    assert_int_equal(content.armings[0].wall_usec, state->rule_version);
    store_content_finish(&content);
}

static void open_store(struct damage *damage, bool set_aside)
{
    struct fixture *fixture = &damage->workload.fixture;
    fixture->config.set_aside = set_aside;
    struct error error = {0};
    if (workload_open(&damage->workload, &error) < 0)
        fail_msg("file %zu: %s", damage->files, error.text);
    fixture->config.set_aside = false;
    if (fixture->report.opened == STORE_OPENED)
        return;
    assert_int_equal(fixture->report.opened, STORE_REPLACED);
    check_copy(damage);
}

/* What the daemon does with it first. */
static int use(struct damage *damage)
{
    struct store_content content;
    int r = store_load(damage->workload.fixture.store, &content);
    if (r < 0)
        return r;
    store_content_finish(&content);
    size_t before = damage->workload.committed;
    for (int i = 0; r == 0 && i < 3; i++)
        r = workload_try(&damage->workload);
    damage->workload.committed = before;
    bool more;
    return r < 0 ? r : store_expire(damage->workload.fixture.store, fixture_wall(0), &more);
}

static int read_series(struct history *history)
{
    struct series_query query = {
        .target_count = 2,
        .targets = {fixture_target(WORKLOAD_FIRST_PID), {.kind = TARGET_HOST}},
        .metric_count = 2,
        .metrics = {METRIC_RSS, METRIC_MEM_FREE},
        .from_wall_usec = fixture_wall(0),
        .to_wall_usec = fixture_wall(100),
        .points = 101,
        .aggregate = SERIES_LAST};
    struct series_result result;
    struct error error = {0};
    int r = history_series(history, &query, &result, &error);
    if (r == 0)
        series_result_finish(&result);
    return r;
}

/* A reader answers or says that it cannot. */
static void read_all(struct damage *damage)
{
    struct history_page page = {.limit = 1000};
    char next[HISTORY_CURSOR_SIZE];
    struct history *history = damage->workload.fixture.history;
    struct event *events = NULL;
    struct receipt *receipts = NULL;
    size_t count;
    int results[] = {read_series(history), history_events(history, &page, &count, &events, next),
                     history_receipts(history, &page, &count, &receipts, next)};
    free(events);
    free(receipts);
    bool failed = false;
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        if (results[i] != 0 && results[i] != -EUCLEAN)
            fail_msg("file %zu, reader %zu: %s", damage->files, i, strerror(-results[i]));
        failed = failed || results[i] < 0;
    }
    damage->unread += failed;
}

static void check_damaged(struct damage *damage)
{
    struct fixture *fixture = &damage->workload.fixture;
    make_files(damage);
    alarm(HANG_SEC);
    open_store(damage, false);
    bool opened = fixture->report.opened == STORE_OPENED;
    int r = use(damage);
    if (r < 0) {
        if (r != -EUCLEAN || !opened)
            fail_msg("file %zu, in use: %s", damage->files, strerror(-r));
        damage->late++;
        fixture_close(fixture);
        open_store(damage, true);
        assert_int_equal(use(damage), 0);
    }
    damage->opened += opened;
    damage->replaced += !opened;
    read_all(damage);
    fixture_close(fixture);
    alarm(0);
    workload_empty(fixture->directory);
    damage->files++;
}

static void fill(struct damage *damage)
{
    struct fixture *fixture = &damage->workload.fixture;
    assert_int_equal(workload_open(&damage->workload, NULL), 0);
    for (int i = 0; i < 60; i++) {
        assert_int_equal(workload_try(&damage->workload), 0);
        if (i != 40)
            continue;
        /* What came until now is in the file, the rest will be in the log. */
        fixture_close(fixture);
        assert_int_equal(workload_open(&damage->workload, NULL), 0);
    }
    assert_int_equal(store_refresh_copy(fixture->store), 0);
    keep_files(damage);
    fixture_close(fixture);
    workload_empty(fixture->directory);
}

static void any_damage_is_survived(void **state)
{
    (void)state;
    static struct damage damage;
    damage.random = workload_seed();
    workload_new(&damage.workload, damage.random, 3, 0);
    fill(&damage);
    size_t wanted = workload_is_long() ? FILES_LONG : FILES_SHORT;
    while (damage.files < wanted)
        check_damaged(&damage);
    printf("TOTAL: %zu files: %zu used as they were, %zu replaced at once, %zu later; %zu could "
           "not be "
           "read whole\n",
           wanted, damage.opened - damage.late, damage.replaced, damage.late, damage.unread);
    assert_in_range(damage.replaced, wanted / 10, wanted);
    assert_in_range(damage.opened, wanted / 10, wanted);
    for (int i = 0; i < FILE_COUNT; i++)
        free(damage.bytes[i]);
    workload_free(&damage.workload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_damage_is_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
