/* SPDX-License-Identifier: MIT */
#include "collect/meminfo.h"
#include "collect/pressure.h"
#include "collect/vmstat.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int64_t value_of(const struct sample *host, enum metric metric)
{
    int64_t value = -1;
    assert_true(sample_get(host, metric, &value));
    return value;
}

static void test_meminfo(void **state)
{
    (void)state;
    static const char text[] =
        "MemTotal:       2000 kB\nMemFree:         100 kB\n"
        "MemAvailable:    300 kB\nSwapCached: 9 kB\nCached: 50 kB\n"
        "SwapTotal: 0 kB\nSwapFree: 0 kB\nShmem: 7 kB\nShmemHugePages: 8 kB\n";
    struct sample host = {0};
    assert_int_equal(meminfo_parse(text, strlen(text), 5, &host), OUTCOME_OK);
    assert_int_equal(value_of(&host, METRIC_MEM_TOTAL), 2000 * 1024);
    assert_int_equal(value_of(&host, METRIC_MEM_AVAILABLE), 300 * 1024);
    assert_int_equal(value_of(&host, METRIC_MEM_CACHED), 50 * 1024);
    assert_int_equal(value_of(&host, METRIC_MEM_SHMEM), 7 * 1024);
    assert_int_equal(value_of(&host, METRIC_SWAP_TOTAL), 0);
    assert_int_equal(sample_time(&host, METRIC_MEM_FREE), 5);
}

/* An old kernel without MemAvailable: unknown, and no older value stays behind. */
static void test_meminfo_takes_out_what_is_missing(void **state)
{
    (void)state;
    static const char text[] = "MemTotal: 2000 kB\nMemFree: 100 kB\n";
    struct sample host = {0};
    sample_set(&host, METRIC_MEM_AVAILABLE, 77, 1);
    assert_int_equal(meminfo_parse(text, strlen(text), 5, &host), OUTCOME_OK);
    assert_false(sample_has(&host, METRIC_MEM_AVAILABLE));
    assert_int_equal(meminfo_parse("", 0, 6, &host), OUTCOME_MALFORMED);
    assert_false(sample_has(&host, METRIC_MEM_TOTAL));
}

static void test_vmstat(void **state)
{
    (void)state;
    static const char text[] = "nr_free_pages 1\npswpin 2\npswpout 3\npgfault 4\npgmajfault 5\n"
                               "oom_kill 6\noom_kill_x 7\n";
    struct sample host = {0};
    assert_int_equal(vmstat_parse(text, strlen(text), 5, &host), OUTCOME_OK);
    assert_int_equal(value_of(&host, METRIC_SWAP_IN), 2);
    assert_int_equal(value_of(&host, METRIC_SWAP_OUT), 3);
    assert_int_equal(value_of(&host, METRIC_HOST_MAJOR_FAULTS), 5);
    assert_int_equal(value_of(&host, METRIC_OOM_KILLS), 6);
    static const char no_swap[] = "pgmajfault 5\noom_kill 6\n";
    assert_int_equal(vmstat_parse(no_swap, strlen(no_swap), 5, &host), OUTCOME_OK);
    assert_false(sample_has(&host, METRIC_SWAP_IN));
}

static void test_pressure(void **state)
{
    (void)state;
    static const char text[] = "some avg10=1.25 avg60=100.00 avg300=0.00 total=12\n"
                               "full avg10=0.07 avg60=99.99 avg300=0.00 total=7\n";
    struct sample host = {0};
    assert_int_equal(pressure_parse(text, strlen(text), 5, &host), OUTCOME_OK);
    assert_int_equal(value_of(&host, METRIC_PSI_SOME_AVG10), 125);
    assert_int_equal(value_of(&host, METRIC_PSI_SOME_AVG60), 10000);
    assert_int_equal(value_of(&host, METRIC_PSI_FULL_AVG10), 7);
    assert_int_equal(value_of(&host, METRIC_PSI_FULL_AVG60), 9999);
    for (size_t length = 0; length < strlen(text); length++) {
        assert_int_equal(pressure_parse(text, length, 6, &host), OUTCOME_MALFORMED);
        assert_false(sample_has(&host, METRIC_PSI_SOME_AVG10));
    }
}

static void test_pressure_malformed(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "full avg10=0.00 avg60=0.00\nsome avg10=0.00 avg60=0.00\n",
        "some avg10=0.0 avg60=0.00\nfull avg10=0.00 avg60=0.00\n",
        "some avg10=0.000 avg60=0.00\nfull avg10=0.00 avg60=0.00\n",
        "some avg10=101.00 avg60=0.00\nfull avg10=0.00 avg60=0.00\n",
        "some avg10= avg60=0.00\nfull avg10=0.00 avg60=0.00\n",
        "some avg10=0.00 avg60=0\nfull avg10=0.00 avg60=0.00\n",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct sample host = {0};
        assert_int_equal(pressure_parse(wrong[i], strlen(wrong[i]), 5, &host), OUTCOME_MALFORMED);
        assert_int_equal(host.present, 0);
    }
}

/* A root without the files: named as absent, and what was known is taken out. */
static void test_missing_files(void **state)
{
    (void)state;
    int root = open("/var", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(root >= 0);
    struct sample host = {0};
    sample_set(&host, METRIC_MEM_TOTAL, 1, 1);
    sample_set(&host, METRIC_OOM_KILLS, 1, 1);
    sample_set(&host, METRIC_PSI_FULL_AVG60, 1, 1);
    assert_int_equal(meminfo_read(root, 5, &host), OUTCOME_ABSENT);
    assert_int_equal(vmstat_read(root, 5, &host), OUTCOME_ABSENT);
    assert_int_equal(pressure_read(root, 5, &host), OUTCOME_ABSENT);
    assert_int_equal(host.present, 0);
    close(root);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meminfo),
        cmocka_unit_test(test_meminfo_takes_out_what_is_missing),
        cmocka_unit_test(test_vmstat),
        cmocka_unit_test(test_pressure),
        cmocka_unit_test(test_pressure_malformed),
        cmocka_unit_test(test_missing_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
