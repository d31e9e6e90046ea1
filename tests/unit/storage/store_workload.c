/* SPDX-License-Identifier: MIT */
#include "store_workload.h"

#include "faulty_vfs.h"
#include "storage/connection.h"

#include <dirent.h>

#define PAGE_OF_LIST 1000

/* What transaction number n does. */
struct plan {
    bool durable, rule, receipt;
    size_t ticks, events;
};

static struct plan plan_of(const struct workload *workload, size_t number)
{
    uint64_t random = (workload->seed + number) * UINT64_C(0x9E3779B97F4A7C15) | 1;
    faulty_random(&random, 2);
    struct plan plan = {.durable = faulty_random(&random, 3) == 0};
    plan.rule = faulty_random(&random, 4) == 0;
    plan.receipt = faulty_random(&random, 4) == 0;
    plan.ticks = number == 1 ? 1 : faulty_random(&random, 3);
    plan.events = faulty_random(&random, 3);
    return plan;
}

static struct workload_state state_after(const struct workload_state *before,
                                         const struct plan *plan)
{
    struct workload_state after = *before;
    after.ticks += plan->ticks;
    after.events += plan->events;
    after.rule_version += plan->rule;
    if (plan->receipt) {
        bool begins = before->receipts == 0 || before->last_finished;
        after.receipts += begins;
        after.last_finished = !begins;
    }
    return after;
}

void workload_reset(struct workload *workload)
{
    workload->first_row = 1;
    workload->declared = false;
    workload->tried = workload->committed = workload->durable = 0;
}

void workload_new(struct workload *workload, uint64_t seed, size_t rows, size_t padding)
{
    fixture_new(&workload->fixture);
    workload->seed = seed;
    workload->rows = rows;
    workload->padding = padding;
    workload_reset(workload);
    workload->states[0] = (struct workload_state){0};
    for (size_t i = 1; i <= WORKLOAD_LIMIT; i++) {
        struct plan plan = plan_of(workload, i);
        workload->states[i] = state_after(&workload->states[i - 1], &plan);
    }
}

void workload_free(struct workload *workload)
{
    fixture_free(&workload->fixture);
}

int workload_open(struct workload *workload, struct error *error)
{
    struct fixture *fixture = &workload->fixture;
    assert_null(fixture->store);
    workload->first_row += (int64_t)workload->rows;
    workload->declared = false;
    workload->taken = 0;
    return store_open(&fixture->config, &fixture->store, &fixture->report, error);
}

/* ---- writing ---- */

static int64_t value_of(size_t tick, size_t row)
{
    return (int64_t)(tick * 1000003 + row * 4096 + 4096);
}

/* The n-th of a transaction. */
static int write_tick(struct workload *workload, size_t n, size_t number, bool declare)
{
    struct fixture *fixture = &workload->fixture;
    struct tick *tick = &fixture->tick;
    tick->id = workload->taken == workload->tried ? workload->taken_ids[n] : 0;
    tick->number = number;
    tick->mono_usec = (number + 100) * USEC_PER_SEC;
    tick->wall_usec = fixture_wall(number);
    tick->process_count = tick->row_count = 0;
    for (size_t i = 0; i < workload->rows; i++) {
        if (declare)
            fixture_process(fixture, workload->first_row + (int64_t)i,
                            WORKLOAD_FIRST_PID + (pid_t)i);
        struct tick_row *row = fixture_row(fixture, workload->first_row + (int64_t)i);
        fixture_value(row, METRIC_RSS, value_of(number, i));
        fixture_value(row, METRIC_CPU, (int64_t)(number % 7));
    }
    int r = store_write_tick(fixture->store, tick);
    workload->taken_ids[n] = tick->id;
    return r;
}

static void event_text(size_t number, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "event %zu, %0*zu", number, (int)(number % 200), number);
}

static int write_event(struct store *store, size_t number)
{
    struct event event = {
        .id = (int64_t)number, .kind = EVENT_KIND_DEPLOY, .wall_usec = fixture_wall(number)};
    event_text(number, event.text, sizeof(event.text));
    return store_write_event(store, &event);
}

static int write_receipt(struct store *store, const struct workload_state *after)
{
    struct receipt receipt = {.predicted_pause_usec = -1,
                              .wall_usec = fixture_wall(after->receipts),
                              .finished_usec = after->last_finished ? 7 : 0,
                              .step_count = 1};
    receipt.steps[0] = (struct receipt_step){.pause_usec = -1, .objects = -1};
    snprintf(receipt.id, sizeof(receipt.id), "r-%zu", after->receipts);
    return store_write_receipt(store, &receipt);
}

static int write_rule(struct store *store, size_t version)
{
    char text[32];
    snprintf(text, sizeof(text), "version %zu", version);
    struct rule_arming arming = {.name = "one", .wall_usec = version};
    int r = store_rule_put(store, "one", text);
    return r < 0 ? r : store_arming_put(store, &arming);
}

static int write_padding(struct workload *workload, size_t number)
{
    char text[RULE_TEXT_LIMIT];
    memset(text, 'a' + (int)(number % 26), sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    int r = 0;
    for (size_t i = 0; r == 0 && i < workload->padding; i++) {
        char name[32];
        snprintf(name, sizeof(name), "padding-%zu", i);
        r = store_rule_put(workload->fixture.store, name, text);
    }
    return r;
}

static int write_all(struct workload *workload, size_t number, const struct plan *plan)
{
    struct store *store = workload->fixture.store;
    const struct workload_state *before = &workload->states[number - 1];
    int r = 0;
    if (workload->taken != number)
        memset(workload->taken_ids, 0, sizeof(workload->taken_ids));
    for (size_t i = 0; r == 0 && i < plan->ticks; i++)
        r = write_tick(workload, i, before->ticks + i, i == 0 && !workload->declared);
    workload->taken = number;
    for (size_t i = 0; r == 0 && i < plan->events; i++)
        r = write_event(store, before->events + i + 1);
    if (r == 0 && plan->receipt)
        r = write_receipt(store, &workload->states[number]);
    if (r == 0 && plan->rule)
        r = write_rule(store, workload->states[number].rule_version);
    if (r == 0)
        r = write_padding(workload, number);
    char text[32];
    snprintf(text, sizeof(text), "%zu", number);
    return r < 0 ? r : store_setting_put(store, "transaction", text);
}

int workload_try(struct workload *workload)
{
    struct store *store = workload->fixture.store;
    size_t number = workload->committed + 1;
    assert_true(number <= WORKLOAD_LIMIT);
    struct plan plan = plan_of(workload, number);
    workload->tried = number;
    int r = store_begin(store, plan.durable);
    if (r == 0)
        r = write_all(workload, number, &plan);
    if (r == 0)
        r = store_commit(store);
    if (r < 0) {
        store_rollback(store);
        return r;
    }
    workload->committed = number;
    workload->declared = workload->declared || plan.ticks > 0;
    if (plan.durable)
        workload->durable = number;
    return 0;
}

/* ---- reading ---- */

static void check_rule(const struct store_content *content, const struct workload_state *state,
                       size_t padding)
{
    char text[32];
    snprintf(text, sizeof(text), "version %zu", state->rule_version);
    assert_int_equal(content->rule_count, padding + (state->rule_version > 0));
    assert_int_equal(content->arming_count, state->rule_version > 0);
    if (state->rule_version > 0) {
        assert_string_equal(content->rules[0].text, text);
        assert_int_equal(content->armings[0].wall_usec, state->rule_version);
    }
}

static void check_events(struct history *history, const struct workload_state *state)
{
    struct history_page page = {.limit = PAGE_OF_LIST};
    size_t left = state->events, count;
    do {
        struct event *events;
        char next[HISTORY_CURSOR_SIZE], text[EVENT_TEXT_SIZE];
        assert_int_equal(history_events(history, &page, &count, &events, next), 0);
        for (size_t i = 0; i < count; i++, left--) {
            assert_int_equal(events[i].id, left);
            event_text(left, text, sizeof(text));
            assert_string_equal(events[i].text, text);
        }
        free(events);
        text_copy(page.cursor, sizeof(page.cursor), next);
    } while (page.cursor[0]);
    assert_int_equal(left, 0);
}

static void check_receipts(struct history *history, const struct workload_state *state)
{
    struct history_page page = {.limit = PAGE_OF_LIST};
    char next[HISTORY_CURSOR_SIZE];
    struct receipt *receipts;
    size_t count;
    assert_int_equal(history_receipts(history, &page, &count, &receipts, next), 0);
    assert_int_equal(count, state->receipts);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(receipts[i].wall_usec, fixture_wall(count - i));
        assert_int_equal(receipts[i].finished_usec > 0, i > 0 || state->last_finished);
        assert_int_equal(receipts[i].step_count, 1);
    }
    free(receipts);
}

/* Each tick has a value of its own, so one that is missing shows as the one before it. */
static void check_ticks(struct history *history, const struct workload_state *state, size_t row)
{
    struct series_query query = {.target_count = 1,
                                 .targets = {fixture_target(WORKLOAD_FIRST_PID + (pid_t)row)},
                                 .metric_count = 1,
                                 .metrics = {METRIC_RSS},
                                 .from_wall_usec = fixture_wall(0),
                                 .to_wall_usec = fixture_wall(state->ticks),
                                 .points = state->ticks + 1,
                                 .aggregate = SERIES_LAST};
    struct series_result result;
    struct error error = {0};
    assert_int_equal(history_series(history, &query, &result, &error), 0);
    assert_int_equal(result.count, 1);
    const struct series *series = &result.series[0];
    size_t found = 0;
    for (size_t i = 0; i < series->count; i++) {
        if (series->points[i].gap)
            continue;
        assert_int_equal(series->points[i].value, value_of(found, row));
        found++;
    }
    assert_int_equal(found, state->ticks);
    series_result_finish(&result);
}

size_t workload_check(const struct workload *workload, struct store *store, const char *directory,
                      size_t least, size_t most)
{
    struct store_content content;
    assert_int_equal(store_load(store, &content), 0);
    size_t number = content.setting_count > 0 ? strtoul(content.settings[0].value, NULL, 10) : 0;
    assert_in_range(number, least, most);
    const struct workload_state *state = &workload->states[number];
    check_rule(&content, state, number > 0 ? workload->padding : 0);
    assert_int_equal(content.max_event_id, state->events);
    store_content_finish(&content);
    struct history *history;
    assert_int_equal(history_new(directory, FIXTURE_TICK_USEC, store_shelf(store), &history), 0);
    check_events(history, state);
    check_receipts(history, state);
    if (state->ticks > 0) {
        check_ticks(history, state, 0);
        check_ticks(history, state, workload->rows - 1);
    }
    history_free(history);
    return number;
}

static void check_integrity(const char *directory)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/" STORE_FILE, directory);
    sqlite3 *database;
    sqlite3_stmt *statement;
    assert_int_equal(connection_open_read(path, &database), 0);
    assert_int_equal(sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), "ok");
    sqlite3_finalize(statement);
    connection_close(database);
}

size_t workload_check_image(const struct workload *workload, const char *directory, size_t least,
                            size_t most, bool may_be_new)
{
    struct store_config config = workload->fixture.config;
    config.directory = directory;
    struct store *store;
    struct store_report report;
    struct error error = {0};
    if (store_open(&config, &store, &report, &error) < 0)
        fail_msg("%s", error.text);
    if (report.opened != STORE_OPENED && !(may_be_new && report.opened == STORE_CREATED))
        fail_msg("opened: %d %s", (int)report.opened, report.text);
    check_integrity(directory);
    size_t found = workload_check(workload, store, directory, least, most);
    assert_int_equal(store_begin(store, true), 0);
    assert_int_equal(write_event(store, workload->states[found].events + 1), 0);
    assert_int_equal(store_commit(store), 0);
    store_close(store);
    workload_empty(directory);
    return found;
}

void workload_empty(const char *directory)
{
    DIR *stream = opendir(directory);
    assert_non_null(stream);
    for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream))
        if (entry->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(stream), entry->d_name, 0), 0);
    closedir(stream);
}

bool workload_is_long(void)
{
    const char *text = getenv("MEMTEND_LONG");
    return text && strcmp(text, "1") == 0;
}

uint64_t workload_seed(void)
{
    const char *text = getenv("MEMTEND_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : 0;
    return seed > 0 ? seed : 20261122;
}
