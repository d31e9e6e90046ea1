/* SPDX-License-Identifier: MIT */
/*
 * What a power cut at any moment leaves: a sound file that opens as it is, with the first k
 * transactions and nothing else; every durable one that returned 0 is among them. Images of disks
 * that wrote everything before a sync, and of what came after it some, in any order and in parts.
 *
 * 2,000 images; MEMTEND_LONG=1: 100,000; MEMTEND_IMAGES: so many. MEMTEND_SEED: others.
 */
#include "faulty_vfs.h"
#include "store_workload.h"

#include "storage/connection.h"

#define IMAGES_SHORT 2000
#define IMAGES_LONG  100000

#define QUEUE_LIMIT 8 /* images made during one call of the store */

/* One round: a store that begins empty. */
struct round_kind {
    size_t steps, rows;
    uint64_t image_every; /* recorded calls, on average */
};

/* Most keep to a few pages, so that an image costs little. In the others the log grows until the
 * store folds it into the file by itself and begins it again. */
static const struct round_kind round_small = {50, 3, 30};
static const struct round_kind round_large = {240, 200, 200};
#define LARGE_EVERY 60

struct image {
    char directory[160];
    size_t least, most;
    bool may_be_new; /* the store had not been opened yet */
};

struct cutter {
    struct workload workload;
    uint64_t random;
    uint64_t image_every;
    bool opened;
    size_t images, with_loss;
    size_t queued;
    struct image queue[QUEUE_LIMIT];
};

/* An index of the log that has nothing to do with it: power cuts leave anything there. */
static void cut_index(struct cutter *cutter, const char *directory)
{
    if (faulty_random(&cutter->random, 4))
        return;
    uint64_t garbage[4096];
    for (size_t i = 0; i < 4096; i++)
        garbage[i] = faulty_random(&cutter->random, UINT64_MAX);
    char path[256];
    snprintf(path, sizeof(path), "%s/" STORE_FILE "-shm", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
    close(fd);
}

/* Called in the middle of SQLite's work: only the files are made here. */
static void cut(void *context)
{
    struct cutter *cutter = context;
    if (cutter->queued == QUEUE_LIMIT || faulty_random(&cutter->random, cutter->image_every))
        return;
    struct image *image = &cutter->queue[cutter->queued];
    faulty_vfs_image(&cutter->random, image->directory);
    cut_index(cutter, image->directory);
    image->least = cutter->workload.durable;
    image->most = cutter->workload.tried;
    image->may_be_new = !cutter->opened;
    cutter->queued++;
}

static void check_image(struct cutter *cutter, const struct image *image)
{
    size_t found = workload_check_image(&cutter->workload, image->directory, image->least,
                                        image->most, image->may_be_new);
    cutter->with_loss += found < image->most;
    cutter->images++;
}

static void check_queue(struct cutter *cutter)
{
    faulty_vfs_observe(NULL, NULL);
    for (size_t i = 0; i < cutter->queued; i++)
        check_image(cutter, &cutter->queue[i]);
    cutter->queued = 0;
    faulty_vfs_observe(cut, cutter);
}

/* What the store does by itself when the log has grown, without the growing. */
static void fold(struct cutter *cutter)
{
    char path[256];
    fixture_path(&cutter->workload.fixture, STORE_FILE, path);
    sqlite3 *database;
    assert_int_equal(connection_open_write(path, &database), 0);
    assert_int_equal(connection_run(database, "PRAGMA wal_checkpoint(PASSIVE)"), 0);
    connection_close(database);
}

static void run_step(struct cutter *cutter)
{
    struct fixture *fixture = &cutter->workload.fixture;
    uint64_t what = faulty_random(&cutter->random, 100);
    if (what < 8) {
        fold(cutter);
    } else if (what < 14) {
        fixture_close(fixture);
        assert_int_equal(workload_open(&cutter->workload, NULL), 0);
    } else {
        assert_int_equal(workload_try(&cutter->workload), 0);
    }
}

static void run_round(struct cutter *cutter, const struct round_kind *kind)
{
    workload_new(&cutter->workload, cutter->random, kind->rows, 0);
    struct fixture *fixture = &cutter->workload.fixture;
    cutter->image_every = kind->image_every;
    cutter->opened = false;
    faulty_vfs_record(fixture->directory);
    faulty_vfs_observe(cut, cutter);
    assert_int_equal(workload_open(&cutter->workload, NULL), 0);
    cutter->opened = true;
    for (size_t i = 0; i < kind->steps; i++) {
        check_queue(cutter);
        /* Closing folds: large rounds keep to what makes the log grow. */
        if (kind == &round_large)
            assert_int_equal(workload_try(&cutter->workload), 0);
        else
            run_step(cutter);
    }
    fixture_close(fixture);
    check_queue(cutter);
    faulty_vfs_observe(NULL, NULL);
    faulty_vfs_record(NULL);
    workload_free(&cutter->workload);
}

static void nothing_durable_is_lost(void **state)
{
    (void)state;
    static struct cutter cutter;
    cutter.random = workload_seed();
    size_t wanted = workload_is_long() ? IMAGES_LONG : IMAGES_SHORT;
    const char *images = getenv("MEMTEND_IMAGES");
    if (images)
        wanted = strtoul(images, NULL, 10);
    struct fixture place;
    fixture_new(&place);
    for (size_t i = 0; i < QUEUE_LIMIT; i++) {
        snprintf(cutter.queue[i].directory, sizeof(cutter.queue[i].directory), "%s/%zu",
                 place.directory, i);
        assert_int_equal(mkdir(cutter.queue[i].directory, 0700), 0);
    }
    for (size_t round = 1; cutter.images < wanted; round++)
        run_round(&cutter, round % LARGE_EVERY == 0 ? &round_large : &round_small);
    printf("TOTAL: %zu images, %zu of them without the last transactions, nothing durable lost\n",
           cutter.images, cutter.with_loss);
    /* Else nothing was ever cut. */
    assert_in_range(cutter.with_loss, wanted / 10, cutter.images);
    fixture_free(&place);
}

int main(void)
{
    faulty_vfs_register();
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_durable_is_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
