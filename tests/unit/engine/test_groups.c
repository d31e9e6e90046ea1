/* SPDX-License-Identifier: MIT */
/* Who belongs to which group, what comes and goes, what stays within its limits. */
#include "engine/groups.h"

#include "base/text.h"
#include "model/cmdline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CAPACITY 4096
#define SECOND   UINT64_C(1000000)
#define MIB      (INT64_C(1) << 20)

struct world {
    struct config config;
    struct groups groups;
    struct table table;
    struct group_time time;
    uint64_t born; /* processes so far: no two start at the same time */
};

static int begin(struct world *w, const char *settings)
{
    struct config_errors errors = {0};
    *w = (struct world){.time = {1000 * SECOND, 5000 * SECOND, 2000 * SECOND}};
    config_init(&w->config);
    assert_int_equal(config_parse(&w->config, "m.conf", settings, strlen(settings), &errors), 0);
    assert_int_equal(table_init(&w->table, CAPACITY), 0);
    return groups_init(&w->groups, &w->config, &w->time);
}

static void end(struct world *w)
{
    groups_finish(&w->groups);
    table_finish(&w->table, NULL, NULL);
}

static struct process *at(const struct world *w, pid_t pid)
{
    struct process *process = table_find_pid(&w->table, pid);
    assert_non_null(process);
    return process;
}

static void hold(struct world *w, pid_t pid, enum metric metric, int64_t bytes)
{
    struct process *process = at(w, pid);
    struct glance *glance = table_glance(&w->table, process);
    sample_set(&process->sample, metric, bytes, w->time.mono_usec);
    if (metric != METRIC_RSS)
        return;
    glance->group_due |= glance->rss_bytes != bytes;
    glance->rss_bytes = bytes;
}

/* Arguments are separated by '|'. */
static void call(struct world *w, pid_t pid, const char *cmdline)
{
    char bytes[512], redacted[512];
    size_t length = text_copy(bytes, sizeof(bytes), cmdline) + 1;
    for (char *c = bytes; *c; c++)
        if (*c == '|')
            *c = '\0';
    struct tracked *tracked = table_tracked(&w->table, at(w, pid));
    cmdline_redact(bytes, length, redacted, sizeof(redacted));
    groups_on_identity(&w->table, at(w, pid), bytes, length, redacted);
    table_set_text(&w->table, &tracked->full_cmdline, redacted);
    tracked->identity_changed = true;
}

/* As the fast pass sees it for the first time; nothing else is known yet. */
static void born_before(struct world *w, pid_t pid, pid_t parent, uint64_t seconds)
{
    uint64_t begun_usec = w->time.boot_usec - seconds * SECOND;
    uint64_t hertz = (uint64_t)sysconf(_SC_CLK_TCK);
    struct process_id id = {.pid = pid, .start_ticks = begun_usec * hertz / SECOND + w->born % 10};
    w->born++;
    struct process *process = table_add(&w->table, id);
    assert_non_null(process);
    process->ppid = parent;
    process->first_seen_usec = w->time.mono_usec;
    hold(w, pid, METRIC_RSS, 100 * MIB);
}

static void born(struct world *w, pid_t pid, pid_t parent)
{
    born_before(w, pid, parent, 0);
}

/* The answer of the probe. */
static void identify(struct world *w, pid_t pid, uint64_t mark, const char *cmdline)
{
    struct process *process = at(w, pid);
    process->exec_count += process->exec_mark != 0 && process->exec_mark != mark;
    process->exec_mark = mark;
    w->table.families_stale = true;
    process->exe_inode = 7;
    call(w, pid, cmdline);
}

static void program(struct world *w, pid_t pid, pid_t parent, uint64_t mark, const char *cmdline)
{
    born(w, pid, parent);
    identify(w, pid, mark, cmdline);
}

/* What the agent says. */
static void rename_to(struct world *w, pid_t pid, const char *name)
{
    struct process *process = at(w, pid);
    table_set_text(&w->table, &process->name, name);
    table_tracked(&w->table, process)->identity_changed = true;
    table_glance(&w->table, process)->group_due = true;
}

static void tick(struct world *w)
{
    w->time.mono_usec += SECOND;
    w->time.wall_usec += SECOND;
    w->time.boot_usec += SECOND;
    table_families(&w->table);
    groups_on_tick(&w->groups, &w->table, &w->time);
    for (size_t i = 0; i < w->table.count; i++)
        w->table.tracked[i].identity_changed = false;
}

static void ticks(struct world *w, int count)
{
    while (count-- > 0)
        tick(w);
}

static void ended(struct world *w, pid_t pid)
{
    struct process *process = at(w, pid);
    groups_on_remove(&w->groups, &w->table, process, &w->time);
    table_remove(&w->table, process);
}

/* Name of its group, "" for none. */
static const char *group_of(const struct world *w, pid_t pid)
{
    const struct group_record *group = group_table_at(&w->groups.table, at(w, pid)->group);
    return group ? group->name : "";
}

/* With figures of this tick. */
static const struct group_record *named(struct world *w, const char *name)
{
    groups_renew(&w->groups, &w->table);
    uint32_t place = group_table_find(&w->groups.table, name);
    return place > 0 ? group_table_at(&w->groups.table, place) : NULL;
}

static size_t group_count(const struct world *w)
{
    size_t count = 0;
    for (size_t i = 0; i < w->groups.table.count; i++)
        count += w->groups.table.groups[i].kind != GROUP_KIND_NONE;
    return count;
}

static void the_first_that_fits_counts(void **state)
{
    (void)state;
    struct world w;
    assert_int_equal(begin(&w, "[Group shop]\nCmdline=shop\\.py\nUnit=shop@*.service\n"
                               "[Group empty]\nName=nobody-*\n"),
                     0);
    program(&w, 10, 1, 1, "python3|shop.py");
    program(&w, 11, 1, 2, "python3|shop.py");
    program(&w, 12, 1, 3, "python3|other.py");
    program(&w, 13, 1, 4, "sleep|9");
    table_set_text(&w.table, &at(&w, 10)->unit, "shop@1.service");
    table_set_text(&w.table, &at(&w, 10)->name, "till");
    table_set_text(&w.table, &at(&w, 11)->unit, "cron.service");
    table_set_text(&w.table, &at(&w, 11)->name, "till");
    table_set_text(&w.table, &at(&w, 12)->unit, "cron.service");
    tick(&w);
    assert_string_equal(group_of(&w, 10), "shop");
    assert_string_equal(group_of(&w, 11), "till");
    assert_string_equal(group_of(&w, 12), "cron.service");
    assert_string_equal(group_of(&w, 13), "");
    assert_non_null(named(&w, "empty")); /* by its name it is there without members */
    assert_int_equal(named(&w, "shop")->kind, GROUP_KIND_CONFIG);
    assert_int_equal(named(&w, "till")->kind, GROUP_KIND_NAME);
    assert_int_equal(named(&w, "cron.service")->kind, GROUP_KIND_UNIT);
    end(&w);
}

static void a_server_and_its_workers(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "");
    program(&w, 10, 1, 1, "python3|/usr/bin/gunicorn|-w|2|web:app");
    tick(&w);
    assert_string_equal(group_of(&w, 10), "gunicorn:web:app");
    for (pid_t pid = 11; pid <= 12; pid++)
        program(&w, pid, 10, 1, "python3|/usr/bin/gunicorn|-w|2|web:app");
    program(&w, 13, 11, 9, "ffmpeg|x"); /* another program */
    tick(&w);
    const struct group_record *group = named(&w, "gunicorn:web:app");
    assert_int_equal(group->kind, GROUP_KIND_GUNICORN);
    assert_int_equal(group->members, 3);
    assert_int_equal(group->workers, 2);
    assert_int_equal(group->came, 3);
    assert_int_equal(at(&w, 10)->role, PROCESS_ROLE_MASTER);
    assert_int_equal(at(&w, 12)->role, PROCESS_ROLE_WORKER);
    assert_string_equal(group_of(&w, 13), "");
    assert_int_equal(group->rss_bytes, 300 * MIB);
    /* The master is killed: its workers are still of the same group. */
    ended(&w, 10);
    at(&w, 11)->ppid = at(&w, 12)->ppid = 1;
    ticks(&w, 2);
    assert_string_equal(group_of(&w, 11), "gunicorn:web:app");
    assert_int_equal(named(&w, "gunicorn:web:app")->members, 2);
    assert_int_equal(named(&w, "gunicorn:web:app")->went, 1);
    end(&w);
}

static void a_name_goes_for_the_whole_family(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "[Group jobs]\nCmdline=worker=special\n");
    program(&w, 10, 1, 1, "python3|etl.py");
    program(&w, 11, 10, 1, "python3|etl.py");
    program(&w, 12, 10, 1, "python3|etl.py");
    program(&w, 13, 10, 1, "etl: worker=special");
    table_set_text(&w.table, &at(&w, 10)->name, "etl");
    ticks(&w, 2);
    assert_string_equal(group_of(&w, 10), "etl");
    assert_string_equal(group_of(&w, 11), "etl");
    assert_string_equal(group_of(&w, 13), "jobs");
    /* The name comes late. */
    program(&w, 20, 1, 2, "python3|late.py");
    program(&w, 21, 20, 2, "python3|late.py");
    program(&w, 22, 20, 2, "python3|late.py");
    program(&w, 23, 20, 2, "python3|late.py");
    ticks(&w, 2);
    assert_string_equal(group_of(&w, 22), "python late.py");
    rename_to(&w, 20, "later");
    ticks(&w, 2);
    assert_string_equal(group_of(&w, 20), "later");
    assert_string_equal(group_of(&w, 22), "later");
    assert_null(named(&w, "python late.py")); /* nobody had ended in it: it never was */
    assert_int_equal(named(&w, "later")->came, 4);
    end(&w);
}

/* fork, then exec: for a moment it looks like a worker. */
static void a_fork_before_exec_makes_no_family(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "");
    program(&w, 10, 1, 1, "python3|etl.py");
    table_set_text(&w.table, &at(&w, 10)->unit, "etl.service");
    tick(&w);
    program(&w, 11, 10, 1, "python3|etl.py");
    table_set_text(&w.table, &at(&w, 11)->unit, "etl.service");
    tick(&w);
    assert_string_equal(group_of(&w, 11), ""); /* nobody knows yet */
    identify(&w, 11, 2, "ls|-l");
    ticks(&w, 4);
    assert_string_equal(group_of(&w, 10), "etl.service");
    assert_string_equal(group_of(&w, 11), "etl.service");
    assert_int_equal(group_count(&w), 1);
    /* One that stays is a worker. */
    program(&w, 12, 10, 1, "python3|etl.py");
    ticks(&w, 4);
    assert_string_equal(group_of(&w, 10), "python etl.py");
    assert_string_equal(group_of(&w, 12), "python etl.py");
    assert_string_equal(group_of(&w, 11), "etl.service");
    end(&w);
}

static void shells_have_no_workers(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "");
    program(&w, 10, 1, 1, "-bash");
    for (pid_t pid = 11; pid < 15; pid++)
        program(&w, pid, 10, 1, "-bash");
    ticks(&w, 5);
    assert_int_equal(group_count(&w), 0);
    assert_int_equal(at(&w, 11)->role, PROCESS_ROLE_WORKER); /* forked, but of no family */
    end(&w);
}

#define SPAWNED    "python3|-c|from multiprocessing.spawn import spawn_main; x|--multiprocessing-fork"
#define FORKSERVER "python3|-c|from multiprocessing.forkserver import main; main()"
#define TRACKER    "python3|-c|from multiprocessing.resource_tracker import main;main(4)"

static void what_multiprocessing_starts(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "");
    program(&w, 10, 1, 1, "python3|/srv/etl.py");
    program(&w, 11, 10, 2, TRACKER);
    program(&w, 12, 10, 3, SPAWNED);
    program(&w, 13, 10, 4, FORKSERVER);
    program(&w, 14, 13, 4, FORKSERVER); /* forked by it */
    program(&w, 15, 1, 5, SPAWNED);     /* an orphan of somebody else */
    /* A forkserver that was looked at before its exec, and what it forked. */
    program(&w, 16, 10, 1, "python3|/srv/etl.py");
    program(&w, 17, 16, 6, FORKSERVER);
    ticks(&w, 2);
    identify(&w, 16, 6, FORKSERVER);
    ticks(&w, 2);
    static const struct {
        pid_t pid;
        enum process_role role;
    } rows[] = {{10, PROCESS_ROLE_MASTER}, {11, PROCESS_ROLE_HELPER}, {12, PROCESS_ROLE_WORKER},
                {13, PROCESS_ROLE_HELPER}, {14, PROCESS_ROLE_WORKER}, {16, PROCESS_ROLE_HELPER},
                {17, PROCESS_ROLE_WORKER}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(group_of(&w, rows[i].pid), "python etl.py");
        assert_int_equal(at(&w, rows[i].pid)->role, rows[i].role);
    }
    const struct group_record *group = named(&w, "python etl.py");
    assert_int_equal(group->kind, GROUP_KIND_MULTIPROCESSING);
    assert_int_equal(group->workers, 3);
    assert_int_equal(group->helpers, 3);
    assert_string_equal(group_of(&w, 15), "");
    end(&w);
}

static void ten_thousand_short_workers_are_one_line(void **state)
{
    (void)state;
    enum { WORKERS = 10000, AT_ONCE = 8 };
    struct world w;
    begin(&w, "");
    program(&w, 10, 1, 1, "python3|etl.py");
    tick(&w);
    for (pid_t pid = 100; pid < 100 + WORKERS; pid++) {
        /* Some live for a tick, some for none after the one that saw them. */
        program(&w, pid, 10, 1, "python3|etl.py");
        hold(&w, pid, METRIC_RSS, (pid % 50 + 1) * MIB);
        if (pid >= 100 + AT_ONCE)
            ended(&w, pid - AT_ONCE);
        if (pid % 2)
            tick(&w);
    }
    assert_int_equal(group_count(&w), 1);
    const struct group_record *group = named(&w, "python etl.py");
    assert_int_equal(group->members, 1 + AT_ONCE);
    assert_int_equal(group->workers, AT_ONCE);
    assert_int_equal(group->came, 1 + WORKERS);
    assert_int_equal(group->went, WORKERS - AT_ONCE);
    assert_int_equal(group->went_peak_largest_bytes, 50 * MIB);
    int64_t sum = 0;
    for (pid_t pid = 100; pid < 100 + WORKERS - AT_ONCE; pid++)
        sum += (pid % 50 + 1) * MIB;
    assert_int_equal(group->went_peak_sum_bytes, sum);
    assert_true(group->came_last_hour > 3600);
    assert_true(group->came_last_hour < WORKERS);
    end(&w);
}

static void peaks_and_the_hour(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "");
    program(&w, 10, 1, 1, "gunicorn: master [a:b]");
    tick(&w);
    uint64_t first = w.time.wall_usec;
    hold(&w, 10, METRIC_PSS, 90 * MIB);
    ticks(&w, 6);
    assert_int_equal(named(&w, "gunicorn:a:b")->peak_pss_bytes, 90 * MIB);
    hold(&w, 10, METRIC_RSS, 50 * MIB);
    /* A worker comes: the master's reading is of a time when it had all for itself. */
    program(&w, 11, 10, 1, "gunicorn: worker [a:b]");
    hold(&w, 11, METRIC_RSS, 60 * MIB);
    ticks(&w, 3);
    hold(&w, 11, METRIC_PSS, 50 * MIB);
    ticks(&w, 6);
    const struct group_record *group = named(&w, "gunicorn:a:b");
    assert_int_equal(group->peak_rss_bytes, 110 * MIB);
    assert_true(group->peak_rss_wall_usec > first);
    assert_int_equal(group->pss_bytes, 100 * MIB);
    assert_false(group->pss_consistent);
    assert_int_equal(group->peak_pss_bytes, 90 * MIB);
    hold(&w, 10, METRIC_PSS, 45 * MIB);
    ticks(&w, 6);
    assert_true(group->pss_consistent);
    assert_int_equal(group->peak_pss_bytes, 95 * MIB);
    assert_int_equal(named(&w, "gunicorn:a:b")->came_last_hour, 2);
    w.time.mono_usec += 3900 * SECOND;
    tick(&w);
    assert_int_equal(named(&w, "gunicorn:a:b")->came_last_hour, 0);
    assert_int_equal(group->came, 2);
    end(&w);
}

/* RSS is known in every tick, whoever looks: the peak of one second is seen. */
static void a_peak_of_one_tick(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "");
    program(&w, 10, 1, 1, "gunicorn: master [a:b]");
    ticks(&w, 7);
    hold(&w, 10, METRIC_RSS, 900 * MIB);
    tick(&w);
    uint64_t then = w.time.wall_usec;
    hold(&w, 10, METRIC_RSS, 20 * MIB);
    ticks(&w, 2);
    const struct group_record *group = named(&w, "gunicorn:a:b");
    assert_int_equal(group->peak_rss_bytes, 900 * MIB);
    assert_int_equal(group->peak_rss_wall_usec, then);
    ended(&w, 10);
    assert_int_equal(named(&w, "gunicorn:a:b")->went_peak_largest_bytes, 900 * MIB);
    end(&w);
}

static void loss_by_copies(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "");
    born_before(&w, 10, 1, 1000); /* there before us, and its worker too */
    identify(&w, 10, 1, "gunicorn: master [a:b]");
    born_before(&w, 11, 10, 900);
    identify(&w, 11, 1, "gunicorn: worker [a:b]");
    hold(&w, 10, METRIC_USS, 5 * MIB);
    hold(&w, 11, METRIC_USS, 60 * MIB);
    tick(&w);
    program(&w, 12, 10, 1, "gunicorn: worker [a:b]");
    hold(&w, 12, METRIC_RSS, 130 * MIB); /* has grown by 30 before it was seen */
    tick(&w);
    hold(&w, 12, METRIC_USS, 50 * MIB);
    ticks(&w, 6);
    assert_int_equal(at(&w, 10)->cow_loss_bytes, -1); /* the master is no worker */
    assert_int_equal(at(&w, 11)->cow_loss_bytes, 0);  /* since it was seen */
    assert_int_equal(at(&w, 12)->cow_loss_bytes, 20 * MIB);
    hold(&w, 11, METRIC_USS, 90 * MIB);
    ticks(&w, 6);
    assert_int_equal(at(&w, 11)->cow_loss_bytes, 30 * MIB);
    assert_int_equal(named(&w, "gunicorn:a:b")->cow_members, 2);
    assert_int_equal(named(&w, "gunicorn:a:b")->cow_loss_bytes, 50 * MIB);
    assert_int_equal(named(&w, "gunicorn:a:b")->came_last_hour, 1);
    /* Alone in the world, nobody is left who could have the other copy. */
    ended(&w, 10);
    at(&w, 11)->ppid = at(&w, 12)->ppid = 1;
    ticks(&w, 6);
    assert_int_equal(at(&w, 11)->cow_loss_bytes, -1);
    end(&w);
}

static void exec_renames(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "");
    program(&w, 10, 1, 1, "python3|/usr/bin/gunicorn|web:app");
    program(&w, 11, 10, 1, "python3|/usr/bin/gunicorn|web:app");
    program(&w, 13, 10, 1, "python3|/usr/bin/gunicorn|web:app");
    tick(&w);
    /* Looked at between fork and exec: it never was one of them. */
    assert_int_equal(named(&w, "gunicorn:web:app")->came, 3);
    identify(&w, 13, 9, "ls|-l");
    ticks(&w, 5);
    assert_int_equal(named(&w, "gunicorn:web:app")->came, 2);
    assert_int_equal(named(&w, "gunicorn:web:app")->went, 0);
    /* A title is no other program. */
    call(&w, 10, "gunicorn: master [renamed:app]");
    tick(&w);
    assert_string_equal(group_of(&w, 10), "gunicorn:web:app");
    identify(&w, 11, 2, "uwsgi|--ini|shop.ini");
    tick(&w);
    assert_string_equal(group_of(&w, 11), "uwsgi:shop.ini");
    assert_int_equal(named(&w, "gunicorn:web:app")->went, 1);
    assert_int_equal(named(&w, "gunicorn:web:app")->members, 1);
    /* gunicorn's USR2: the new master is forked from the old one, then exec. */
    program(&w, 12, 10, 3, "python3|/usr/bin/gunicorn|web:app");
    tick(&w);
    assert_string_equal(group_of(&w, 12), "gunicorn:web:app");
    end(&w);
}

static void a_pid_is_used_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "");
    program(&w, 10, 1, 1, "python3|/usr/bin/gunicorn|web:app");
    program(&w, 11, 10, 1, "python3|/usr/bin/gunicorn|web:app");
    tick(&w);
    ended(&w, 11);
    program(&w, 11, 1, 5, "sleep|9");
    ticks(&w, 2);
    assert_string_equal(group_of(&w, 11), "");
    assert_int_equal(at(&w, 11)->role, PROCESS_ROLE_NONE);
    const struct group_record *group = named(&w, "gunicorn:web:app");
    assert_int_equal(group->members, 1);
    assert_int_equal(group->came, 2);
    assert_int_equal(group->went, 1);
    /* The master's pid becomes a child's: no circle. */
    ended(&w, 10);
    program(&w, 10, 11, 1, "python3|x.py");
    ticks(&w, 5);
    assert_string_equal(group_of(&w, 10), "");
    end(&w);
}

static void the_same_name_twice(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "[Group taken]\nName=x\n");
    program(&w, 10, 1, 1, "gunicorn: master [a:b]");
    program(&w, 20, 1, 2, "gunicorn: master [a:b]");
    program(&w, 30, 1, 3, "sleep|1");
    program(&w, 31, 1, 4, "sleep|1");
    program(&w, 32, 1, 5, "sleep|1");
    for (pid_t pid = 30; pid <= 32; pid++)
        table_set_text(&w.table, &at(&w, pid)->name, "taken");
    at(&w, 32)->uid = 1000; /* a name is not a way into the group of somebody else */
    tick(&w);
    assert_string_equal(group_of(&w, 10), "gunicorn:a:b");
    assert_string_equal(group_of(&w, 20), "gunicorn:a:b#2");
    assert_string_equal(group_of(&w, 30), "taken#2");
    assert_string_equal(group_of(&w, 31), "taken#2");
    assert_string_equal(group_of(&w, 32), "taken#3");
    /* Started again it goes on where it was. */
    ended(&w, 10);
    tick(&w);
    assert_int_equal(named(&w, "gunicorn:a:b")->members, 0);
    assert_int_not_equal(named(&w, "gunicorn:a:b")->gone_wall_usec, 0);
    program(&w, 11, 1, 6, "gunicorn: master [a:b]");
    tick(&w);
    assert_string_equal(group_of(&w, 11), "gunicorn:a:b");
    assert_int_equal(named(&w, "gunicorn:a:b")->came, 2);
    assert_int_equal(named(&w, "gunicorn:a:b")->gone_wall_usec, 0);
    end(&w);
}

static void one_named(struct world *w, pid_t pid)
{
    char name[PROCESS_NAME_SIZE];
    snprintf(name, sizeof(name), "n%d", (int)pid);
    program(w, pid, 1, (uint64_t)pid, "sleep|1");
    table_set_text(&w->table, &at(w, pid)->name, name);
}

static void the_table_has_a_limit(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "[Group kept]\nName=x\n");
    for (pid_t pid = 100; pid < 100 + GROUP_LIMIT; pid++)
        one_named(&w, pid);
    tick(&w);
    assert_int_equal(group_count(&w), GROUP_LIMIT);
    assert_int_equal(w.groups.table.refused, 1);
    assert_string_equal(group_of(&w, 99 + GROUP_LIMIT), "");
    /* The one that has been gone for longest makes room. */
    ended(&w, 200);
    tick(&w);
    ended(&w, 201);
    tick(&w);
    one_named(&w, 3000);
    tick(&w);
    assert_string_equal(group_of(&w, 3000), "n3000");
    assert_null(named(&w, "n200"));
    assert_non_null(named(&w, "n201"));
    assert_non_null(named(&w, "kept"));
    assert_string_equal(group_of(&w, 300), "n300");
    /* After its time it goes by itself. */
    w.time.mono_usec += GROUP_TABLE_KEEP_USEC;
    tick(&w);
    assert_null(named(&w, "n201"));
    assert_non_null(named(&w, "kept"));
    end(&w);
}

/* Chance: what the events say and what is there always agree. */
static void events_and_members_agree(void **state)
{
    (void)state;
    enum { PIDS = 200, ROUNDS = 30000 };
    static const char *const lines[] = {
        "gunicorn: master [a:b]", "python3|x.py", "nginx", "-bash", SPAWNED, FORKSERVER, TRACKER};
    struct world w;
    begin(&w, "[Group g]\nCmdline=x\\.py\n");
    unsigned seed = 3;
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = 2 + rand_r(&seed) % PIDS;
        const char *line = lines[(size_t)rand_r(&seed) % (sizeof(lines) / sizeof(lines[0]))];
        uint64_t mark = 1 + (uint64_t)rand_r(&seed) % 4;
        if (!table_find_pid(&w.table, pid))
            born(&w, pid, 1 + rand_r(&seed) % PIDS);
        else if (rand_r(&seed) % 4 == 0)
            ended(&w, pid);
        else if (rand_r(&seed) % 2)
            identify(&w, pid, mark, line);
        else if (rand_r(&seed) % 4 == 0)
            rename_to(&w, pid, rand_r(&seed) % 2 ? "one" : "");
        if (rand_r(&seed) % 8)
            continue;
        tick(&w);
        if (rand_r(&seed) % 2)
            groups_renew(&w.groups, &w.table);
        uint64_t members = 0, seated = 0;
        for (size_t i = 0; i < w.groups.table.count; i++) {
            const struct group_record *group = &w.groups.table.groups[i];
            if (group->kind == GROUP_KIND_NONE)
                continue;
            assert_int_equal(group->members, group->came - group->went);
            members += group->members;
        }
        for (size_t i = 0; i < w.table.count; i++)
            seated += w.table.processes[i].group > 0;
        assert_int_equal(members, seated);
    }
    end(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_fits_counts),
        cmocka_unit_test(a_server_and_its_workers),
        cmocka_unit_test(a_name_goes_for_the_whole_family),
        cmocka_unit_test(a_fork_before_exec_makes_no_family),
        cmocka_unit_test(shells_have_no_workers),
        cmocka_unit_test(what_multiprocessing_starts),
        cmocka_unit_test(ten_thousand_short_workers_are_one_line),
        cmocka_unit_test(peaks_and_the_hour),
        cmocka_unit_test(a_peak_of_one_tick),
        cmocka_unit_test(loss_by_copies),
        cmocka_unit_test(exec_renames),
        cmocka_unit_test(a_pid_is_used_again),
        cmocka_unit_test(the_same_name_twice),
        cmocka_unit_test(the_table_has_a_limit),
        cmocka_unit_test(events_and_members_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
