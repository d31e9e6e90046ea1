/* SPDX-License-Identifier: MIT */
#include "engine/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct process_id id_of(int pid)
{
    return (struct process_id){.pid = pid, .start_ticks = (uint64_t)pid * 10};
}

/* Add and remove at random against a plain array of flags: the table always agrees with it. */
static void test_table_agrees_with_a_model(void **state)
{
    (void)state;
    enum { PIDS = 300, CAPACITY = 200, ROUNDS = 20000 };
    bool there[PIDS + 1] = {false};
    size_t count = 0;
    struct table table;
    assert_int_equal(table_init(&table, CAPACITY), 0);
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        int pid = rand() % PIDS + 1;
        struct process *process = table_find(&table, id_of(pid));
        assert_int_equal(process != NULL, there[pid]);
        if (process) {
            assert_int_equal(table_tracked(&table, process)->row, pid);
            table_remove(&table, process);
            there[pid] = false;
            count--;
        } else if (count == CAPACITY) {
            assert_null(table_add(&table, id_of(pid)));
        } else {
            process = table_add(&table, id_of(pid));
            table_tracked(&table, process)->row = pid;
            there[pid] = true;
            count++;
        }
        assert_int_equal(table.count, count);
    }
    for (int pid = 1; pid <= PIDS; pid++)
        assert_int_equal(table_find_pid(&table, pid) != NULL, there[pid]);
    table_finish(&table, NULL, NULL);
}

static void test_texts_go_with_their_process(void **state)
{
    (void)state;
    struct table table;
    assert_int_equal(table_init(&table, 4), 0);
    struct process *one = table_add(&table, id_of(1));
    struct process *two = table_add(&table, id_of(2));
    assert_true(table_set_text(&table, &one->unit, "web.service"));
    assert_false(table_set_text(&table, &one->unit, "web.service"));
    assert_true(table_set_text(&table, &two->unit, "web.service"));
    assert_true(table_set_text(&table, &two->cmdline, "sh"));
    assert_true(table_set_text(&table, &table_tracked(&table, two)->full_cmdline, "sh"));
    assert_int_equal(table.texts.count, 2);
    assert_true(table_set_text(&table, &two->cmdline, "bash"));
    assert_true(table_set_text(&table, &two->cmdline, ""));
    assert_null(two->cmdline);
    assert_string_equal(process_cmdline(two), "");
    table_remove(&table, one);
    assert_string_equal(table_find_pid(&table, 2)->unit, "web.service");
    table_remove(&table, table_find_pid(&table, 2));
    assert_int_equal(table.texts.count, 0);
    table_finish(&table, NULL, NULL);
}

static void test_table_keeps_identities_apart(void **state)
{
    (void)state;
    struct table table;
    assert_int_equal(table_init(&table, 4), 0);
    assert_non_null(table_add(&table, id_of(5)));
    struct process_id recycled = {.pid = 5, .start_ticks = 51};
    assert_null(table_find(&table, recycled));
    assert_non_null(table_find_pid(&table, 5));
    table_finish(&table, NULL, NULL);
}

static void test_table_families(void **state)
{
    (void)state;
    struct table table;
    assert_int_equal(table_init(&table, 8), 0);
    static const struct {
        int pid, parent, exe;
    } rows[] = {{10, 1, 7},  {11, 10, 7}, {12, 11, 7}, {13, 10, 9},
                {14, 10, 0}, {15, 14, 0}, {16, 10, 7}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct process *process = table_add(&table, id_of(rows[i].pid));
        process->ppid = rows[i].parent;
        process->exe_inode = process->exec_mark = (uint64_t)rows[i].exe;
    }
    table_find_pid(&table, 16)->exec_mark = 8;
    table_families(&table);
    assert_int_equal(table_find_pid(&table, 12)->family.pid, 10);
    assert_int_equal(table_find_pid(&table, 10)->family_size, 3);
    assert_int_equal(table_find_pid(&table, 12)->family_size, 3);
    assert_int_equal(table_find_pid(&table, 16)->family_size, 1); /* same file, after exec */
    assert_int_equal(table_find_pid(&table, 13)->family_size, 1); /* another program */
    assert_int_equal(table_find_pid(&table, 15)->family_size, 1); /* unknown is not family */
    table_finish(&table, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_agrees_with_a_model),
        cmocka_unit_test(test_texts_go_with_their_process),
        cmocka_unit_test(test_table_keeps_identities_apart),
        cmocka_unit_test(test_table_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
