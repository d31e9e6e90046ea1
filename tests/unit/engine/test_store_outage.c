/* SPDX-License-Identifier: MIT */
/*
 * The writer's flow beside a disk that fails, fills up or loses power, for hours of a clock that
 * the test hands out: what is said of it, what is kept meanwhile, and what is there afterwards.
 */
#include "engine/store_flow.h"

#include "base/clock.h"
#include "base/text.h"
#include "faulty_vfs.h"
#include "storage/connection.h"
#include "storage/history.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define START_WALL_USEC (UINT64_C(1760000000) * USEC_PER_SEC)
#define START_MONO_USEC (100 * USEC_PER_SEC)
#define ROWS            20
#define EVENT_EVERY     60 /* seconds, when there are any */
#define LOSS_USEC       (10 * USEC_PER_SEC)
#define RESUME_SECONDS  30
#define KEPT_SECONDS    3600
#define POINTS          500 /* of a question */
#define OUTAGE_SECONDS  (KEPT_SECONDS + 60)

struct scene {
    char directory[64], image[64];
    struct store_config config;
    struct store_flow flow;
    struct tick_pool pool;
    struct tick *spare[TICK_POOL_TICKS];
    size_t spare_count;
    uint64_t second;
    bool events;
    uint64_t sequence;
    enum store_state state; /* as the loop knows it */
    size_t said_degraded, said_ok;
    uint64_t degraded_at, ok_at; /* seconds */
};

static void make_directory(char *ret_path, size_t size)
{
    snprintf(ret_path, size, "%s/memtend-outage-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(ret_path));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static uint64_t wall_of(uint64_t second)
{
    return START_WALL_USEC + second * USEC_PER_SEC;
}

static void start(struct scene *scene)
{
    struct store_writer_start found;
    assert_int_equal(tick_pool_init(&scene->pool, ROWS), 0);
    scene->spare_count = 0;
    for (size_t i = 0; i < TICK_POOL_TICKS; i++)
        scene->spare[scene->spare_count++] = &scene->pool.ticks[i];
    assert_int_equal(store_flow_init(&scene->flow, &scene->config,
                                     START_MONO_USEC + scene->second * USEC_PER_SEC, &found),
                     0);
    scene->state = found.state;
    store_content_finish(&found.content);
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    make_directory(scene->directory, sizeof(scene->directory));
    make_directory(scene->image, sizeof(scene->image));
    scene->config =
        (struct store_config){.directory = scene->directory,
                              .tick_usec = USEC_PER_SEC,
                              .limits = {.samples_usec = STORE_SAMPLES_USEC_DEFAULT,
                                         .events_usec = STORE_EVENTS_USEC_DEFAULT,
                                         .max_size_bytes = STORE_MAX_SIZE_BYTES_DEFAULT},
                              .max_processes = ROWS};
    *state = scene;
    return 0;
}

static size_t stop(struct scene *scene)
{
    size_t lost = store_flow_finish(&scene->flow, START_MONO_USEC + scene->second * USEC_PER_SEC);
    tick_pool_finish(&scene->pool);
    return lost;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    faulty_vfs_fail(NULL);
    faulty_vfs_record(NULL);
    nftw(scene->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    nftw(scene->image, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(scene);
    return 0;
}

/* ---- the loop's part ---- */

static void put_tick(struct scene *scene)
{
    assert_true(scene->spare_count > 0); /* the loop is never without one */
    struct tick *tick = scene->spare[--scene->spare_count];
    tick->id = 0;
    tick->number = scene->second + 1;
    tick->mono_usec = START_MONO_USEC + scene->second * USEC_PER_SEC;
    tick->wall_usec = wall_of(scene->second);
    for (int64_t row = 1; row <= ROWS; row++) {
        if (scene->second == 0)
            tick->processes[tick->process_count++] = (struct tick_process){
                .row = row, .id = {.pid = (pid_t)row, .start_ticks = 7}, .comm = "x"};
        struct tick_row *entry = &tick->rows[tick->row_count++];
        *entry = (struct tick_row){.row = row, .present = 1U << METRIC_RSS};
        entry->value[METRIC_RSS] = (int64_t)(scene->second * 4096);
    }
    store_flow_take_tick(&scene->flow, tick);
}

static void put_event(struct scene *scene)
{
    struct event event = {.id = (int64_t)++scene->sequence,
                          .kind = EVENT_KIND_DEPLOY,
                          .mono_usec = START_MONO_USEC + scene->second * USEC_PER_SEC,
                          .wall_usec = wall_of(scene->second)};
    struct store_record *record = store_record_event(&event, NULL);
    assert_non_null(record);
    record->sequence = scene->sequence;
    store_flow_take_record(&scene->flow, record);
}

/* What the loop hears, and makes an event of. */
static void hear(struct scene *scene)
{
    struct store_flow *flow = &scene->flow;
    for (struct tick *tick = store_flow_done_tick(flow); tick; tick = store_flow_done_tick(flow))
        scene->spare[scene->spare_count++] = tick;
    if (flow->ack.state == scene->state)
        return;
    scene->state = flow->ack.state;
    if (scene->state == STORE_STATE_OK) {
        scene->said_ok++;
        scene->ok_at = scene->second;
    } else {
        scene->said_degraded++;
        scene->degraded_at = scene->second;
    }
}

/* One second: its tick, and whatever the flow wants to do until the next one. */
static void run_second(struct scene *scene)
{
    uint64_t now = START_MONO_USEC + scene->second * USEC_PER_SEC;
    const uint64_t end = now + USEC_PER_SEC;
    put_tick(scene);
    if (scene->events && scene->second % EVENT_EVERY == 0)
        put_event(scene);
    for (int steps = 0; now < end; steps++) {
        uint64_t next;
        assert_true(steps < 1000);
        store_flow_step(&scene->flow, now, wall_of(scene->second) + USEC_PER_SEC - (end - now),
                        &next);
        hear(scene);
        now = next > now ? next : now + USEC_PER_MSEC;
    }
    scene->second++;
}

static void run(struct scene *scene, uint64_t seconds)
{
    for (uint64_t i = 0; i < seconds; i++)
        run_second(scene);
}

/* ---- what is there ---- */

static int64_t number_in(const char *directory, const char *sql)
{
    char path[128];
    sqlite3 *database;
    int64_t number = -1;
    snprintf(path, sizeof(path), "%s/" STORE_FILE, directory);
    assert_int_equal(connection_open_read(path, &database), 0);
    assert_int_equal(connection_number(database, sql, &number), 0);
    connection_close(database);
    return number;
}

/* Asked for as the loop's clients do: so many points at most. */
static void check_some(struct history *history, uint64_t from, uint64_t to)
{
    struct series_query query = {
        .target_count = 1,
        .targets = {{.kind = TARGET_PROCESS, .id = {.pid = ROWS, .start_ticks = 7}}},
        .metric_count = 1,
        .metrics = {METRIC_RSS},
        .from_wall_usec = wall_of(from),
        .to_wall_usec = wall_of(to),
        .points = to - from + 1,
        .aggregate = SERIES_LAST};
    struct series_result result;
    assert_int_equal(history_series(history, &query, &result, NULL), 0);
    if (result.count != 1)
        fail_msg("no series %d..%d", (int)from, (int)to);
    uint64_t expected = from;
    for (size_t i = 0; i < result.series[0].count && expected < to; i++, expected++) {
        if (result.series[0].points[i].gap)
            fail_msg("nothing is known of second %d", (int)expected);
        assert_int_equal(result.series[0].points[i].value, expected * 4096);
    }
    assert_int_equal(expected, to);
    series_result_finish(&result);
}

/* Each second between two has the value that it came with. */
static void check_values(struct scene *scene, uint64_t from, uint64_t to)
{
    struct history *history;
    assert_int_equal(
        history_new(scene->directory, USEC_PER_SEC, &scene->flow.intake.shelf, &history), 0);
    for (; from < to; from += POINTS)
        check_some(history, from, from + POINTS < to ? from + POINTS : to);
    history_free(history);
}

/* ---- power ---- */

/* Of an image: the newest second that is in it, and how many events. */
static uint64_t open_image(struct scene *scene, int64_t *ret_events)
{
    struct store_config config = scene->config;
    config.directory = scene->image;
    struct store *store;
    struct store_report report;
    struct error error = {0};
    if (store_open(&config, &store, &report, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(report.opened, STORE_OPENED);
    store_close(store);
    int64_t newest = number_in(scene->image, "SELECT ifnull(max(last_wall_usec), 0) FROM span");
    *ret_events = number_in(scene->image, "SELECT count(*) FROM event");
    nftw(scene->image, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(scene->image, 0700), 0);
    return newest > 0 ? ((uint64_t)newest - START_WALL_USEC) / USEC_PER_SEC : 0;
}

static void power_loss_takes_ten_seconds_and_nothing_acknowledged(void **state)
{
    struct scene *scene = *state;
    uint64_t random = 4711;
    size_t images = 0, with_loss = 0;
    faulty_vfs_record(scene->directory);
    start(scene);
    run(scene, 20);
    while (scene->second < 700) {
        /* For a while nothing but samples. */
        scene->events = scene->second > 400;
        run_second(scene);
        if (faulty_random(&random, 6))
            continue;
        int64_t events;
        uint64_t acknowledged = scene->flow.ack.durable_sequence;
        faulty_vfs_image(&random, scene->image);
        uint64_t newest = open_image(scene, &events);
        /* The second that has passed is over: its tick is a second old. */
        if (newest + LOSS_USEC / USEC_PER_SEC < scene->second)
            fail_msg("second %d: the newest tick on the disk is %d", (int)scene->second,
                     (int)newest);
        assert_true((uint64_t)events >= acknowledged);
        with_loss += newest + 1 < scene->second;
        images++;
    }
    printf("TOTAL: %zu images, %zu of them without the last samples\n", images, with_loss);
    assert_true(with_loss > images / 4); /* else nothing was cut */
    assert_int_equal(stop(scene), 0);
}

/* ---- a disk that fails for more than an hour ---- */

/* What can still be opened and read can be asked for while nothing can be stored. */
#define WRITING                                                                                    \
    (1U << FAULTY_WRITE | 1U << FAULTY_SYNC | 1U << FAULTY_TRUNCATE | 1U << FAULTY_DELETE)

static void outage(struct scene *scene, unsigned calls, enum faulty_error error)
{
    scene->events = true;
    faulty_vfs_record(scene->directory);
    start(scene);
    run(scene, 30);
    struct faulty_fault fault = {.calls = calls, .error = error, .nth = 1, .for_ever = true};
    faulty_vfs_fail(&fault);
    const uint64_t from = scene->second;
    run(scene, OUTAGE_SECONDS);
    assert_int_equal(scene->state, STORE_STATE_DEGRADED);
    assert_int_equal(scene->said_degraded, 1);
    assert_int_equal(scene->said_ok, 0);
    assert_true(faulty_vfs_failures() > OUTAGE_SECONDS / 10);
    if (calls == WRITING)
        check_values(scene, scene->second - KEPT_SECONDS, scene->second);
    faulty_vfs_fail(NULL);
    const uint64_t healed = scene->second;
    run(scene, RESUME_SECONDS);
    assert_int_equal(scene->state, STORE_STATE_OK);
    assert_int_equal(scene->said_degraded, 1);
    assert_int_equal(scene->said_ok, 1);
    assert_true(scene->ok_at - healed < RESUME_SECONDS);
    run(scene, 100);
    assert_int_equal(scene->flow.ack.losses.logs, 0);
    assert_int_equal(scene->flow.ack.durable_sequence, scene->sequence);
    check_values(scene, healed - KEPT_SECONDS, scene->second);
    check_values(scene, 1, from - 2);
    assert_int_equal(stop(scene), 0);
    assert_int_equal(number_in(scene->directory, "SELECT count(*) FROM event"), scene->sequence);
    start(scene);
    check_values(scene, healed - KEPT_SECONDS, scene->second);
    assert_int_equal(stop(scene), 0);
}

static void an_hour_of_eio(void **state)
{
    outage(*state, WRITING, FAULTY_EIO);
}

static void an_hour_of_a_full_disk(void **state)
{
    outage(*state, WRITING, FAULTY_ENOSPC);
}

static void an_hour_without_any_call(void **state)
{
    outage(*state, FAULTY_ALL, FAULTY_EIO);
}

/* What no longer fits is counted, and the newest hour stays. */
static void more_than_the_shelf_holds(void **state)
{
    struct scene *scene = *state;
    faulty_vfs_record(scene->directory);
    start(scene);
    run(scene, 30);
    struct faulty_fault fault = {
        .calls = WRITING, .error = FAULTY_ENOSPC, .nth = 1, .for_ever = true};
    faulty_vfs_fail(&fault);
    run(scene, 5000);
    assert_int_equal(scene->said_degraded, 1);
    assert_true(scene->flow.ack.losses.logs > 0);
    assert_int_equal(scene->flow.ack.losses.ticks, 0);
    check_values(scene, scene->second - KEPT_SECONDS, scene->second);
    faulty_vfs_fail(NULL);
    assert_int_equal(stop(scene), 0);
    /* Also when the daemon ends before it noticed that the disk is well. */
    start(scene);
    check_values(scene, scene->second - KEPT_SECONDS, scene->second);
    assert_int_equal(stop(scene), 0);
}

/* A disk on which some writes still succeed must not make an event of each change. */
static void a_disk_at_its_end_says_so_once(void **state)
{
    struct scene *scene = *state;
    start(scene);
    run(scene, 10);
    if (mount("none", scene->image, "tmpfs", 0, "size=1m") < 0) {
        printf("SKIP: no small disk: %s\n", strerror(errno));
        assert_int_equal(stop(scene), 0);
        skip();
    }
    assert_int_equal(stop(scene), 0);
    scene->config.directory = scene->image;
    scene->second = 0;
    scene->events = true;
    start(scene);
    run(scene, 2000);
    printf("degraded %zu times, well %zu times\n", scene->said_degraded, scene->said_ok);
    assert_int_equal(scene->said_degraded, 1);
    assert_int_equal(scene->said_ok, 0);
    stop(scene);
    umount2(scene->image, MNT_DETACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    /* Before any thread exists. */
    if (unshare(CLONE_NEWNS) == 0)
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    faulty_vfs_register();
    const struct CMUnitTest tests[] = {
        TEST(power_loss_takes_ten_seconds_and_nothing_acknowledged),
        TEST(an_hour_of_eio),
        TEST(an_hour_of_a_full_disk),
        TEST(an_hour_without_any_call),
        TEST(more_than_the_shelf_holds),
        TEST(a_disk_at_its_end_says_so_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
