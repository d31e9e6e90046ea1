/* SPDX-License-Identifier: MIT */
#include "engine/kept_files.h"

#include "collect/proc_statm.h"
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define GIB (UINT64_C(1) << 30)

static size_t limit_of(uint64_t wanted, uint64_t descriptors, uint64_t machine_bytes)
{
    return kept_files_limit(&(struct kept_files_means){
        .wanted = wanted, .descriptors = descriptors, .machine_bytes = machine_bytes});
}

static void test_limit(void **state)
{
    (void)state;
    const uint64_t automatic = CONFIG_KEPT_FILES_AUTO;
    /* Descriptors for agents and connections stay; with few there are, half is for them. */
    assert_int_equal(limit_of(30000, 20000, GIB), 20000 - 2304);
    assert_int_equal(limit_of(30000, 1024, GIB), 512);
    assert_int_equal(limit_of(100, 20000, GIB), 100);
    assert_int_equal(limit_of(0, 20000, GIB), 0);
    /* Half a percent of the machine, and not more than the unit has room for. */
    assert_int_equal(limit_of(automatic, 1000000, GIB), GIB / 200 / PROC_STATM_KERNEL_BYTES);
    assert_int_equal(limit_of(automatic, 1000000, 1024 * GIB),
                     (96 << 20) / PROC_STATM_KERNEL_BYTES);
    assert_int_equal(limit_of(automatic, 2000, 1024 * GIB), 1000);
    assert_int_equal(limit_of(automatic, 20000, 0), 0); /* nobody knows: keep none */
}

static void test_heat_rises_and_falls(void **state)
{
    (void)state;
    struct glance glance = {0};
    for (uint64_t tick = 1; tick < 100; tick++)
        kept_files_heat(&glance, true, tick);
    assert_int_equal(glance.heat, UINT8_MAX);
    for (uint64_t tick = 100; tick < 200; tick++)
        kept_files_heat(&glance, false, tick);
    assert_true(glance.heat < 16);
}

/* Entries 1 to n; the first `kept` of them have a descriptor. */
static void fill(struct table *table, int n, int kept)
{
    assert_int_equal(table_init(table, 200), 0);
    for (int i = 1; i <= n; i++) {
        struct process_id id = {.pid = i, .start_ticks = 1};
        struct glance *glance = table_glance(table, table_add(table, id));
        if (i <= kept)
            table_keep(table, glance, open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
}

static void test_who_is_clearly_hotter_takes_over(void **state)
{
    (void)state;
    struct table table;
    struct kept_files kept = {.limit = 3};
    fill(&table, 4, 3);
    struct glance *glances = table.glances, *candidate = &glances[3];
    kept_files_on_tick(&kept);
    glances[0].heat = 90;
    glances[1].heat = 70;
    glances[2].heat = 90;
    candidate->heat = 40;
    assert_false(kept_files_admit(&kept, &table, candidate)); /* not hot */
    candidate->heat = 80;
    assert_false(kept_files_admit(&kept, &table, candidate)); /* hot, but not by a margin */
    candidate->heat = 110;
    assert_true(kept_files_admit(&kept, &table, candidate));
    assert_int_equal(glances[1].statm, -1); /* the coldest gave its own */
    assert_int_equal(table.kept, 2);
    table_finish(&table, NULL, NULL);
}

static void test_few_change_hands_in_a_tick(void **state)
{
    (void)state;
    struct table table;
    struct kept_files kept = {.limit = 64};
    fill(&table, 128, 64);
    kept_files_on_tick(&kept);
    int taken = 0;
    for (int i = 64; i < 128; i++) {
        struct glance *glance = &table.glances[i];
        glance->heat = 200;
        if (!kept_files_admit(&kept, &table, glance))
            continue;
        table_keep(&table, glance, open("/dev/null", O_RDONLY | O_CLOEXEC));
        taken++;
    }
    assert_in_range(taken, 1, 16);
    assert_int_equal(table.kept, 64);
    table_finish(&table, NULL, NULL);
}

static void test_none_where_none_may_be(void **state)
{
    (void)state;
    struct table table;
    struct kept_files kept = {0};
    fill(&table, 1, 0);
    kept_files_on_tick(&kept);
    table.glances[0].heat = 200;
    assert_false(kept_files_admit(&kept, &table, &table.glances[0]));
    table_finish(&table, NULL, NULL);
}

/* Descriptors move with their entries and are closed once, by whoever ends the entry. */
static void test_the_table_closes_them(void **state)
{
    (void)state;
    struct table table;
    fill(&table, 3, 3);
    int first = table.glances[0].statm, last = table.glances[2].statm;
    table_remove(&table, &table.processes[0]);
    assert_int_equal(fcntl(first, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(table.glances[0].statm, last);
    assert_int_equal(table_index(&table, 3), 0);
    assert_int_equal(table_index(&table, 1), -1);
    assert_int_equal(table.kept, 2);
    table_finish(&table, NULL, NULL);
    assert_int_equal(fcntl(last, F_GETFD), -1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_heat_rises_and_falls),
        cmocka_unit_test(test_who_is_clearly_hotter_takes_over),
        cmocka_unit_test(test_few_change_hands_in_a_tick),
        cmocka_unit_test(test_none_where_none_may_be),
        cmocka_unit_test(test_the_table_closes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
