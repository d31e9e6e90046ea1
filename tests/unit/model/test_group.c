/* SPDX-License-Identifier: MIT */
#include "model/snapshot.h"

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

static void names_are_made_clean(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
    } rows[] = {
        {"  web ", "web"}, {"a/b,c", "a_b_c"}, {" ", ""}, {"", ""}, {"x\ny", "x\xef\xbf\xbdy"}};
    char name[GROUP_NAME_SIZE], text[2 * GROUP_NAME_SIZE];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        group_name_clean(rows[i].text, name);
        assert_string_equal(name, rows[i].name);
    }
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    group_name_clean(text, name);
    assert_int_equal(strlen(name), GROUP_NAME_SIZE - 1);
}

static void loss_is_what_growth_does_not_explain(void **state)
{
    (void)state;
    static const struct {
        struct group_cow cow;
        int64_t loss;
    } rows[] = {
        {{.base_rss_bytes = 100, .rss_bytes = 100, .uss_bytes = 2}, 2},
        {{.base_rss_bytes = 100, .rss_bytes = 100, .uss_bytes = 90}, 90},  /* copied */
        {{.base_rss_bytes = 100, .rss_bytes = 150, .uss_bytes = 50}, 0},   /* its own */
        {{.base_rss_bytes = 100, .rss_bytes = 150, .uss_bytes = 130}, 80}, /* both */
        {{.base_rss_bytes = 100, .rss_bytes = 60, .uss_bytes = 30}, 30},   /* gave back */
        {{.base_rss_bytes = 100, .rss_bytes = 160, .uss_bytes = 10}, 0},   /* shared files */
        {{.base_rss_bytes = 10, .rss_bytes = 10, .uss_bytes = 50}, 10},    /* no more than that */
        {{.base_rss_bytes = 100, .base_uss_bytes = 40, .rss_bytes = 100, .uss_bytes = 60}, 20},
        {{.base_rss_bytes = 100, .base_uss_bytes = 40, .rss_bytes = 100, .uss_bytes = 20}, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(group_cow_loss(&rows[i].cow), rows[i].loss);
}

static void sums_count_what_is_known(void **state)
{
    (void)state;
    struct group_record group = {.kind = GROUP_KIND_UNIT, .came = 9, .peak_rss_bytes = 7};
    struct process a = {.id = {10, 500}, .cow_loss_bytes = -1, .first_seen_usec = 100};
    struct process b = {.id = {11, 400}, .cow_loss_bytes = 5, .first_seen_usec = 100};
    sample_set(&a.sample, METRIC_RSS, 100, 1000);
    sample_set(&a.sample, METRIC_PSS, 60, 200);
    sample_set(&b.sample, METRIC_RSS, 50, 1000);
    group_begin(&group);
    group_add(&group, &a);
    group_add(&group, &b);
    group_end(&group);
    assert_int_equal(group.members, 2);
    assert_int_equal(group.rss_bytes, 150);
    assert_int_equal(group.pss_bytes, 60);
    assert_int_equal(group.pss_members, 1);
    assert_int_equal(group.uss_members, 0);
    assert_int_equal(group.cow_members, 1);
    assert_int_equal(group.cow_loss_bytes, 5);
    assert_false(group.pss_consistent);
    assert_int_equal(group.oldest.pid, 11);
    assert_int_equal(group.youngest.pid, 10);
    assert_int_equal(group.came, 9);

    /* A reading older than the last fork is of another time; one above RSS too. */
    sample_set(&b.sample, METRIC_PSS, 70, 50);
    group_begin(&group);
    group_add(&group, &a);
    group_add(&group, &b);
    group_end(&group);
    assert_int_equal(group.pss_bytes, 60 + 50);
    assert_false(group.pss_consistent);
    sample_set(&b.sample, METRIC_PSS, 40, 150);
    group_begin(&group);
    group_add(&group, &a);
    group_add(&group, &b);
    group_end(&group);
    assert_true(group.pss_consistent);
}

static void limit_of_one_control_group(void **state)
{
    (void)state;
    struct cgroup cgroups[2] = {{.serial = 1}, {.serial = 2}};
    struct snapshot snapshot = {.cgroup_count = 2, .cgroups = cgroups};
    struct group_record group = {.kind = GROUP_KIND_UNIT};
    struct process a = {.id = {10, 500}, .cow_loss_bytes = -1, .cgroup = 2}, b = a;
    int64_t value;
    cgroup_set(&cgroups[1], CGROUP_VALUE_LIMIT, 1000);
    cgroup_set(&cgroups[1], CGROUP_VALUE_HEADROOM, -5);
    group_begin(&group);
    group_add(&group, &a);
    group_add(&group, &b);
    snapshot_group_limit(&snapshot, &group);
    assert_true(group_figure_get(&group, GROUP_FIGURE_LIMIT, &value) && value == 1000);
    assert_true(group_figure_get(&group, GROUP_FIGURE_HEADROOM, &value) && value == -5);

    /* Not known, not in the table any more, a place given back: absent, not the last one. */
    cgroup_clear(&cgroups[1], CGROUP_VALUE_HEADROOM);
    snapshot_group_limit(&snapshot, &group);
    assert_true(group_figure_get(&group, GROUP_FIGURE_LIMIT, &value));
    assert_false(group_figure_get(&group, GROUP_FIGURE_HEADROOM, &value));
    cgroups[1].serial = 0;
    snapshot_group_limit(&snapshot, &group);
    assert_false(group_figure_get(&group, GROUP_FIGURE_LIMIT, &value));
    cgroups[1].serial = 2;
    snapshot.cgroup_count = 1;
    snapshot_group_limit(&snapshot, &group);
    assert_false(group_figure_get(&group, GROUP_FIGURE_LIMIT, &value));

    /* Two control groups, or one that is not known: whoever comes first. */
    snapshot.cgroup_count = 2;
    for (uint32_t other = 0; other < 2; other++) {
        b.cgroup = other;
        for (int order = 0; order < 2; order++) {
            group_begin(&group);
            group_add(&group, order ? &a : &b);
            group_add(&group, order ? &b : &a);
            snapshot_group_limit(&snapshot, &group);
            assert_false(group_figure_get(&group, GROUP_FIGURE_LIMIT, &value));
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_master_and_workers),
        cmocka_unit_test(test_what_is_unknown_ties_nothing),
        cmocka_unit_test(test_another_program_or_a_younger_parent_ties_nothing),
        cmocka_unit_test(test_circles_and_long_chains_end),
        cmocka_unit_test(names_are_made_clean),
        cmocka_unit_test(loss_is_what_growth_does_not_explain),
        cmocka_unit_test(sums_count_what_is_known),
        cmocka_unit_test(limit_of_one_control_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
