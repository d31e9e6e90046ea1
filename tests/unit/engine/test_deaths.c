/* SPDX-License-Identifier: MIT */
/* Who ended and why, from invented sources in every order. */
#include "engine/deaths.h"

#include "base/clock.h"
#include "base/text.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEC       USEC_PER_SEC
#define SETTLE    (7 * SEC)
#define TOLD      512
#define EXITED(n) ((n) << 8)

/* A table of processes, what was told, and the time. */
struct world {
    struct deaths *deaths;
    uint64_t now;
    struct death living[8];
    size_t living_count;
    struct process_id there; /* what /proc has */
    size_t event_count;
    struct event events[TOLD];
    struct pin pins[TOLD];
};

static bool world_find(void *context, pid_t pid, struct death *ret_process)
{
    struct world *world = context;
    for (size_t i = 0; i < world->living_count; i++) {
        if (world->living[i].id.pid != pid)
            continue;
        *ret_process = world->living[i];
        return true;
    }
    return false;
}

static bool world_is_there(void *context, struct process_id id)
{
    struct world *world = context;
    return process_id_equal(world->there, id);
}

static void world_members(void *context, const struct death *victim, struct pin *pin)
{
    (void)context;
    if (victim->family.pid == 0)
        return;
    pin->processes[pin->count++] = (struct pin_process){.row = 77, .id = victim->family};
}

static void world_say(void *context, struct event *event, const struct pin *pin)
{
    struct world *world = context;
    assert_true(world->event_count < TOLD);
    assert_true(text_is_clean(event->text));
    world->events[world->event_count] = *event;
    world->pins[world->event_count++] = *pin;
}

static void world_begin(struct world *world, bool same_pids)
{
    *world = (struct world){.now = 1000 * SEC};
    struct deaths_config config = {.ops = {.context = world,
                                           .find = world_find,
                                           .is_there = world_is_there,
                                           .add_members = world_members,
                                           .say = world_say},
                                   .same_pids = same_pids,
                                   .settle_usec = SETTLE};
    assert_int_equal(deaths_new(&config, world->now, &world->deaths), 0);
}

static int world_new(void **state)
{
    struct world *world = malloc(sizeof(*world));
    assert_non_null(world);
    world_begin(world, true);
    *state = world;
    return 0;
}

static int world_free(void **state)
{
    struct world *world = *state;
    deaths_free(world->deaths);
    free(world);
    return 0;
}

static struct death process(pid_t pid, const char *comm)
{
    struct death death = {.id = {.pid = pid, .start_ticks = (uint64_t)pid * 10},
                          .row = pid,
                          .rss_bytes = 1 << 20,
                          .unit = "shop.service",
                          .cgroup = "/a/b"};
    text_copy(death.comm, sizeof(death.comm), comm);
    return death;
}

static void live(struct world *world, struct death death)
{
    world->living[world->living_count++] = death;
}

static void end(struct world *world, struct death death)
{
    world->living_count = 0;
    deaths_on_end(world->deaths, &death, world->now);
}

static void kill_said(struct world *world, pid_t pid, const char *comm)
{
    struct kmsg_record kill = {.kind = KMSG_KILLED,
                               .usec = world->now,
                               .pid = pid,
                               .constraint = OOM_CONSTRAINT_MEMCG,
                               .cgroup = "/a/b",
                               .rss_bytes = 5 << 20};
    text_copy(kill.comm, sizeof(kill.comm), comm);
    deaths_on_kill(world->deaths, &kill, world->now);
}

/* Read a second ago; those of cgroups five. */
static void counted(struct world *world, const char *cgroup, int64_t rise, bool named)
{
    const struct deaths_counter counter = {.cgroup = cgroup,
                                           .below = true,
                                           .rise = rise,
                                           .since_usec = world->now - (cgroup[0] ? 5 : 1) * SEC};
    deaths_on_counter(world->deaths, &counter, named, world->now);
}

static void tick(struct world *world)
{
    deaths_on_tick(world->deaths, world->now);
    world->now += SEC;
}

static void ticks(struct world *world, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tick(world);
}

static void assert_victim(const struct event *event, const char *target, const char *comm)
{
    int64_t rss;
    assert_int_equal(event->kind, EVENT_KIND_OOM_KILL);
    assert_string_equal(event->target, target);
    assert_string_equal(event->comm, comm);
    assert_string_equal(event->oom_constraint, "memcg");
    assert_string_equal(event->cgroup, "/a/b");
    assert_string_equal(event->certainty, "");
    assert_true(event_number(event, EVENT_NUMBER_RSS, &rss));
    assert_int_equal(rss, 5 << 20);
}

static void the_log_comes_before_the_end(void **state)
{
    struct world *world = *state;
    struct death death = process(10, "python3");
    death.watched = true;
    death.family = (struct process_id){.pid = 9, .start_ticks = 90};
    live(world, death);
    kill_said(world, 10, "python3");
    assert_int_equal(world->event_count, 1);
    assert_victim(&world->events[0], "10-100", "python3");
    assert_string_equal(world->events[0].unit, "shop.service");
    assert_string_equal(world->events[0].text,
                        "the kernel killed python3 (process 10) because its control group, or one "
                        "above, was at its limit; RSS 5.0 MiB");
    /* The flight recorder: the victim and its family. */
    assert_int_equal(world->pins[0].count, 2);
    assert_true(world->pins[0].processes[0].victim);
    assert_int_equal(world->pins[0].processes[0].row, 10);
    /* It takes three more seconds to die. */
    ticks(world, 3);
    end(world, death);
    tick(world);
    assert_int_equal(world->event_count, 2);
    assert_int_equal(world->events[1].kind, EVENT_KIND_EXIT);
    assert_string_equal(world->events[1].cause, "OOM killer");
    assert_string_equal(world->events[1].text, "python3 has ended (OOM killer); last RSS 1.0 MiB");
    ticks(world, 30);
    assert_int_equal(world->event_count, 2);
}

static void the_log_comes_behind_the_end(void **state)
{
    struct world *world = *state;
    struct death death = process(10, "python3");
    death.watched = true;
    death.status_known = true;
    death.status = SIGKILL;
    end(world, death);
    kill_said(world, 10, "python3");
    tick(world);
    assert_int_equal(world->event_count, 2);
    assert_victim(&world->events[0], "10-100", "python3");
    assert_string_equal(world->events[1].cause, "OOM killer");
}

/* The counter counts what the log names: not told twice, whichever comes first. */
static void the_counter_agrees_with_the_log(void **state)
{
    struct world *world = *state;
    live(world, process(10, "a"));
    kill_said(world, 10, "a");
    counted(world, "", 1, true);
    ticks(world, 20);
    counted(world, "", 1, true);
    tick(world);
    live(world, process(11, "b"));
    kill_said(world, 11, "b");
    ticks(world, 20);
    assert_int_equal(world->event_count, 2);
}

/* The log was overwritten before it could be read: one more than it named. */
static void the_log_has_lost_some(void **state)
{
    struct world *world = *state;
    int64_t kills;
    live(world, process(10, "a"));
    kill_said(world, 10, "a");
    counted(world, "", 3, true);
    ticks(world, 20);
    assert_int_equal(world->event_count, 2);
    assert_true(event_number(&world->events[1], EVENT_NUMBER_KILLS, &kills));
    assert_int_equal(kills, 2);
    assert_string_equal(world->events[1].target, "host");
    assert_int_equal(world->pins[1].count, 0);
}

static void a_victim_that_we_never_saw(void **state)
{
    struct world *world = *state;
    int64_t pid;
    kill_said(world, 10, "short");
    kill_said(world, 10, "short"); /* memory.oom.group says it twice */
    assert_int_equal(world->event_count, 1);
    assert_victim(&world->events[0], "host", "short");
    assert_true(event_number(&world->events[0], EVENT_NUMBER_PID, &pid));
    assert_int_equal(pid, 10);
    assert_string_equal(world->events[0].unit, "");
    assert_int_equal(world->pins[0].count, 0);
}

/* The pid is in the table, but as somebody else. */
static void a_reused_pid_is_not_the_victim(void **state)
{
    struct world *world = *state;
    live(world, process(10, "old"));
    world->there = (struct process_id){.pid = 10, .start_ticks = 555};
    kill_said(world, 10, "new");
    assert_string_equal(world->events[0].target, "host");
    /* And the one that ended with that number long ago neither. */
    end(world, process(11, "new"));
    ticks(world, 10);
    kill_said(world, 11, "new");
    assert_string_equal(world->events[1].target, "host");
}

/* A program may call itself something else at any time; the start time says that it is the same. */
static void a_new_name_is_the_same_process(void **state)
{
    struct world *world = *state;
    live(world, process(10, "old"));
    world->there = (struct process_id){.pid = 10, .start_ticks = 100};
    kill_said(world, 10, "new");
    assert_victim(&world->events[0], "10-100", "new");
}

/* In a container the log's numbers are not ours, even when they fit. */
static void pids_of_another_namespace_mean_nothing(void **state)
{
    struct world *world = *state;
    deaths_free(world->deaths);
    world_begin(world, false);
    live(world, process(10, "python3"));
    kill_said(world, 10, "python3");
    assert_victim(&world->events[0], "host", "python3");
    end(world, process(11, "worker"));
    kill_said(world, 11, "worker");
    assert_victim(&world->events[1], "host", "worker");
}

/* The log names one of two that ended; the counter tells of two: the other one is left. */
static void who_has_a_kill_is_no_candidate(void **state)
{
    struct world *world = *state;
    end(world, process(10, "named"));
    end(world, process(11, "other"));
    kill_said(world, 10, "named");
    counted(world, "", 2, true);
    counted(world, "/a/b", 2, true); /* the log knows better than cgroups do */
    ticks(world, 20);
    assert_int_equal(world->event_count, 2);
    assert_string_equal(world->events[0].certainty, "");
    assert_string_equal(world->events[1].target, "11-110");
    assert_string_equal(world->events[1].certainty, "probably");
}

static void one_candidate_is_probably_it(void **state)
{
    struct world *world = *state;
    int64_t rss;
    counted(world, "", 1, false);
    struct death other = process(11, "done");
    other.status_known = true;
    other.status = EXITED(1);
    end(world, other);
    struct death polite = process(12, "polite");
    polite.said_exit = true;
    end(world, polite);
    end(world, process(10, "python3"));
    ticks(world, 7);
    assert_int_equal(world->event_count, 0);
    tick(world);
    assert_int_equal(world->event_count, 1);
    const struct event *event = &world->events[0];
    assert_string_equal(event->target, "10-100");
    assert_string_equal(event->certainty, "probably");
    assert_string_equal(event->oom_constraint, "");
    assert_true(event_number(event, EVENT_NUMBER_RSS, &rss));
    assert_int_equal(rss, 1 << 20);
    assert_non_null(strstr(event->text, "probably python3"));
    assert_int_equal(world->pins[0].count, 1);
    ticks(world, 30);
    assert_int_equal(world->event_count, 1);
}

/* The largest one is not the victim because it is large. */
static void two_candidates_are_none(void **state)
{
    struct world *world = *state;
    int64_t kills;
    struct death large = process(10, "large");
    large.rss_bytes = INT64_C(8) << 30;
    end(world, large);
    end(world, process(11, "small"));
    counted(world, "", 1, false);
    ticks(world, 10);
    assert_int_equal(world->event_count, 1);
    assert_string_equal(world->events[0].target, "host");
    assert_string_equal(world->events[0].comm, "");
    assert_string_equal(world->events[0].certainty, "");
    assert_true(event_number(&world->events[0], EVENT_NUMBER_KILLS, &kills));
    assert_int_equal(kills, 1);
}

static void who_ended_before_is_no_candidate(void **state)
{
    struct world *world = *state;
    end(world, process(10, "early"));
    ticks(world, 3);
    counted(world, "", 1, false);
    ticks(world, 10);
    assert_string_equal(world->events[0].target, "host");
}

/* Both of two, and the status says so. */
static void as_many_candidates_as_kills(void **state)
{
    struct world *world = *state;
    for (pid_t pid = 10; pid < 12; pid++) {
        struct death death = process(pid, "w");
        death.status_known = true;
        death.status = SIGKILL;
        end(world, death);
    }
    counted(world, "", 2, false);
    ticks(world, 10);
    assert_int_equal(world->event_count, 2);
    assert_string_equal(world->events[0].certainty, "probably");
    assert_string_equal(world->events[1].certainty, "probably");
    assert_string_not_equal(world->events[0].target, world->events[1].target);
}

/* memory.events of a group, of the one above it, and the host's counter are one kill. */
static void cgroups_say_where(void **state)
{
    struct world *world = *state;
    struct death elsewhere = process(12, "x");
    text_copy(elsewhere.cgroup, sizeof(elsewhere.cgroup), "/a/bc");
    end(world, elsewhere);
    end(world, process(10, "python3"));
    counted(world, "", 1, false);
    tick(world);
    counted(world, "/a", 1, false);
    ticks(world, 3);
    counted(world, "/a/b", 1, false);
    ticks(world, 20);
    assert_int_equal(world->event_count, 1);
    assert_string_equal(world->events[0].target, "10-100");
    assert_string_equal(world->events[0].oom_constraint, ""); /* it may have been the machine's */
    assert_string_equal(world->events[0].cgroup, "/a/b");
}

/* Counters of version 1 say what happened in the group itself: both are told. */
static void cgroups_that_count_for_themselves(void **state)
{
    struct world *world = *state;
    static const char *const cgroups[] = {"/a", "/a/b"};
    counted(world, "", 2, false);
    for (size_t i = 0; i < 2; i++) {
        const struct deaths_counter counter = {
            .cgroup = cgroups[i], .rise = 1, .since_usec = world->now - SEC};
        deaths_on_counter(world->deaths, &counter, false, world->now);
    }
    ticks(world, 20);
    assert_int_equal(world->event_count, 2);
    assert_string_equal(world->events[0].cgroup, "/a");
    assert_string_equal(world->events[1].cgroup, "/a/b");
}

/* Two below one, and one of its own: three kills. */
static void cgroups_are_told_from_the_inside(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *cgroup;
        int64_t rise;
    } rises[] = {{"/a", 3}, {"", 4}, {"/a/b/x", 1}, {"/a/c", 1}, {"/a/b", 1}};
    for (size_t i = 0; i < sizeof(rises) / sizeof(rises[0]); i++)
        counted(world, rises[i].cgroup, rises[i].rise, false);
    ticks(world, 20);
    int64_t sum = 0;
    for (size_t i = 0; i < world->event_count; i++) {
        int64_t kills = 0;
        assert_true(event_number(&world->events[i], EVENT_NUMBER_KILLS, &kills));
        sum += kills;
    }
    assert_int_equal(world->event_count, 4); /* /a/b/x, /a/c, /a, elsewhere */
    assert_int_equal(sum, 4);
    assert_string_equal(world->events[3].cgroup, "");
}

static void causes_are_told(void **state)
{
    struct world *world = *state;
    static const struct {
        bool known, said;
        int status;
        const char *cause;
    } cases[] = {
        {true, false, EXITED(0), "exit 0"},
        {true, false, EXITED(3), "exit 3"},
        {true, true, EXITED(1), "exit 1"},
        {true, false, SIGKILL, "signal 9"},
        {true, false, SIGSEGV | 0x80, "signal 11"},
        {false, true, 0, "exit"},
        {false, false, 0, ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct death death = process(100 + (pid_t)i, "p");
        death.watched = true;
        death.status_known = cases[i].known;
        death.status = cases[i].status;
        death.said_exit = cases[i].said;
        end(world, death);
        tick(world);
        assert_int_equal(world->event_count, i + 1);
        assert_string_equal(world->events[i].cause, cases[i].cause);
    }
    end(world, process(200, "unwatched"));
    tick(world);
    assert_int_equal(world->event_count, sizeof(cases) / sizeof(cases[0]));
}

/* A thousand at once: some are named, all are counted, and the pins are few. */
static void a_flood_is_bounded(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 1000; i++) {
        world->living_count = 0;
        live(world, process(1000 + i, "w"));
        kill_said(world, 1000 + i, "w");
        counted(world, "", 1, true);
    }
    for (int i = 0; i < 1000; i++) {
        struct death death = process(1000 + i, "w");
        death.watched = true;
        end(world, death);
    }
    ticks(world, 120);
    size_t named = 0, ends = 0, pins = 0;
    int64_t counted = 0;
    for (size_t i = 0; i < world->event_count; i++) {
        const struct event *event = &world->events[i];
        int64_t kills = 0;
        named += event->kind == EVENT_KIND_OOM_KILL && event->target[0] != 'h';
        ends += event->kind == EVENT_KIND_EXIT;
        pins += world->pins[i].count > 0;
        if (event_number(event, EVENT_NUMBER_KILLS, &kills))
            counted += kills;
    }
    assert_int_equal(named, 60);
    assert_int_equal((int64_t)named + counted, 1000);
    assert_true(ends >= 100 && ends <= 210);
    assert_int_equal(pins, 16);
    assert_true(world->event_count < 300);
    /* Afterwards everything is as before. */
    live(world, process(10, "python3"));
    kill_said(world, 10, "python3");
    assert_string_equal(world->events[world->event_count - 1].target, "10-100");
}

/* So many ended that not all are remembered: nobody is guessed. */
static void too_many_ends_to_guess(void **state)
{
    struct world *world = *state;
    counted(world, "", 1, false);
    struct death other = process(11, "done");
    other.status_known = true;
    for (int i = 0; i < 1000; i++)
        end(world, other);
    end(world, process(10, "python3"));
    ticks(world, 10);
    assert_int_equal(world->event_count, 1);
    assert_string_equal(world->events[0].target, "host");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_new, world_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_log_comes_before_the_end),
        TEST(the_log_comes_behind_the_end),
        TEST(the_counter_agrees_with_the_log),
        TEST(the_log_has_lost_some),
        TEST(a_victim_that_we_never_saw),
        TEST(a_reused_pid_is_not_the_victim),
        TEST(a_new_name_is_the_same_process),
        TEST(pids_of_another_namespace_mean_nothing),
        TEST(who_has_a_kill_is_no_candidate),
        TEST(one_candidate_is_probably_it),
        TEST(two_candidates_are_none),
        TEST(who_ended_before_is_no_candidate),
        TEST(as_many_candidates_as_kills),
        TEST(cgroups_say_where),
        TEST(cgroups_that_count_for_themselves),
        TEST(cgroups_are_told_from_the_inside),
        TEST(causes_are_told),
        TEST(a_flood_is_bounded),
        TEST(too_many_ends_to_guess),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
