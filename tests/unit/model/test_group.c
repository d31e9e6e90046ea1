/* SPDX-License-Identifier: MIT */
#include "model/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT 128

struct table {
    struct process processes[LIMIT];
    size_t count;
};

static ssize_t by_pid(const void *context, pid_t pid)
{
    const struct table *table = context;
    for (size_t i = 0; i < table->count; i++)
        if (table->processes[i].id.pid == pid)
            return (ssize_t)i;
    return -1;
}

static struct process *add(struct table *table, pid_t pid, pid_t parent, uint64_t mark)
{
    struct process *process = &table->processes[table->count++];
    *process = (struct process){.id = {.pid = pid, .start_ticks = (uint64_t)pid * 10},
                                .ppid = parent,
                                .exe_device = 1,
                                .exe_inode = 7,
                                .exec_mark = mark};
    return process;
}

static void families(struct table *table)
{
    group_families(table->processes, table->count, by_pid, table);
}

static void test_master_and_workers(void **state)
{
    (void)state;
    static struct table table;
    table.count = 0;
    const struct process *worker = add(&table, 20, 10, 5); /* before its parent in the table */
    const struct process *master = add(&table, 10, 1, 5);
    const struct process *other = add(&table, 21, 10, 5);
    const struct process *grandchild = add(&table, 30, 20, 5);
    const struct process *stranger = add(&table, 40, 10, 6); /* exec made it another program */
    families(&table);
    assert_true(process_id_equal(worker->family, master->id));
    assert_true(process_id_equal(worker->family, other->family));
    assert_true(process_id_equal(grandchild->family, master->family));
    assert_int_equal(master->family_size, 4);
    assert_int_equal(grandchild->family_size, 4);
    assert_false(process_id_equal(stranger->family, master->family));
    assert_int_equal(stranger->family_size, 1);
    assert_true(process_id_equal(stranger->family, stranger->id));
}

static void test_what_is_unknown_ties_nothing(void **state)
{
    (void)state;
    static struct table table;
    table.count = 0;
    const struct process *parent = add(&table, 10, 1, 0);
    const struct process *child = add(&table, 20, 10, 0);
    families(&table);
    assert_false(process_id_equal(parent->family, child->family));
    assert_int_equal(parent->family_size, 1);
}

static void test_another_program_or_a_younger_parent_ties_nothing(void **state)
{
    (void)state;
    static struct table table;
    table.count = 0;
    const struct process *parent = add(&table, 10, 1, 5);
    struct process *other = add(&table, 20, 10, 5);
    other->exe_inode = 8; /* no randomisation: all marks are the same */
    struct process *recycled = add(&table, 30, 40, 5); /* its parent's pid is someone younger */
    add(&table, 40, 1, 5);
    struct process *dropped = add(&table, 50, 10, 5);
    dropped->uid = 1000; /* a worker that gave up its rights is still one of the family */
    families(&table);
    assert_false(process_id_equal(parent->family, other->family));
    assert_true(process_id_equal(recycled->family, recycled->id));
    assert_true(process_id_equal(parent->family, dropped->family));
}

/* Hostile or torn data must not loop for ever. */
static void test_circles_and_long_chains_end(void **state)
{
    (void)state;
    static struct table table;
    table.count = 0;
    struct process *a = add(&table, 10, 20, 5);
    struct process *b = add(&table, 20, 10, 5);
    a->id.start_ticks = b->id.start_ticks = 1;
    for (pid_t pid = 100; pid < 200 && table.count < LIMIT; pid++)
        add(&table, pid, pid - 1, 5);
    families(&table);
    for (size_t i = 0; i < table.count; i++)
        assert_in_range(table.processes[i].family_size, 1, table.count);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_master_and_workers),
        cmocka_unit_test(test_what_is_unknown_ties_nothing),
        cmocka_unit_test(test_another_program_or_a_younger_parent_ties_nothing),
        cmocka_unit_test(test_circles_and_long_chains_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
