/* SPDX-License-Identifier: MIT */
/* The writer and the reader as the loop and http use them: acks, merging, a disk that fills up and
 * comes back. Waits on conditions only. */
#include "engine/store_flow.h"
#include "engine/journal.h"
#include "engine/store_reader.h"
#include "engine/store_writer.h"
#include "engine/tick_merge.h"

#include "base/clock.h"
#include "base/text.h"
#include "storage/history.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_USEC     (60 * USEC_PER_SEC)
#define MAX_PROCESSES 64

static char directory[64];
static uint64_t start_wall_usec; /* of the test; the ticks' clock begins there */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static int setup(void **state)
{
    (void)state;
    start_wall_usec = clock_wall_usec();
    snprintf(directory, sizeof(directory), "%s/memtend-threads-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static struct store_writer_config config_of(void)
{
    return (struct store_writer_config){
        .store = {.directory = directory,
                  .tick_usec = 20 * USEC_PER_MSEC,
                  .limits = {.samples_usec = STORE_SAMPLES_USEC_DEFAULT,
                             .events_usec = STORE_EVENTS_USEC_DEFAULT,
                             .max_size_bytes = STORE_MAX_SIZE_BYTES_DEFAULT}},
        .max_processes = MAX_PROCESSES};
}

static struct store_writer *start_writer(struct store_writer_start *ret_start)
{
    struct store_writer_config config = config_of();
    struct store_writer *writer;
    assert_int_equal(store_writer_start(&config, &writer, ret_start), 0);
    return writer;
}

static struct store_writer *start_quietly(void)
{
    struct store_writer_start start;
    struct store_writer *writer = start_writer(&start);
    assert_int_equal(start.state, STORE_STATE_OK);
    store_content_finish(&start.content);
    return writer;
}

/* Acks until `wanted` says yes to one. */
static struct store_ack wait_ack(struct store_writer *writer,
                                 bool (*wanted)(const struct store_ack *ack, uint64_t argument),
                                 uint64_t argument)
{
    uint64_t until = clock_mono_usec() + WAIT_USEC;
    struct pollfd waiting = {.fd = store_writer_acks_fd(writer), .events = POLLIN};
    while (clock_mono_usec() < until) {
        struct store_ack ack;
        while (store_writer_ack_pop(writer, &ack))
            if (wanted(&ack, argument))
                return ack;
        poll(&waiting, 1, 1000);
    }
    fail_msg("no such ack");
    return (struct store_ack){0};
}

static bool is_durable(const struct store_ack *ack, uint64_t sequence)
{
    return ack->durable_sequence >= sequence;
}

static struct event event_of(const char *text)
{
    struct event event = {.kind = EVENT_KIND_DEPLOY, .wall_usec = clock_wall_usec()};
    text_copy(event.text, sizeof(event.text), text);
    return event;
}

/* Waits for a free tick: in a test the loop has time. */
static struct tick *get_tick(struct store_writer *writer, uint64_t number)
{
    uint64_t until = clock_mono_usec() + WAIT_USEC;
    struct tick *tick = store_writer_tick_get(writer);
    for (; !tick && clock_mono_usec() < until; tick = store_writer_tick_get(writer))
        poll(NULL, 0, 1);
    assert_non_null(tick);
    assert_int_equal(tick->capacity, MAX_PROCESSES);
    assert_int_equal(tick->row_count + tick->process_count + tick->ended_count, 0);
    tick->number = number;
    tick->mono_usec = number * 20 * USEC_PER_MSEC;
    tick->wall_usec = start_wall_usec + tick->mono_usec;
    return tick;
}

static void add_row(struct tick *tick, int64_t row, int64_t rss)
{
    struct tick_row *entry = &tick->rows[tick->row_count++];
    *entry = (struct tick_row){.row = row, .present = 1U << METRIC_RSS};
    entry->value[METRIC_RSS] = rss;
}

static void add_process(struct tick *tick, int64_t row)
{
    tick->processes[tick->process_count++] =
        (struct tick_process){.row = row, .id = {.pid = (pid_t)row, .start_ticks = 7}, .comm = "x"};
}

static void put_tick(struct store_writer *writer, uint64_t number, int64_t rss)
{
    struct tick *tick = get_tick(writer, number);
    if (number == 1)
        add_process(tick, 1);
    add_row(tick, 1, rss);
    store_writer_tick_put(writer, tick);
}

static size_t count_events(void)
{
    struct history *history;
    assert_int_equal(history_new(directory, USEC_PER_SEC, NULL, &history), 0);
    struct history_page page = {.limit = 1000};
    size_t total = 0;
    do {
        size_t count;
        struct event *events;
        assert_int_equal(history_events(history, &page, &count, &events, page.cursor), 0);
        total += count;
        free(events);
    } while (page.cursor[0]);
    history_free(history);
    return total;
}

static void records_are_acked_when_durable(void **state)
{
    (void)state;
    struct store_writer *writer = start_quietly();
    uint64_t sequence = 0, last = 0;
    int64_t id, last_id = 0;
    for (int i = 0; i < 100; i++) {
        struct event event = event_of("x");
        assert_int_equal(store_writer_event(writer, &event, NULL, &id, &sequence), 0);
        assert_true(sequence == last + 1 && id == last_id + 1);
        last = sequence;
        last_id = id;
    }
    assert_true(store_writer_pending(writer) > 0);
    wait_ack(writer, is_durable, sequence);
    assert_int_equal(store_writer_pending(writer), 0);
    assert_int_equal(count_events(), 100);
    assert_int_equal(store_writer_stop(writer), 0);
}

static void everything_survives_a_restart(void **state)
{
    (void)state;
    struct store_writer *writer = start_quietly();
    struct rule_arming arming = {.name = "r", .sha256 = "ab", .asked_by = "uid 0"};
    struct receipt receipt = {
        .id = "r-1", .predicted_pause_usec = -1, .wall_usec = clock_wall_usec()};
    struct event event = event_of("x");
    uint64_t sequence;
    assert_int_equal(store_writer_rule_put(writer, "r", "old", NULL), 0);
    assert_int_equal(store_writer_rule_put(writer, "r", "new", NULL), 0);
    assert_int_equal(store_writer_rule_put(writer, "s", "gone", NULL), 0);
    assert_int_equal(store_writer_rule_delete(writer, "s", NULL), 0);
    assert_int_equal(store_writer_arming_put(writer, &arming, NULL), 0);
    assert_int_equal(store_writer_arming_delete(writer, "s", NULL), 0);
    assert_int_equal(store_writer_setting(writer, "pause", "on", NULL), 0);
    assert_int_equal(store_writer_setting(writer, "other", "on", NULL), 0);
    assert_int_equal(store_writer_setting(writer, "other", NULL, NULL), 0);
    assert_int_equal(store_writer_receipt(writer, &receipt, NULL), 0);
    assert_int_equal(store_writer_event(writer, &event, NULL, NULL, &sequence), 0);
    put_tick(writer, 1, 5);
    /* The stop itself makes it durable. */
    assert_int_equal(store_writer_stop(writer), 0);
    struct store_writer_start start;
    writer = start_writer(&start);
    assert_int_equal(start.report.opened, STORE_OPENED);
    assert_int_equal(start.next_row, 2);
    assert_int_equal(start.content.max_event_id, 1);
    assert_int_equal(start.content.rule_count, 1);
    assert_string_equal(start.content.rules[0].text, "new");
    assert_int_equal(start.content.arming_count, 1);
    assert_int_equal(start.content.setting_count, 1);
    store_content_finish(&start.content);
    assert_int_equal(store_writer_stop(writer), 0);
}

static void values_too_long_are_refused(void **state)
{
    (void)state;
    struct store_writer *writer = start_quietly();
    char value[STORE_SETTING_VALUE_SIZE + 1];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    assert_int_equal(store_writer_setting(writer, "pause", value, NULL), -E2BIG);
    assert_int_equal(store_writer_setting(writer, value, "x", NULL), -E2BIG);
    assert_int_equal(store_writer_stop(writer), 0);
}

/* ---- the reader ---- */

static struct command *ask(struct store_reader *reader, struct mailbox *answers,
                           struct command *command)
{
    command->reply_to = answers;
    assert_int_equal(store_reader_push(reader, command), 0);
    struct command *answer = mailbox_wait(answers, (int)(WAIT_USEC / USEC_PER_MSEC));
    assert_ptr_equal(answer, command);
    return answer;
}

static void the_reader_answers_each_kind(void **state)
{
    (void)state;
    struct store_writer *writer = start_quietly();
    struct store_reader *reader;
    struct mailbox answers;
    assert_int_equal(mailbox_init(&answers, 8), 0);
    assert_int_equal(
        store_reader_start(directory, 20 * USEC_PER_MSEC, store_writer_shelf(writer), &reader), 0);
    struct receipt receipt = {
        .id = "r-1", .predicted_pause_usec = -1, .wall_usec = clock_wall_usec()};
    struct event event = event_of("x");
    text_copy(event.asked_by, sizeof(event.asked_by), "uid 0");
    uint64_t sequence;
    for (uint64_t i = 1; i <= 10; i++)
        put_tick(writer, i, (int64_t)i);
    assert_int_equal(store_writer_receipt(writer, &receipt, NULL), 0);
    assert_int_equal(store_writer_event(writer, &event, NULL, NULL, &sequence), 0);
    wait_ack(writer, is_durable, sequence);

    static const enum command_kind lists[] = {COMMAND_EVENT_LIST, COMMAND_AUDIT_LIST,
                                              COMMAND_ACTION_LIST};
    for (size_t i = 0; i < 3; i++) {
        struct command *list = command_new(lists[i]);
        list->limit = 10;
        ask(reader, &answers, list);
        assert_int_equal(list->result, COMMAND_OK);
        assert_int_equal(list->event_count + list->receipt_count, 1);
        command_free(list);
        list = command_new(lists[i]);
        list->limit = 10;
        text_copy(list->cursor, sizeof(list->cursor), "nonsense");
        assert_int_equal(ask(reader, &answers, list)->result, COMMAND_INVALID);
        assert_true(list->error.text[0]);
        command_free(list);
    }
    struct command *get = command_new(COMMAND_ACTION_GET);
    text_copy(get->name, sizeof(get->name), "r-1");
    assert_int_equal(ask(reader, &answers, get)->result, COMMAND_OK);
    assert_string_equal(get->receipts[0].id, "r-1");
    command_free(get);
    get = command_new(COMMAND_ACTION_GET);
    text_copy(get->name, sizeof(get->name), "r-2");
    assert_int_equal(ask(reader, &answers, get)->result, COMMAND_NOT_FOUND);
    command_free(get);
    struct command *series = command_new(COMMAND_SERIES);
    series->series = (struct series_query){.target_count = 1,
                                           .targets = {{TARGET_PID, {.pid = 1}, ""}},
                                           .metric_count = 1,
                                           .metrics = {METRIC_RSS},
                                           .from_wall_usec = start_wall_usec,
                                           .to_wall_usec = start_wall_usec + USEC_PER_SEC,
                                           .points = 100,
                                           .aggregate = SERIES_LAST};
    assert_int_equal(ask(reader, &answers, series)->result, COMMAND_OK);
    assert_int_equal(series->series_result.count, 1);
    command_free(series);
    series = command_new(COMMAND_SERIES);
    assert_int_equal(ask(reader, &answers, series)->result, COMMAND_INVALID);
    command_free(series);
    struct command *top = command_new(COMMAND_TOP);
    top->asker.all = true;
    top->top = (struct top_query){.from_wall_usec = start_wall_usec,
                                  .to_wall_usec = start_wall_usec + USEC_PER_SEC,
                                  .limit = 10};
    assert_int_equal(ask(reader, &answers, top)->result, COMMAND_OK);
    assert_int_equal(top->top_count, 1);
    assert_int_equal(top->top_processes[0].peak_bytes, 10);
    command_free(top);
    top = command_new(COMMAND_TOP);
    assert_int_equal(ask(reader, &answers, top)->result, COMMAND_INVALID);
    assert_true(top->error.text[0]);
    command_free(top);
    struct command *late = command_new(COMMAND_EVENT_LIST);
    late->limit = 10;
    late->deadline_usec = 1;
    assert_int_equal(ask(reader, &answers, late)->result, COMMAND_UNAVAILABLE);
    command_free(late);
    store_reader_stop(reader);
    assert_int_equal(store_writer_stop(writer), 0);
    mailbox_finish(&answers, NULL);
}

static void a_pinned_event_has_its_window(void **state)
{
    (void)state;
    struct store_writer *writer = start_quietly();
    struct store_reader *reader;
    struct mailbox answers;
    assert_int_equal(mailbox_init(&answers, 8), 0);
    assert_int_equal(
        store_reader_start(directory, 20 * USEC_PER_MSEC, store_writer_shelf(writer), &reader), 0);
    for (uint64_t i = 1; i <= 10; i++)
        put_tick(writer, i, (int64_t)i);
    struct event event = event_of("killed");
    struct pin pin = {.count = 1, .processes = {{.row = 1, .id = {.pid = 1}, .victim = true}}};
    uint64_t sequence;
    int64_t id;
    event.mono_usec = USEC_PER_SEC;
    assert_int_equal(store_writer_event(writer, &event, &pin, &id, &sequence), 0);
    wait_ack(writer, is_durable, sequence);
    struct command *get = command_new(COMMAND_EVENT_WINDOW);
    get->event_id = id;
    assert_int_equal(ask(reader, &answers, get)->result, COMMAND_OK);
    assert_int_equal(get->window->count, 1);
    assert_int_equal(get->window->processes[0].count, 10);
    assert_int_equal(get->window->processes[0].samples[9].value[METRIC_RSS], 10);
    command_free(get);
    get = command_new(COMMAND_EVENT_WINDOW);
    get->event_id = id + 1;
    assert_int_equal(ask(reader, &answers, get)->result, COMMAND_NOT_FOUND);
    command_free(get);
    store_reader_stop(reader);
    assert_int_equal(store_writer_stop(writer), 0);
    mailbox_finish(&answers, NULL);
}

/* What happens while nothing can be stored can be seen, and is marked. */
static void events_can_be_seen_before_they_are_durable(void **state)
{
    (void)state;
    struct store_writer *writer = start_quietly();
    struct journal *journal;
    assert_int_equal(journal_new(writer, &journal), 0);
    struct event event = event_of("killed");
    struct pin pin = {.count = 1, .processes = {{.row = 1, .id = {.pid = 1}, .victim = true}}};
    assert_int_equal(journal_pinned_event(journal, &event, &pin), 0);
    struct command *list = command_new(COMMAND_EVENT_LIST);
    list->limit = 10;
    journal_list_events(journal, list);
    assert_int_equal(list->event_count, 1);
    assert_true(list->events[0].not_durable);
    assert_string_equal(list->events[0].text, "killed");
    command_free(list);
    struct store_ack ack = wait_ack(writer, is_durable, 1);
    journal_on_durable(journal, ack.durable_sequence);
    list = command_new(COMMAND_EVENT_LIST);
    list->limit = 10;
    journal_list_events(journal, list);
    assert_int_equal(list->event_count, 0);
    command_free(list);
    journal_free(journal);
    assert_int_equal(store_writer_stop(writer), 0);
}

static void the_reader_without_a_store(void **state)
{
    (void)state;
    struct store_reader *reader;
    struct mailbox answers;
    assert_int_equal(mailbox_init(&answers, 100), 0);
    assert_int_equal(store_reader_start(directory, USEC_PER_SEC, NULL, &reader), 0);
    struct command *list = command_new(COMMAND_EVENT_LIST);
    list->limit = 10;
    assert_int_equal(ask(reader, &answers, list)->result, COMMAND_UNAVAILABLE);
    assert_true(list->error.text[0]);
    command_free(list);
    /* But for what is in the answer already. */
    list = command_new(COMMAND_EVENT_LIST);
    list->limit = 10;
    list->event_count = 1;
    list->events = calloc(1, sizeof(*list->events));
    assert_int_equal(ask(reader, &answers, list)->result, COMMAND_OK);
    assert_int_equal(list->event_count, 1);
    command_free(list);
    /* What waits at the stop is answered. */
    for (int i = 0; i < 20; i++) {
        list = command_new(COMMAND_EVENT_LIST);
        list->limit = 10;
        list->reply_to = &answers;
        assert_int_equal(store_reader_push(reader, list), 0);
    }
    store_reader_stop(reader);
    for (int i = 0; i < 20; i++) {
        list = mailbox_pop(&answers);
        assert_non_null(list);
        command_free(list);
    }
    mailbox_finish(&answers, NULL);
}

static void both_threads_at_once(void **state)
{
    (void)state;
    struct store_writer *writer = start_quietly();
    struct store_reader *reader;
    struct mailbox answers;
    assert_int_equal(mailbox_init(&answers, 100), 0);
    assert_int_equal(
        store_reader_start(directory, 20 * USEC_PER_MSEC, store_writer_shelf(writer), &reader), 0);
    uint64_t sequence = 0;
    size_t asked = 0, answered = 0;
    for (uint64_t i = 1; i <= 300; i++) {
        put_tick(writer, i, (int64_t)i);
        struct event event = event_of("x");
        assert_int_equal(store_writer_event(writer, &event, NULL, NULL, &sequence), 0);
        struct command *list = command_new(COMMAND_EVENT_LIST);
        list->limit = 50;
        list->reply_to = &answers;
        if (store_reader_push(reader, list) == 0)
            asked++;
        else
            command_free(list);
        for (list = mailbox_pop(&answers); list; list = mailbox_pop(&answers)) {
            assert_int_equal(list->result, COMMAND_OK);
            command_free(list);
            answered++;
        }
        struct store_ack ack;
        while (store_writer_ack_pop(writer, &ack))
            assert_int_equal(ack.state, STORE_STATE_OK);
    }
    wait_ack(writer, is_durable, sequence);
    for (; answered < asked; answered++)
        command_free(mailbox_wait(&answers, (int)(WAIT_USEC / USEC_PER_MSEC)));
    store_reader_stop(reader);
    assert_int_equal(store_writer_stop(writer), 0);
    assert_int_equal(count_events(), 300);
    mailbox_finish(&answers, NULL);
}

/* ---- merging, and the flow without its thread ---- */

static void merging_keeps_who_came_and_went(void **state)
{
    (void)state;
    struct tick_pool pool;
    assert_int_equal(tick_pool_init(&pool, MAX_PROCESSES), 0);
    struct tick *older = &pool.ticks[0], *newer = &pool.ticks[1];
    add_process(older, 11); /* new, lives */
    add_process(older, 12); /* new, brief */
    add_process(older, 5);  /* changed its name, then ended */
    add_process(newer, 13);
    older->ended[older->ended_count++] = 2;
    newer->ended[newer->ended_count++] = 12;
    newer->ended[newer->ended_count++] = 5;
    tick_merge(older, newer, 10);
    assert_int_equal(newer->process_count, 3);
    assert_int_equal(newer->ended_count, 2);
    assert_int_equal(newer->ended[0] + newer->ended[1], 2 + 5);
    tick_pool_finish(&pool);
}

static void a_used_tick_comes_back_clean(void **state)
{
    (void)state;
    struct tick_pool pool;
    assert_int_equal(tick_pool_init(&pool, 4096), 0);
    struct tick *tick = &pool.ticks[3];
    for (int64_t row = 1; row <= 4096; row++) {
        add_process(tick, row);
        add_row(tick, row, row);
        tick->ended[tick->ended_count++] = row;
    }
    tick->host.present = 7;
    tick_pool_clean(tick);
    assert_int_equal(tick->row_count + tick->process_count + tick->ended_count, 0);
    assert_int_equal(tick->host.present, 0);
    add_row(tick, 1, 1);
    tick_pool_finish(&pool);
}

/* ---- a disk that fills up; in the program's own mount namespace ---- */

static void fill_disk(void)
{
    char path[128], block[4096] = {1};
    snprintf(path, sizeof(path), "%s/filler", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof(block)) > 0)
        ;
    close(fd);
}

static void empty_disk(void)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/filler", directory);
    unlink(path);
}

static bool can_mount;

static int setup_small_disk(void **state)
{
    int r = setup(state);
    return r < 0 || !can_mount ? r : mount("none", directory, "tmpfs", 0, "size=2m");
}

static int teardown_small_disk(void **state)
{
    if (can_mount)
        umount2(directory, MNT_DETACH);
    return teardown(state);
}

/* Events and ticks until the store says that it cannot. */
static uint64_t write_until_full(struct store_writer *writer, uint64_t *number)
{
    uint64_t sequence = 0, until = clock_mono_usec() + WAIT_USEC;
    struct store_ack ack = {.state = STORE_STATE_OK};
    while (ack.state == STORE_STATE_OK && clock_mono_usec() < until) {
        struct event event = event_of("y");
        assert_int_equal(store_writer_event(writer, &event, NULL, NULL, &sequence), 0);
        ++*number;
        put_tick(writer, *number, (int64_t)*number);
        store_writer_ack_pop(writer, &ack);
    }
    assert_int_equal(ack.state, STORE_STATE_DEGRADED);
    assert_non_null(strstr(ack.text, "disk is full"));
    return sequence;
}

/* Every tick between two has the value that it came with: its number. */
static void assert_values(struct store_writer *writer, uint64_t first, uint64_t last)
{
    struct history *history;
    assert_int_equal(
        history_new(directory, 20 * USEC_PER_MSEC, store_writer_shelf(writer), &history), 0);
    struct series_query query = {
        .target_count = 1,
        .targets = {{.kind = TARGET_PROCESS, .id = {.pid = 1, .start_ticks = 7}}},
        .metric_count = 1,
        .metrics = {METRIC_RSS},
        .from_wall_usec = start_wall_usec + first * 20 * USEC_PER_MSEC,
        .to_wall_usec = start_wall_usec + (last + 1) * 20 * USEC_PER_MSEC,
        .points = last - first + 2,
        .aggregate = SERIES_RANGE};
    struct series_result result;
    assert_int_equal(history_series(history, &query, &result, NULL), 0);
    assert_int_equal(result.count, 1);
    uint64_t expected = first;
    for (size_t i = 0; i < result.series[0].count; i++) {
        const struct series_point *point = &result.series[0].points[i];
        assert_false(point->gap);
        for (; expected <= last && (int64_t)expected <= point->max; expected++)
            assert_true((int64_t)expected >= point->value);
    }
    assert_int_equal(expected, last + 1);
    series_result_finish(&result);
    history_free(history);
}

static void a_full_disk_degrades_and_passes(void **state)
{
    (void)state;
    if (!can_mount)
        skip();
    struct store_writer *writer = start_quietly();
    struct event event = event_of("before");
    uint64_t sequence, number = 0;
    assert_int_equal(store_writer_event(writer, &event, NULL, NULL, &sequence), 0);
    wait_ack(writer, is_durable, sequence);
    fill_disk();
    sequence = write_until_full(writer, &number);
    const uint64_t full = number;
    /* It goes on taking records and ticks: more ticks than there are in the pool. */
    for (int i = 0; i < 3 * TICK_POOL_TICKS; i++) {
        number++;
        put_tick(writer, number, (int64_t)number);
        assert_int_equal(store_writer_event(writer, &event, NULL, NULL, &sequence), 0);
    }
    assert_true(store_writer_pending(writer) > 0);
    empty_disk();
    struct store_ack ack = wait_ack(writer, is_durable, sequence);
    assert_int_equal(ack.state, STORE_STATE_OK);
    assert_string_equal(ack.text, "");
    assert_true(ack.losses.merged_ticks > 0);
    assert_values(writer, full + 1, number); /* no value was lost */
    assert_int_equal(store_writer_stop(writer), 0);
    assert_int_equal(count_events(), sequence);
}

static void a_read_only_directory_at_start(void **state)
{
    (void)state;
    if (!can_mount)
        skip();
    struct store_writer *writer = start_quietly();
    assert_int_equal(store_writer_rule_put(writer, "keep", "text", NULL), 0);
    assert_int_equal(store_writer_stop(writer), 0);
    assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    struct store_writer_start start;
    writer = start_writer(&start);
    assert_int_equal(start.state, STORE_STATE_DEGRADED);
    assert_non_null(strstr(start.report.text, "read-only"));
    assert_int_equal(start.content.rule_count, 1); /* from the copy */
    store_content_finish(&start.content);
    struct event event = event_of("x");
    uint64_t sequence;
    assert_int_equal(store_writer_event(writer, &event, NULL, NULL, &sequence), 0);
    assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT, NULL), 0);
    wait_ack(writer, is_durable, sequence);
    assert_int_equal(store_writer_stop(writer), 0);
    assert_int_equal(count_events(), 1);
}

static bool is_notice(const struct store_ack *ack, uint64_t unused)
{
    (void)unused;
    return ack->notice[0];
}

static void overwrite_file(void)
{
    char path[128], garbage[4096];
    memset(garbage, 0x5A, sizeof(garbage));
    snprintf(path, sizeof(path), "%s/" STORE_FILE, directory);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    for (off_t at = 0; at < status.st_size; at += 4096)
        assert_int_equal(pwrite(fd, garbage, sizeof(garbage), at), 4096);
    close(fd);
}

/* Overwritten while it is in use: set aside, said, rules back, and everything goes on. */
static void a_file_damaged_in_use(void **state)
{
    (void)state;
    struct store_writer *writer = start_quietly();
    uint64_t sequence;
    /* Events that are due to expire: their pages are read again, and do not fit the cache. */
    struct event event = event_of("old");
    event.wall_usec = 1;
    for (int i = 0; i < 8000; i++)
        assert_int_equal(store_writer_event(writer, &event, NULL, NULL, NULL), 0);
    assert_int_equal(store_writer_rule_put(writer, "keep", "text", &sequence), 0);
    wait_ack(writer, is_durable, sequence);
    assert_int_equal(store_writer_stop(writer), 0);
    writer = start_quietly();
    overwrite_file();
    put_tick(writer, 1, 1);
    struct store_ack ack = wait_ack(writer, is_notice, 0);
    assert_non_null(strstr(ack.notice, ".damaged"));
    event = event_of("new");
    assert_int_equal(store_writer_event(writer, &event, NULL, NULL, &sequence), 0);
    ack = wait_ack(writer, is_durable, sequence);
    assert_int_equal(ack.state, STORE_STATE_OK);
    assert_int_equal(store_writer_stop(writer), 0);
    struct store_writer_start start;
    writer = start_writer(&start);
    assert_int_equal(start.report.opened, STORE_OPENED);
    assert_int_equal(start.content.rule_count, 1);
    store_content_finish(&start.content);
    assert_int_equal(store_writer_stop(writer), 0);
    assert_int_equal(count_events(), 1);
}

static void records_have_a_bound(void **state)
{
    (void)state;
    struct store_writer *writer = start_quietly();
    /* Without popping acks the loop knows of nothing durable. */
    struct event event = event_of("x");
    uint64_t sequence = 0;
    for (int i = 0; i < STORE_WRITER_RECORDS_HARD; i++)
        assert_int_equal(store_writer_event(writer, &event, NULL, NULL, &sequence), 0);
    assert_int_equal(store_writer_event(writer, &event, NULL, NULL, NULL), -ENOBUFS);
    assert_int_equal(store_writer_pending(writer), STORE_WRITER_RECORDS_HARD);
    wait_ack(writer, is_durable, sequence);
    assert_int_equal(store_writer_event(writer, &event, NULL, NULL, NULL), 0);
    assert_int_equal(store_writer_stop(writer), 0);
    assert_int_equal(count_events(), STORE_WRITER_RECORDS_HARD + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#define TEST_DISK(name) cmocka_unit_test_setup_teardown(name, setup_small_disk, teardown_small_disk)

int main(void)
{
    /* Before any thread exists; where it is not allowed the tests with a small disk are skipped. */
    can_mount = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    const struct CMUnitTest tests[] = {
        TEST_DISK(a_full_disk_degrades_and_passes),
        TEST_DISK(a_read_only_directory_at_start),
        TEST(a_file_damaged_in_use),
        TEST(records_are_acked_when_durable),
        TEST(everything_survives_a_restart),
        TEST(values_too_long_are_refused),
        TEST(records_have_a_bound),
        TEST(the_reader_answers_each_kind),
        TEST(a_pinned_event_has_its_window),
        TEST(events_can_be_seen_before_they_are_durable),
        TEST(the_reader_without_a_store),
        TEST(both_threads_at_once),
        TEST(merging_keeps_who_came_and_went),
        TEST(a_used_tick_comes_back_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
