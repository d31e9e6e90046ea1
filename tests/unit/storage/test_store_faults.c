/* SPDX-License-Identifier: MIT */
/*
 * Every call to the disk that a store makes fails once, and from then on: nothing crashes, the
 * error is one of those that store.h names, nothing acknowledged is lost, neither in use nor to a
 * power cut, and when the disk is well again the store goes on. It is used as the daemon does: a
 * full disk is waited for, after any other failure the store is closed and opened again.
 *
 *     test_storage_store_faults [PATTERN]
 */
#include "faulty_vfs.h"
#include "store_workload.h"

#define HEALTHY_STEPS 4 /* before the fault */
#define FAULTY_STEPS  9
#define TRIES_IN_VAIN 2  /* with a fault for ever, after it was met */
#define STRIDE_SHORT  79 /* of the writes that fail; MEMTEND_LONG=1: each */
#define IMAGES        2  /* of the end of each run */

struct place {
    struct workload workload;
    char image[160];
    uint64_t random;
    size_t runs, errors; /* errors: calls of the store that said so */
};

static void check_error(const struct faulty_fault *fault, int r)
{
    /* A sync that fails is never only a full disk. */
    bool sync = fault->error == FAULTY_EIO || fault->calls >> FAULTY_SYNC & 1;
    int expected = fault->error == FAULTY_EIO ? -EIO : -ENOSPC;
    if (r != expected && !(r == -EIO && sync))
        fail_msg("%s instead of %s (calls %x, number %zu)", strerror(-r), strerror(-expected),
                 fault->calls, fault->nth);
}

static int open_store(struct place *place)
{
    struct fixture *fixture = &place->workload.fixture;
    if (fixture->store)
        return 0;
    struct error error = {0};
    int r = workload_open(&place->workload, &error);
    if (r == 0)
        assert_int_equal(fixture->report.opened,
                         place->workload.tried > 0 ? STORE_OPENED : STORE_CREATED);
    else
        assert_true(error.text[0]);
    return r;
}

/* One transaction, with what must come before it. */
static int step(struct place *place)
{
    int r = open_store(place);
    if (r == 0)
        r = workload_try(&place->workload);
    if (r < 0 && r != -ENOSPC)
        fixture_close(&place->workload.fixture);
    place->errors += r < 0;
    return r;
}

static void check_images(struct place *place)
{
    for (size_t i = 0; i < IMAGES; i++) {
        faulty_vfs_image(&place->random, place->image);
        workload_check_image(&place->workload, place->image, place->workload.durable,
                             place->workload.tried, false);
    }
}

static void run_faulty(struct place *place, const struct faulty_fault *fault)
{
    size_t in_vain = 0;
    for (size_t i = 0; i < FAULTY_STEPS && in_vain <= TRIES_IN_VAIN; i++) {
        if (i == 5)
            fixture_close(&place->workload.fixture);
        int r = step(place);
        if (r == 0)
            continue;
        check_error(fault, r);
        in_vain++;
    }
}

static void run_healthy(struct place *place)
{
    struct workload *workload = &place->workload;
    for (size_t i = 0; i < HEALTHY_STEPS || workload->durable < workload->committed; i++)
        assert_int_equal(step(place), 0);
}

/* False: the fault was beyond what this run asks of the disk. */
static bool run(struct place *place, const struct faulty_fault *fault)
{
    struct workload *workload = &place->workload;
    faulty_vfs_record(workload->fixture.directory);
    workload_reset(workload);
    run_healthy(place);
    faulty_vfs_fail(fault);
    run_faulty(place, fault);
    bool struck = faulty_vfs_failures() > 0;
    faulty_vfs_fail(NULL);
    check_images(place);
    run_healthy(place);
    workload_check(workload, workload->fixture.store, workload->fixture.directory,
                   workload->committed, workload->committed);
    check_images(place);
    fixture_close(&workload->fixture);
    faulty_vfs_record(NULL);
    workload_empty(workload->fixture.directory);
    place->runs++;
    return struck;
}

static void run_all(struct place *place, unsigned calls, enum faulty_error error)
{
    struct faulty_fault fault = {.calls = calls, .error = error};
    bool struck = true;
    /* There are many writes, and most are alike. */
    size_t stride = workload_is_long() || !(calls >> FAULTY_WRITE & 1) ? 1 : STRIDE_SHORT;
    for (fault.nth = 1; struck; fault.nth += stride) {
        fault.for_ever = false;
        struck = run(place, &fault);
        fault.for_ever = true;
        run(place, &fault);
    }
    /* Else it was not the fault that was tested. */
    assert_true(fault.nth > 1 + stride);
}

static int set_up(void **state, size_t padding)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    place->random = workload_seed();
    workload_new(&place->workload, place->random, 3, padding);
    struct fixture image;
    fixture_new(&image);
    text_copy(place->image, sizeof(place->image), image.directory);
    image.directory[0] = '\0';
    fixture_free(&image);
    *state = place;
    return 0;
}

static int setup(void **state)
{
    return set_up(state, 0);
}

/* So much that the store folds its log twice or more in each run. */
static int setup_large(void **state)
{
    return set_up(state, 100);
}

static int teardown(void **state)
{
    struct place *place = *state;
    printf("TOTAL: %zu runs, %zu errors\n", place->runs, place->errors);
    workload_free(&place->workload);
    rmdir(place->image);
    free(place);
    return 0;
}

#define FAULT(name, call, error)                                                                   \
    static void name(void **state)                                                                 \
    {                                                                                              \
        run_all(*state, 1U << (call), (error));                                                    \
    }

FAULT(writes_eio, FAULTY_WRITE, FAULTY_EIO)
FAULT(writes_enospc, FAULTY_WRITE, FAULTY_ENOSPC)
FAULT(writes_short, FAULTY_WRITE, FAULTY_SHORT)
FAULT(syncs_eio, FAULTY_SYNC, FAULTY_EIO)
FAULT(syncs_enospc, FAULTY_SYNC, FAULTY_ENOSPC)
FAULT(truncates_eio, FAULTY_TRUNCATE, FAULTY_EIO)
FAULT(truncates_enospc, FAULTY_TRUNCATE, FAULTY_ENOSPC)
FAULT(opens_eio, FAULTY_OPEN, FAULTY_EIO)
FAULT(opens_enospc, FAULTY_OPEN, FAULTY_ENOSPC)
FAULT(deletes_eio, FAULTY_DELETE, FAULTY_EIO)
FAULT(indexes_eio, FAULTY_SHM, FAULTY_EIO)
FAULT(indexes_enospc, FAULTY_SHM, FAULTY_ENOSPC)

FAULT(folding_syncs_eio, FAULTY_SYNC, FAULTY_EIO)
FAULT(folding_syncs_enospc, FAULTY_SYNC, FAULTY_ENOSPC)
FAULT(folding_truncates_eio, FAULTY_TRUNCATE, FAULTY_EIO)

static void everything_eio(void **state)
{
    run_all(*state, FAULTY_ALL, FAULTY_EIO);
}

static void everything_enospc(void **state)
{
    run_all(*state, FAULTY_ALL, FAULTY_ENOSPC);
}

#define LARGE(name) cmocka_unit_test_setup_teardown(name, setup_large, teardown)
#define TEST(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    faulty_vfs_register();
    const struct CMUnitTest tests[] = {
        TEST(writes_eio),
        TEST(writes_enospc),
        TEST(writes_short),
        TEST(syncs_eio),
        TEST(syncs_enospc),
        TEST(truncates_eio),
        TEST(truncates_enospc),
        TEST(opens_eio),
        TEST(opens_enospc),
        TEST(deletes_eio),
        TEST(indexes_eio),
        TEST(indexes_enospc),
        TEST(everything_eio),
        TEST(everything_enospc),
        LARGE(folding_syncs_eio),
        LARGE(folding_syncs_enospc),
        LARGE(folding_truncates_eio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
