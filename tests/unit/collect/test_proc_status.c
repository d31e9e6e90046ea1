/* SPDX-License-Identifier: MIT */
#include "collect/proc_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char status_text[] = "Name:\tsleep\n"
                                  "Umask:\t0022\n"
                                  "Uid:\t1000\t1001\t1002\t1003\n"
                                  "Gid:\t0\t0\t0\t0\n"
                                  "Groups:\t0 \n"
                                  "VmPeak:\t  99999 kB\n"
                                  "VmHWM:\t   11852 kB\n"
                                  "VmRSS:\t   11840 kB\n"
                                  "RssAnon:\t    5864 kB\n"
                                  "RssFile:\t    5988 kB\n"
                                  "RssShmem:\t       4 kB\n"
                                  "VmSwap:\t       0 kB\n"
                                  "Threads:\t1\n"
                                  "voluntary_ctxt_switches:\t37\n"
                                  "nonvoluntary_ctxt_switches:\t5\n";

static void test_fields(void **state)
{
    (void)state;
    struct proc_status status;
    assert_int_equal(proc_status_parse(status_text, strlen(status_text), &status), OUTCOME_OK);
    assert_int_equal(status.uid, 1000);
    assert_int_equal(status.present, (1 << PROC_STATUS_FIELD_COUNT) - 1);
    assert_int_equal(status.bytes[PROC_STATUS_PEAK], 11852 * 1024);
    assert_int_equal(status.bytes[PROC_STATUS_RSS], 11840 * 1024);
    assert_int_equal(status.bytes[PROC_STATUS_ANON], 5864 * 1024);
    assert_int_equal(status.bytes[PROC_STATUS_FILE], 5988 * 1024);
    assert_int_equal(status.bytes[PROC_STATUS_SHMEM], 4 * 1024);
    assert_int_equal(status.bytes[PROC_STATUS_SWAP], 0);
    assert_int_equal(status.switches, 42);
}

static void test_kernel_thread_has_no_memory(void **state)
{
    (void)state;
    static const char text[] = "Name:\tkthreadd\nUid:\t0\t0\t0\t0\nThreads:\t1\n";
    struct proc_status status;
    assert_int_equal(proc_status_parse(text, strlen(text), &status), OUTCOME_OK);
    assert_int_equal(status.present, 0);
    assert_int_equal(status.switches, 0);
}

/* They are looked for at the end: behind long lists, before what some machines add. */
static void test_switches_are_near_the_end(void **state)
{
    (void)state;
    char text[1024];
    struct proc_status status;
    for (int cpus = 0; cpus < 600; cpus++) {
        int length = snprintf(text, sizeof(text),
                              "Uid:\t0\t0\t0\t0\nCpus_allowed:\t%0*d\n"
                              "voluntary_ctxt_switches:\t37\nnonvoluntary_ctxt_switches:\t5\n"
                              "x86_Thread_features:\t\nx86_Thread_features_locked:\t\n",
                              cpus + 1, 1);
        assert_int_equal(proc_status_parse(text, (size_t)length, &status), OUTCOME_OK);
        assert_int_equal(status.switches, 42);
    }
    /* One of them alone is no count, wherever the last part of the file happens to begin. */
    for (int cpus = 0; cpus < 300; cpus++) {
        int length = snprintf(text, sizeof(text),
                              "Uid:\t0\t0\t0\t0\nnonvoluntary_ctxt_switches:\t5\n"
                              "Mems_allowed:\t%0*d\nnonvoluntary_ctxt_switches:\t7\n",
                              cpus + 1, 1);
        assert_int_equal(proc_status_parse(text, (size_t)length, &status), OUTCOME_OK);
        assert_int_equal(status.switches, 0);
    }
}

/* Only whole lines count, only at their beginning, only the whole key. */
static void test_keys_are_anchored(void **state)
{
    (void)state;
    static const char text[] = "Name:\tx RssAnon: 1 kB\n"
                               "XRssAnon:\t1 kB\n"
                               "RssAnonX:\t1 kB\n"
                               "Uid:\t0\t0\t0\t0\n"
                               "RssFile:\t\n"
                               "RssShmem:\tx kB\n"
                               "VmSwap:\t99999999999999999999 kB\n"
                               "VmHWM:\t7 kB";
    struct proc_status status;
    assert_int_equal(proc_status_parse(text, strlen(text), &status), OUTCOME_OK);
    assert_int_equal(status.present, 0);
}

/* A NUL in a key must not end the comparison early. */
static void test_nul_in_a_key(void **state)
{
    (void)state;
    static const char text[] = "Uid\0padding:\t5\nVmSwap\0:\t1 kB\nUid:\t6\n";
    struct proc_status status;
    assert_int_equal(proc_status_parse(text, sizeof(text) - 1, &status), OUTCOME_OK);
    assert_int_equal(status.uid, 6);
    assert_int_equal(status.present, 0);
}

static void test_first_of_two_counts(void **state)
{
    (void)state;
    static const char text[] = "Uid:\t5\t0\t0\t0\nUid:\t6\t0\t0\t0\nVmSwap:\t1 kB\nVmSwap:\t2 kB\n";
    struct proc_status status;
    assert_int_equal(proc_status_parse(text, strlen(text), &status), OUTCOME_OK);
    assert_int_equal(status.uid, 5);
    assert_int_equal(status.bytes[PROC_STATUS_SWAP], 1024);
}

static void test_cut_anywhere_is_never_wrong(void **state)
{
    (void)state;
    struct proc_status whole;
    proc_status_parse(status_text, strlen(status_text), &whole);
    for (size_t length = 0; length < strlen(status_text); length++) {
        struct proc_status status = {.uid = 77};
        if (proc_status_parse(status_text, length, &status) != OUTCOME_OK) {
            assert_int_equal(status.uid, 77);
            continue;
        }
        for (int field = 0; field < PROC_STATUS_FIELD_COUNT; field++)
            if (status.present >> field & 1)
                assert_int_equal(status.bytes[field], whole.bytes[field]);
    }
}

static void test_sample_takes_out_what_is_absent(void **state)
{
    (void)state;
    struct sample sample = {0};
    struct proc_status status = {.present = 1 << PROC_STATUS_ANON | 1 << PROC_STATUS_RSS};
    int64_t value;
    sample_set(&sample, METRIC_SWAP, 5, 1);
    sample_set(&sample, METRIC_RSS, 6, 1);
    proc_status_sample(&status, 9, &sample);
    assert_false(sample_has(&sample, METRIC_SWAP));
    assert_true(sample_get(&sample, METRIC_ANON, &value));
    assert_int_equal(sample_time(&sample, METRIC_ANON), 9);
    assert_true(sample_get(&sample, METRIC_RSS, &value));
    assert_int_equal(value, 6);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_kernel_thread_has_no_memory),
        cmocka_unit_test(test_switches_are_near_the_end),
        cmocka_unit_test(test_keys_are_anchored),
        cmocka_unit_test(test_nul_in_a_key),
        cmocka_unit_test(test_first_of_two_counts),
        cmocka_unit_test(test_cut_anywhere_is_never_wrong),
        cmocka_unit_test(test_sample_takes_out_what_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
