/* SPDX-License-Identifier: MIT */
/* Every record comes back as it went in, also after a restart. */
#include "store_fixture.h"

static void fill_measure(struct measure *measure, int64_t base, uint32_t present)
{
    for (unsigned field = 0; field < MEASURE_FIELD_COUNT; field++)
        if (present >> field & 1)
            measure_set(measure, field, base + field);
}

static struct receipt full_receipt(const char *id)
{
    struct receipt receipt = {
        .target = {.pid = 4711, .start_ticks = 88213},
        .comm = "etl",
        .rule = "idle-after-burst",
        .asked_by = "rule idle-after-burst",
        .wall_usec = fixture_wall(1),
        .mono_usec = 123456,
        .finished_usec = fixture_wall(2),
        .basis = RECEIPT_BASIS_USS,
        .family_size = 3,
        .predicted_low_bytes = 1,
        .predicted_high_bytes = INT64_C(1) << 40,
        .predicted_pause_usec = 12,
        .predicted_unshared_bytes = 13,
        .step_count = 2,
        .freed_bytes = -5,
        .moved_to_swap_bytes = 7,
        .outcome = RECEIPT_OUTCOME_FREED_NOTHING,
        .durable = true,
        .note = "one \xE2\x80\x98quoted\xE2\x80\x99; DROP TABLE receipt;--",
    };
    text_copy(receipt.id, sizeof(receipt.id), id);
    fill_measure(&receipt.before, 1000, 0x1F);
    fill_measure(&receipt.after, 2000, 0x05);
    receipt.steps[0] = (struct receipt_step){.kind = STEP_COLLECT,
                                             .outcome = RECEIPT_OUTCOME_FREED,
                                             .pause_usec = 0,
                                             .objects = 99,
                                             .note = "first"};
    fill_measure(&receipt.steps[0].before, 3000, 0x1F);
    fill_measure(&receipt.steps[0].after, 4000, 0x11);
    receipt.steps[1] = (struct receipt_step){
        .kind = STEP_TRIM, .outcome = RECEIPT_OUTCOME_NONE, .pause_usec = -1, .objects = -1};
    return receipt;
}

static void put_receipt(struct fixture *fixture, const struct receipt *receipt)
{
    assert_int_equal(store_begin(fixture->store, true), 0);
    assert_int_equal(store_write_receipt(fixture->store, receipt), 0);
    assert_int_equal(store_commit(fixture->store), 0);
}

static void assert_measures(const struct measure *a, const struct measure *b)
{
    assert_int_equal(a->present, b->present);
    for (unsigned field = 0; field < MEASURE_FIELD_COUNT; field++)
        if (a->present >> field & 1)
            assert_int_equal(a->bytes[field], b->bytes[field]);
}

static void assert_receipts(const struct receipt *a, const struct receipt *b)
{
    assert_string_equal(a->id, b->id);
    assert_true(process_id_equal(a->target, b->target));
    assert_string_equal(a->comm, b->comm);
    assert_string_equal(a->rule, b->rule);
    assert_string_equal(a->asked_by, b->asked_by);
    assert_int_equal(a->wall_usec, b->wall_usec);
    assert_int_equal(a->mono_usec, b->mono_usec);
    assert_int_equal(a->finished_usec, b->finished_usec);
    assert_int_equal(a->basis, b->basis);
    assert_int_equal(a->family_size, b->family_size);
    assert_int_equal(a->predicted_low_bytes, b->predicted_low_bytes);
    assert_int_equal(a->predicted_high_bytes, b->predicted_high_bytes);
    assert_int_equal(a->predicted_pause_usec, b->predicted_pause_usec);
    assert_int_equal(a->predicted_unshared_bytes, b->predicted_unshared_bytes);
    assert_measures(&a->before, &b->before);
    assert_measures(&a->after, &b->after);
    assert_int_equal(a->freed_bytes, b->freed_bytes);
    assert_int_equal(a->moved_to_swap_bytes, b->moved_to_swap_bytes);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->durable, b->durable);
    assert_string_equal(a->note, b->note);
    assert_int_equal(a->step_count, b->step_count);
    for (size_t i = 0; i < a->step_count; i++) {
        assert_int_equal(a->steps[i].kind, b->steps[i].kind);
        assert_int_equal(a->steps[i].outcome, b->steps[i].outcome);
        assert_measures(&a->steps[i].before, &b->steps[i].before);
        assert_measures(&a->steps[i].after, &b->steps[i].after);
        assert_int_equal(a->steps[i].pause_usec, b->steps[i].pause_usec);
        assert_int_equal(a->steps[i].objects, b->steps[i].objects);
        assert_string_equal(a->steps[i].note, b->steps[i].note);
    }
}

static struct receipt *get_receipt(struct fixture *fixture, const char *id)
{
    struct receipt *receipt;
    assert_int_equal(history_receipt(fixture->history, id, &receipt), 0);
    return receipt;
}

static void receipts_come_back_whole(void **state)
{
    struct fixture *fixture = *state;
    struct receipt written = full_receipt("r-1");
    put_receipt(fixture, &written);
    struct receipt *read = get_receipt(fixture, "r-1");
    assert_non_null(read);
    assert_receipts(&written, read);
    free(read);
    assert_null(get_receipt(fixture, "r-2"));
}

static void a_receipt_is_replaced_by_its_id(void **state)
{
    struct fixture *fixture = *state;
    struct receipt running = full_receipt("r-3");
    running.finished_usec = 0;
    running.outcome = RECEIPT_OUTCOME_NONE;
    running.predicted_pause_usec = -1;
    running.after = (struct measure){0};
    put_receipt(fixture, &running);
    struct receipt *read = get_receipt(fixture, "r-3");
    assert_receipts(&running, read);
    free(read);
    struct receipt finished = full_receipt("r-3");
    finished.step_count = 1;
    put_receipt(fixture, &finished);
    read = get_receipt(fixture, "r-3");
    assert_receipts(&finished, read);
    free(read);
}

static struct event full_event(int64_t id)
{
    struct event event = {.id = id,
                          .kind = (enum event_kind)(id % EVENT_KIND_COUNT),
                          .wall_usec = fixture_wall((uint64_t)id),
                          .mono_usec = (uint64_t)id,
                          .target = "4711-88213",
                          .rule = "rule",
                          .receipt = "r-1",
                          .asked_by = "uid 0 (socket)"};
    snprintf(event.text, sizeof(event.text), "event %lld '\xEF\xBF\xBD", (long long)id);
    return event;
}

static void events_of_every_kind_come_back(void **state)
{
    struct fixture *fixture = *state;
    for (int64_t id = 1; id <= EVENT_KIND_COUNT; id++) {
        struct event event = full_event(id);
        fixture_event(fixture, &event);
    }
    struct history_page page = {.limit = 1000};
    size_t count;
    struct event *events;
    char next[HISTORY_CURSOR_SIZE];
    assert_int_equal(history_events(fixture->history, &page, &count, &events, next), 0);
    assert_int_equal(count, EVENT_KIND_COUNT);
    for (size_t i = 0; i < count; i++) {
        struct event wanted = full_event((int64_t)(EVENT_KIND_COUNT - i));
        assert_int_equal(events[i].id, wanted.id);
        assert_int_equal(events[i].kind, wanted.kind);
        assert_int_equal(events[i].wall_usec, wanted.wall_usec);
        assert_int_equal(events[i].mono_usec, wanted.mono_usec);
        assert_string_equal(events[i].target, wanted.target);
        assert_string_equal(events[i].rule, wanted.rule);
        assert_string_equal(events[i].receipt, wanted.receipt);
        assert_string_equal(events[i].asked_by, wanted.asked_by);
        assert_string_equal(events[i].text, wanted.text);
    }
    free(events);
}

static void put_rules(struct store *store)
{
    struct rule_arming arming = {.name = "keep", .wall_usec = 42, .asked_by = "uid 1000 (socket)"};
    digest_sha256("x", 1, arming.sha256);
    assert_int_equal(store_begin(store, true), 0);
    assert_int_equal(store_rule_put(store, "keep", "when rss > 1 MiB then trim"), 0);
    assert_int_equal(store_rule_put(store, "keep", "when rss > 2 MiB\n  then trim"), 0);
    assert_int_equal(store_rule_put(store, "drop", "…"), 0);
    assert_int_equal(store_rule_delete(store, "drop"), 0);
    assert_int_equal(store_rule_delete(store, "never was"), 0);
    assert_int_equal(store_arming_put(store, &arming), 0);
    text_copy(arming.name, sizeof(arming.name), "drop");
    assert_int_equal(store_arming_put(store, &arming), 0);
    assert_int_equal(store_arming_delete(store, "drop"), 0);
    assert_int_equal(store_setting_put(store, "pause", "until 5"), 0);
    assert_int_equal(store_setting_put(store, "pause", "until 6"), 0);
    assert_int_equal(store_setting_put(store, "gone", ""), 0);
    assert_int_equal(store_setting_delete(store, "gone"), 0);
    assert_int_equal(store_commit(store), 0);
    assert_int_equal(store_refresh_copy(store), 0);
}

static void assert_rules(const struct store_content *content)
{
    char digest[DIGEST_HEX_SIZE];
    const char *text = "when rss > 2 MiB\n  then trim";
    digest_sha256(text, strlen(text), digest);
    assert_int_equal(content->rule_count, 1);
    assert_string_equal(content->rules[0].name, "keep");
    assert_string_equal(content->rules[0].text, text);
    assert_string_equal(content->rules[0].sha256, digest);
    assert_int_equal(content->rules[0].source, RULE_SOURCE_API);
    assert_int_equal(content->rules[0].state, RULE_STATE_DRY_RUN);
    assert_int_equal(content->arming_count, 1);
    assert_string_equal(content->armings[0].name, "keep");
    assert_int_equal(content->armings[0].wall_usec, 42);
    assert_string_equal(content->armings[0].asked_by, "uid 1000 (socket)");
    assert_int_equal(strlen(content->armings[0].sha256), DIGEST_HEX_SIZE - 1);
    assert_int_equal(content->setting_count, 1);
    assert_string_equal(content->settings[0].name, "pause");
    assert_string_equal(content->settings[0].value, "until 6");
}

static void rules_armings_and_settings_survive(void **state)
{
    struct fixture *fixture = *state;
    put_rules(fixture->store);
    fixture_close(fixture);
    struct store_content content;
    assert_int_equal(store_load_copy(fixture->directory, &content), 0);
    assert_rules(&content);
    store_content_finish(&content);
    fixture_open(fixture);
    assert_int_equal(fixture->report.opened, STORE_OPENED);
    assert_string_equal(fixture->report.text, "");
    assert_int_equal(store_load(fixture->store, &content), 0);
    assert_rules(&content);
    store_content_finish(&content);
}

static void a_rollback_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(store_begin(fixture->store, true), 0);
    struct event event = full_event(1);
    assert_int_equal(store_write_event(fixture->store, &event), 0);
    assert_int_equal(store_rule_put(fixture->store, "x", "y"), 0);
    store_rollback(fixture->store);
    store_rollback(fixture->store);
    struct store_content content;
    assert_int_equal(store_load(fixture->store, &content), 0);
    assert_int_equal(content.rule_count, 0);
    assert_int_equal(content.max_event_id, 0);
    store_content_finish(&content);
}

static void numbers_go_on_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    fixture_process(fixture, 41, 10);
    fixture_rss(fixture, 41, 4096);
    fixture_tick(fixture);
    struct event event = full_event(17);
    fixture_event(fixture, &event);
    fixture_close(fixture);
    fixture->config.boot_id = "22222222-2222-2222-2222-222222222222";
    fixture_open(fixture);
    struct store_content content;
    assert_int_equal(store_load(fixture->store, &content), 0);
    assert_int_equal(content.max_process_row, 41);
    assert_int_equal(content.max_event_id, 17);
    store_content_finish(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(receipts_come_back_whole, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_receipt_is_replaced_by_its_id, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(events_of_every_kind_come_back, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(rules_armings_and_settings_survive, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_rollback_leaves_nothing, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(numbers_go_on_after_a_restart, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
