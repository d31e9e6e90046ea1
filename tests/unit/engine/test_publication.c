/* SPDX-License-Identifier: MIT */
#include "engine/publication.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_publication_protects_readers(void **state)
{
    (void)state;
    struct publication publication;
    assert_int_equal(publication_init(&publication, 4), 0);
    assert_null(publication_acquire(&publication, true));
    struct snapshot *first = publication_begin(&publication);
    first->tick = 1;
    publication_publish(&publication, first, true);
    const struct snapshot *held = publication_acquire(&publication, true);
    assert_int_equal(held->tick, 1);
    for (uint64_t tick = 2; tick < 50; tick++) {
        struct snapshot *next = publication_begin(&publication);
        assert_non_null(next);
        assert_ptr_not_equal(next, held);
        next->tick = tick;
        publication_publish(&publication, next, true);
    }
    assert_int_equal(held->tick, 1);
    const struct snapshot *second = publication_acquire(&publication, true);
    struct snapshot *third = publication_begin(&publication);
    publication_publish(&publication, third, true);
    assert_null(publication_begin(&publication)); /* two held, one current */
    publication_release(&publication, held);
    assert_non_null(publication_begin(&publication));
    publication_release(&publication, second);
    publication_finish(&publication);
}

static void test_copies_keep_their_texts(void **state)
{
    (void)state;
    struct agent_info said = {.state = AGENT_STATE_READY, .runtime = "cpython 3.11.2"};
    char longest[PROCESS_CMDLINE_SIZE];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    struct table table;
    struct publication publication;
    assert_int_equal(table_init(&table, 4), 0);
    assert_int_equal(publication_init(&publication, 4), 0);
    for (pid_t pid = 1; pid <= 4; pid++) {
        struct process *process = table_add(&table, (struct process_id){pid, 1});
        table_set_text(&table, &process->unit, "web.service");
        table_set_text(&table, &process->cmdline, longest);
        process->agent = pid == 1 ? NULL : &said;
        if (pid == 4)
            table_glance(&table, process)->kernel_thread = true;
    }
    struct snapshot *snapshot = publication_begin(&publication);
    publication_copy(&publication, &table, snapshot);
    said = (struct agent_info){0};
    while (table.count > 0)
        table_remove(&table, &table.processes[0]);
    assert_int_equal(snapshot->count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_null(snapshot->processes[i].name);
        assert_string_equal(snapshot->processes[i].unit, "web.service");
        assert_string_equal(snapshot->processes[i].cmdline, longest);
        assert_int_equal(!snapshot->processes[i].agent, i == 0);
        assert_string_equal(process_agent(&snapshot->processes[i])->runtime,
                            i == 0 ? "" : "cpython 3.11.2");
    }
    publication_finish(&publication);
    table_finish(&table, NULL, NULL);
}

#define ROUNDS    20000
#define PROCESSES 16

struct race {
    struct publication publication;
    atomic_bool over;
    atomic_int torn, seen;
};

/* A snapshot says the same tick everywhere as long as it is held. */
static void *read_snapshots(void *context)
{
    struct race *race = context;
    while (!atomic_load(&race->over)) {
        const struct snapshot *snapshot = publication_acquire(&race->publication, true);
        if (!snapshot)
            continue;
        for (size_t i = 0; i < PROCESSES; i++)
            if (snapshot->processes[i].first_seen_usec != snapshot->tick)
                atomic_fetch_add(&race->torn, 1);
        atomic_fetch_add(&race->seen, 1);
        publication_release(&race->publication, snapshot);
    }
    return NULL;
}

static void test_publication_is_never_torn(void **state)
{
    (void)state;
    static struct race race;
    pthread_t reader;
    assert_int_equal(publication_init(&race.publication, PROCESSES), 0);
    assert_int_equal(pthread_create(&reader, NULL, read_snapshots, &race), 0);
    for (uint64_t tick = 1; tick < ROUNDS || atomic_load(&race.seen) == 0; tick++) {
        struct snapshot *next = publication_begin(&race.publication);
        assert_non_null(next); /* one reader never holds more than one */
        next->tick = tick;
        for (size_t i = 0; i < PROCESSES; i++)
            next->processes[i].first_seen_usec = tick;
        publication_publish(&race.publication, next, true);
    }
    atomic_store(&race.over, true);
    pthread_join(reader, NULL);
    assert_int_equal(atomic_load(&race.torn), 0);
    publication_finish(&race.publication);
}

/* Without readers of processes a tick has none; who needs them wakes the loop and waits for it. */
static void *answer_wake(void *context)
{
    struct publication *publication = context;
    struct pollfd wake = {.fd = publication->wake, .events = POLLIN};
    assert_int_equal(poll(&wake, 1, 30000), 1);
    assert_true(publication_woken(publication));
    struct snapshot *whole = publication_begin(publication);
    whole->tick = 7;
    whole->count = 1;
    publication_publish(publication, whole, true);
    assert_false(publication_woken(publication));
    return NULL;
}

static void test_processes_come_when_they_are_wanted(void **state)
{
    (void)state;
    struct publication publication;
    assert_int_equal(publication_init(&publication, PROCESSES), 0);
    assert_null(publication_acquire(&publication, true)); /* before the first tick: at once */
    struct snapshot *brief = publication_begin(&publication);
    brief->tick = 7;
    publication_publish(&publication, brief, false);
    const struct snapshot *held = publication_acquire(&publication, false);
    assert_ptr_equal(held, brief);
    publication_release(&publication, held);
    pthread_t loop;
    assert_int_equal(pthread_create(&loop, NULL, answer_wake, &publication), 0);
    held = publication_acquire(&publication, true);
    assert_non_null(held);
    assert_int_equal(held->count, 1);
    publication_release(&publication, held);
    pthread_join(loop, NULL);
    publication_finish(&publication);
}

/* For some seconds every tick has processes; then their memory is given back. */
static void test_processes_end_with_their_readers(void **state)
{
    (void)state;
    struct publication publication;
    uint64_t now = clock_mono_usec();
    assert_int_equal(publication_init(&publication, PROCESSES), 0);
    assert_false(publication_wanted(&publication, now));
    struct snapshot *first = publication_begin(&publication);
    first->processes[0].uid = 5;
    publication_publish(&publication, first, true);
    const struct snapshot *held = publication_acquire(&publication, true);
    assert_true(publication_wanted(&publication, clock_mono_usec()));
    assert_false(publication_wanted(&publication, clock_mono_usec() + 60 * USEC_PER_SEC));
    publication_publish(&publication, publication_begin(&publication), false);
    publication_trim(&publication); /* somebody still reads it */
    assert_int_equal(held->processes[0].uid, 5);
    publication_release(&publication, held);
    publication_trim(&publication);
    assert_int_equal(first->processes[0].uid, 0);
    publication_finish(&publication);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publication_protects_readers),
        cmocka_unit_test(test_copies_keep_their_texts),
        cmocka_unit_test(test_publication_is_never_torn),
        cmocka_unit_test(test_processes_come_when_they_are_wanted),
        cmocka_unit_test(test_processes_end_with_their_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
