/* SPDX-License-Identifier: MIT */
#include "act/ladder.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB (INT64_C(1) << 20)

static const struct process_id target = {.pid = 4711, .start_ticks = 88213};

/* The world outside, and one ladder in it. */
struct world {
    struct ladder ladder;
    uint64_t now;
    bool paused, gone;
    int64_t headroom;
    struct prediction predictions[STEP_KIND_COUNT];
    int measure_result, send_result; /* what the ops answer */
    int measures, sends;
    uint64_t number; /* of the last request */
    enum step_kind sent;
    uint64_t sent_max_pause;
    bool suspends[STEP_KIND_COUNT];
};

static bool world_paused(void *context)
{
    return ((struct world *)context)->paused;
}

static bool world_alive(void *context, struct process_id id)
{
    assert_true(process_id_equal(id, target));
    return !((struct world *)context)->gone;
}

static int world_measure(void *context, struct process_id id, uint64_t number)
{
    struct world *w = context;
    assert_true(process_id_equal(id, target));
    w->measures++;
    w->number = number;
    return w->measure_result;
}

static void world_predict(void *context, struct process_id id, enum step_kind step,
                          struct prediction *ret_prediction)
{
    assert_true(process_id_equal(id, target));
    *ret_prediction = ((struct world *)context)->predictions[step];
}

static bool world_suspends(void *context, struct process_id id, enum step_kind step,
                           char ret_note[static RECEIPT_NOTE_SIZE])
{
    assert_true(process_id_equal(id, target));
    if (!((struct world *)context)->suspends[step])
        return false;
    text_copy(ret_note, RECEIPT_NOTE_SIZE, "in vain");
    return true;
}

static int64_t world_headroom(void *context)
{
    return ((struct world *)context)->headroom;
}

static int world_send(void *context, struct process_id id, enum step_kind step,
                      uint64_t max_pause_usec, uint64_t number)
{
    struct world *w = context;
    assert_true(process_id_equal(id, target));
    w->sends++;
    w->number = number;
    w->sent = step;
    w->sent_max_pause = max_pause_usec;
    return w->send_result;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    w->now = 1000 * USEC_PER_SEC;
    w->headroom = 1024 * MIB;
    w->predictions[STEP_COLLECT] = (struct prediction){.high_bytes = 60 * MIB, .pause_usec = 9000};
    w->predictions[STEP_TRIM] =
        (struct prediction){.low_bytes = 10 * MIB, .high_bytes = 50 * MIB, .pause_usec = -1};
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void step_time(struct world *w)
{
    uint64_t next;
    ladder_on_time(&w->ladder, w->now, &next);
    assert_true(next > w->now);
}

/* Let the time pass up to the ladder's own deadline. */
static void wait(struct world *w)
{
    uint64_t next;
    ladder_on_time(&w->ladder, w->now, &next);
    assert_true(next != UINT64_MAX);
    w->now = next;
    step_time(w);
}

static void start(struct world *w, size_t count, const enum step_kind *steps, bool dry_run)
{
    const struct ladder_ops ops = {.context = w,
                                   .paused = world_paused,
                                   .alive = world_alive,
                                   .measure = world_measure,
                                   .predict = world_predict,
                                   .suspends = world_suspends,
                                   .headroom_bytes = world_headroom,
                                   .send = world_send};
    struct ladder_order order = {.receipt = {.id = "r1",
                                             .target = target,
                                             .wall_usec = 5000 * USEC_PER_SEC,
                                             .mono_usec = w->now,
                                             .step_count = count},
                                 .dry_run = dry_run};
    for (size_t i = 0; i < count; i++)
        order.receipt.steps[i].kind = steps[i];
    ladder_init(&w->ladder, &order, &ops);
    step_time(w);
}

static const enum step_kind both[] = {STEP_COLLECT, STEP_TRIM};

static void measured_as(struct world *w, int64_t rss, int64_t uss, uint32_t family_size,
                        uint64_t print)
{
    struct ladder_measure measure = {.family_size = family_size, .family_print = print};
    measure_set(&measure.measure, MEASURE_RSS, rss);
    measure_set(&measure.measure, MEASURE_USS, uss);
    measure_set(&measure.measure, MEASURE_SWAP, 0);
    measure_set(&measure.measure, MEASURE_FAMILY_PSS, uss);
    ladder_on_measure(&w->ladder, w->number, &measure, w->now);
    step_time(w);
}

static void measured(struct world *w, int64_t mib)
{
    measured_as(w, mib * MIB, mib * MIB, 1, 7);
}

static void answered(struct world *w, enum ladder_end end, const char *note)
{
    const struct ladder_answer answer = {
        .end = end, .objects = 200000, .pause_usec = 41000, .note = note};
    ladder_on_answer(&w->ladder, w->number, &answer, w->now);
    step_time(w);
}

static const struct receipt *finished(struct world *w, enum receipt_outcome outcome)
{
    const struct receipt *receipt = &w->ladder.receipt;
    assert_true(ladder_is_finished(&w->ladder));
    assert_string_equal(receipt_outcome_name(receipt->outcome), receipt_outcome_name(outcome));
    assert_int_equal(receipt->finished_usec, 5000 * USEC_PER_SEC + (w->now - receipt->mono_usec));
    return receipt;
}

static void collect_then_trim(void **state)
{
    struct world *w = *state;
    start(w, 2, both, false);
    assert_int_equal(w->measures, 1);
    assert_int_equal(w->sends, 0);
    measured(w, 129);
    assert_int_equal(w->sent, STEP_COLLECT);
    assert_int_equal(w->sent_max_pause, LADDER_PAUSE_DEFAULT_USEC);
    answered(w, LADDER_STEP_DONE, "");
    assert_int_equal(w->ladder.state, LADDER_SETTLE);
    wait(w);
    measured(w, 128);
    assert_int_equal(w->sent, STEP_TRIM);
    answered(w, LADDER_STEP_DONE, "");
    wait(w);
    measured(w, 11);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_FREED);
    assert_int_equal(r->freed_bytes, 118 * MIB);
    assert_int_equal(r->basis, RECEIPT_BASIS_USS);
    assert_int_equal(r->predicted_low_bytes, 10 * MIB);
    assert_int_equal(r->predicted_high_bytes, 110 * MIB);
    assert_int_equal(r->predicted_pause_usec, 9000);
    /* 1 of 129 MiB is less than 2 %. */
    assert_int_equal(r->steps[0].outcome, RECEIPT_OUTCOME_FREED_NOTHING);
    assert_int_equal(r->steps[0].objects, 200000);
    assert_int_equal(r->steps[0].pause_usec, 41000);
    assert_int_equal(r->steps[1].outcome, RECEIPT_OUTCOME_FREED);
    assert_int_equal(r->steps[1].before.bytes[MEASURE_RSS], 128 * MIB);
    assert_int_equal(r->steps[1].after.bytes[MEASURE_RSS], 11 * MIB);
    assert_int_equal(w->sends, 2);
    assert_int_equal(w->measures, 3);
}

static void an_answer_of_ok_is_no_success(void **state)
{
    struct world *w = *state;
    start(w, 1, both, false);
    measured(w, 200);
    answered(w, LADDER_STEP_DONE, "");
    wait(w);
    measured(w, 230);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_FREED_NOTHING);
    assert_int_equal(r->freed_bytes, -30 * MIB);
}

static void prediction_is_bound_by_the_basis(void **state)
{
    struct world *w = *state;
    w->predictions[STEP_TRIM].low_bytes = INT64_MAX;
    w->predictions[STEP_TRIM].high_bytes = INT64_MAX;
    start(w, 2, both, true);
    measured(w, 40);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_DRY_RUN);
    assert_int_equal(r->predicted_low_bytes, 40 * MIB);
    assert_int_equal(r->predicted_high_bytes, 40 * MIB);
}

static void dry_run_sends_nothing(void **state)
{
    struct world *w = *state;
    w->paused = true;
    start(w, 2, both, true);
    measured(w, 129);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_DRY_RUN);
    assert_int_equal(w->sends, 0);
    assert_int_equal(r->freed_bytes, 0);
    assert_int_equal(r->predicted_high_bytes, 110 * MIB);
    assert_int_equal(r->steps[0].outcome, RECEIPT_OUTCOME_DRY_RUN);
    assert_int_equal(r->steps[1].outcome, RECEIPT_OUTCOME_DRY_RUN);
}

static void dry_run_shows_refusals(void **state)
{
    struct world *w = *state;
    w->predictions[STEP_COLLECT].unshared_bytes = 185 * MIB;
    start(w, 2, both, true);
    measured_as(w, 200 * MIB, 5 * MIB, 5, 7);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_DRY_RUN);
    assert_int_equal(r->steps[0].outcome, RECEIPT_OUTCOME_REFUSED);
    assert_int_equal(r->steps[1].outcome, RECEIPT_OUTCOME_DRY_RUN);
    assert_int_equal(r->predicted_unshared_bytes, 185 * MIB);
}

static void unsharing_is_refused_and_the_trim_still_runs(void **state)
{
    struct world *w = *state;
    w->predictions[STEP_COLLECT].unshared_bytes = 185 * MIB;
    start(w, 2, both, false);
    measured_as(w, 200 * MIB, 100 * MIB, 5, 7);
    assert_int_equal(w->sends, 1);
    assert_int_equal(w->sent, STEP_TRIM);
    answered(w, LADDER_STEP_DONE, "");
    wait(w);
    measured_as(w, 150 * MIB, 60 * MIB, 5, 7);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_FREED);
    assert_int_equal(r->basis, RECEIPT_BASIS_FAMILY_PSS);
    assert_int_equal(r->family_size, 5);
    assert_int_equal(r->steps[0].outcome, RECEIPT_OUTCOME_REFUSED);
    assert_non_null(strstr(r->steps[0].note, "gc.freeze()"));
    assert_non_null(strstr(r->note, "gc.freeze()"));
    assert_int_equal(r->predicted_high_bytes, 50 * MIB);
    assert_int_equal(r->freed_bytes, 40 * MIB);
}

static void only_refused_is_refused(void **state)
{
    struct world *w = *state;
    w->predictions[STEP_COLLECT].pause_usec = 1300000;
    start(w, 1, both, false);
    measured(w, 200);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_REFUSED);
    assert_int_equal(w->sends, 0);
    assert_int_equal(r->freed_bytes, 0);
    assert_int_equal(r->predicted_high_bytes, 0);
    assert_int_equal(r->predicted_pause_usec, 1300000);
    assert_non_null(strstr(r->note, "1300 ms"));
}

static void what_was_in_vain_is_left_out_and_not_predicted(void **state)
{
    struct world *w = *state;
    w->suspends[STEP_COLLECT] = true;
    start(w, 2, both, false);
    measured(w, 200);
    assert_int_equal(w->sends, 1);
    assert_int_equal(w->sent, STEP_TRIM);
    const struct receipt *r = &w->ladder.receipt;
    assert_int_equal(r->steps[0].outcome, RECEIPT_OUTCOME_BACKED_OFF);
    assert_string_equal(r->steps[0].note, "in vain");
    assert_int_equal(r->predicted_high_bytes, 50 * MIB);
}

static void all_in_vain_is_backed_off(void **state)
{
    struct world *w = *state;
    w->suspends[STEP_COLLECT] = w->suspends[STEP_TRIM] = true;
    start(w, 2, both, false);
    measured(w, 200);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_BACKED_OFF);
    assert_int_equal(w->sends, 0);
    assert_int_equal(r->predicted_high_bytes, 0);
    assert_string_equal(r->note, "in vain");
}

static void pause_stops_before_the_next_rung(void **state)
{
    struct world *w = *state;
    start(w, 2, both, false);
    measured(w, 129);
    w->paused = true;
    answered(w, LADDER_STEP_DONE, "");
    wait(w);
    measured(w, 60);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_PAUSED);
    assert_int_equal(w->sends, 1);
    assert_int_equal(r->freed_bytes, 69 * MIB);
    assert_int_equal(r->steps[0].outcome, RECEIPT_OUTCOME_FREED);
    assert_int_equal(r->steps[1].outcome, RECEIPT_OUTCOME_PAUSED);
}

static void paused_from_the_start(void **state)
{
    struct world *w = *state;
    w->paused = true;
    start(w, 2, both, false);
    measured(w, 129);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_PAUSED);
    assert_int_equal(w->sends, 0);
    assert_int_equal(r->steps[1].outcome, RECEIPT_OUTCOME_NONE);
}

struct end_case {
    enum ladder_end end;
    enum receipt_outcome step, receipt;
    bool measures, goes_on;
};

static void ends_of_a_step(void **state)
{
    static const struct end_case cases[] = {
        {LADDER_STEP_BUSY, RECEIPT_OUTCOME_AGENT_BUSY, RECEIPT_OUTCOME_FREED, false, true},
        {LADDER_STEP_REFUSED, RECEIPT_OUTCOME_REFUSED, RECEIPT_OUTCOME_FREED, false, true},
        {LADDER_STEP_FAILED, RECEIPT_OUTCOME_FREED_NOTHING, RECEIPT_OUTCOME_FREED, true, true},
        {LADDER_STEP_SILENT, RECEIPT_OUTCOME_AGENT_SILENT, RECEIPT_OUTCOME_AGENT_SILENT, true,
         false},
        {LADDER_STEP_LOST, RECEIPT_OUTCOME_AGENT_SILENT, RECEIPT_OUTCOME_AGENT_SILENT, true, false},
        {LADDER_STEP_DISTRUST, RECEIPT_OUTCOME_AGENT_SILENT, RECEIPT_OUTCOME_AGENT_SILENT, true,
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        void *fresh;
        assert_int_equal(setup(&fresh), 0);
        struct world *w = fresh;
        start(w, 2, both, false);
        measured(w, 129);
        answered(w, cases[i].end, "what the agent said");
        if (cases[i].measures) {
            wait(w);
            measured(w, 129);
        }
        if (cases[i].goes_on) {
            assert_int_equal(w->sent, STEP_TRIM);
            answered(w, LADDER_STEP_DONE, "");
            wait(w);
            measured(w, 29);
        }
        const struct receipt *r = finished(w, cases[i].receipt);
        assert_int_equal(r->steps[0].outcome, cases[i].step);
        assert_string_equal(r->steps[0].note, "what the agent said");
        assert_string_equal(r->note, "what the agent said");
        if (!cases[i].goes_on) {
            assert_int_equal(w->sends, 1);
            assert_int_equal(r->steps[1].outcome, RECEIPT_OUTCOME_NONE);
        }
        teardown(&fresh);
    }
}

static void busy_alone_is_busy(void **state)
{
    struct world *w = *state;
    start(w, 1, both, false);
    measured(w, 129);
    answered(w, LADDER_STEP_BUSY, "the interpreter lock did not come in time");
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_AGENT_BUSY);
    assert_int_equal(r->freed_bytes, 0);
}

static void no_answer_at_all(void **state)
{
    struct world *w = *state;
    start(w, 2, both, false);
    measured(w, 129);
    wait(w); /* for the answer */
    assert_int_equal(w->ladder.state, LADDER_SETTLE);
    wait(w); /* to settle */
    wait(w); /* for the measurement */
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_AGENT_SILENT);
    assert_non_null(strstr(r->steps[0].note, "did not answer"));
    assert_int_equal(w->sends, 1);
}

static void send_failures(void **state)
{
    static const struct {
        int error;
        enum receipt_outcome outcome;
        int sends;
    } cases[] = {
        {-ENOENT, RECEIPT_OUTCOME_AGENT_SILENT, 1},
        {-ENOBUFS, RECEIPT_OUTCOME_AGENT_SILENT, 1},
        {-EBUSY, RECEIPT_OUTCOME_AGENT_BUSY, 2},
        {-EOPNOTSUPP, RECEIPT_OUTCOME_REFUSED, 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        void *fresh;
        assert_int_equal(setup(&fresh), 0);
        struct world *w = fresh;
        w->send_result = cases[i].error;
        start(w, 2, both, false);
        measured(w, 129);
        if (!ladder_is_finished(&w->ladder)) {
            assert_int_equal(w->ladder.state, LADDER_SETTLE);
            wait(w);
            measured(w, 129);
        }
        finished(w, cases[i].outcome);
        assert_int_equal(w->sends, cases[i].sends);
        assert_true(w->ladder.receipt.steps[0].note[0]);
        teardown(&fresh);
    }
}

/* A process that is killed closes its descriptors before it is gone. */
static void agent_gone_a_moment_before_its_process(void **state)
{
    struct world *w = *state;
    w->send_result = -ENOENT;
    start(w, 2, both, false);
    measured(w, 129);
    ladder_on_exit(&w->ladder, w->now);
    finished(w, RECEIPT_OUTCOME_TARGET_GONE);
    assert_string_equal(w->ladder.receipt.note, "the process has ended");
}

static void gone_before(void **state)
{
    struct world *w = *state;
    start(w, 2, both, false);
    const struct ladder_measure measure = {.gone = true};
    ladder_on_measure(&w->ladder, w->number, &measure, w->now);
    step_time(w);
    finished(w, RECEIPT_OUTCOME_TARGET_GONE);
    assert_int_equal(w->sends, 0);
}

static void gone_between_the_steps(void **state)
{
    struct world *w = *state;
    start(w, 2, both, false);
    measured(w, 129);
    answered(w, LADDER_STEP_DONE, "");
    wait(w);
    w->gone = true;
    measured(w, 60);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_TARGET_GONE);
    assert_int_equal(w->sends, 1);
    assert_int_equal(r->freed_bytes, 69 * MIB);
}

static void gone_during_a_step(void **state)
{
    struct world *w = *state;
    start(w, 2, both, false);
    measured(w, 129);
    answered(w, LADDER_STEP_LOST, "the connection was lost");
    ladder_on_exit(&w->ladder, w->now);
    step_time(w);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_TARGET_GONE);
    assert_string_equal(r->note, "the process has ended");
    assert_int_equal(r->steps[0].outcome, RECEIPT_OUTCOME_TARGET_GONE);
    /* Nothing that comes later changes a closed receipt. */
    const struct receipt closed = *r;
    ladder_on_exit(&w->ladder, w->now + 1);
    ladder_stop(&w->ladder, "too late", w->now + 1);
    answered(w, LADDER_STEP_DONE, "late");
    measured(w, 1);
    assert_memory_equal(&closed, r, sizeof(closed));
}

static void unmeasurable_is_refused(void **state)
{
    struct world *w = *state;
    w->measure_result = -ENOMEM;
    start(w, 2, both, false);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_REFUSED);
    assert_int_equal(w->sends, 0);
    assert_non_null(strstr(r->note, "could not be measured"));
}

static void unmeasurable_afterwards_is_no_success(void **state)
{
    struct world *w = *state;
    start(w, 1, both, false);
    measured(w, 129);
    answered(w, LADDER_STEP_DONE, "");
    w->measure_result = -ENOMEM;
    wait(w);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_FREED_NOTHING);
    assert_int_equal(r->freed_bytes, 0);
    assert_non_null(strstr(r->note, "could not be measured after"));
}

static void a_changed_family_is_said(void **state)
{
    struct world *w = *state;
    start(w, 1, both, false);
    measured_as(w, 200 * MIB, 100 * MIB, 5, 7);
    answered(w, LADDER_STEP_DONE, "");
    wait(w);
    measured_as(w, 200 * MIB, 50 * MIB, 4, 8);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_FREED);
    assert_non_null(strstr(r->note, "the family changed"));
}

static void answers_to_older_requests_are_ignored(void **state)
{
    struct world *w = *state;
    start(w, 2, both, false);
    measured(w, 129);
    uint64_t first = w->number;
    answered(w, LADDER_STEP_DONE, "");
    wait(w);
    measured(w, 100);
    const struct ladder_answer answer = {.end = LADDER_STEP_DONE, .note = ""};
    ladder_on_answer(&w->ladder, first, &answer, w->now);
    assert_int_equal(w->ladder.state, LADDER_STEP);
}

static void stop_closes_the_receipt(void **state)
{
    struct world *w = *state;
    start(w, 2, both, false);
    measured(w, 129);
    ladder_stop(&w->ladder, "memtend was stopped meanwhile", w->now);
    const struct receipt *r = finished(w, RECEIPT_OUTCOME_PAUSED);
    assert_string_equal(r->note, "memtend was stopped meanwhile");
    assert_int_equal(r->steps[0].outcome, RECEIPT_OUTCOME_PAUSED);
}

static void a_rule_may_set_the_budget(void **state)
{
    struct world *w = *state;
    start(w, 1, both, true);
    w->ladder.pause_budget_usec = 0;
    const struct ladder_order order = {.receipt = {.target = target, .step_count = 1},
                                       .pause_budget_usec = 50000};
    const struct ladder_ops ops = w->ladder.ops;
    ladder_init(&w->ladder, &order, &ops);
    assert_int_equal(w->ladder.pause_budget_usec, 50000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(collect_then_trim),
        TEST(an_answer_of_ok_is_no_success),
        TEST(prediction_is_bound_by_the_basis),
        TEST(dry_run_sends_nothing),
        TEST(dry_run_shows_refusals),
        TEST(unsharing_is_refused_and_the_trim_still_runs),
        TEST(only_refused_is_refused),
        TEST(what_was_in_vain_is_left_out_and_not_predicted),
        TEST(all_in_vain_is_backed_off),
        TEST(pause_stops_before_the_next_rung),
        TEST(paused_from_the_start),
        TEST(ends_of_a_step),
        TEST(busy_alone_is_busy),
        TEST(no_answer_at_all),
        TEST(send_failures),
        TEST(agent_gone_a_moment_before_its_process),
        TEST(gone_before),
        TEST(gone_between_the_steps),
        TEST(gone_during_a_step),
        TEST(unmeasurable_is_refused),
        TEST(unmeasurable_afterwards_is_no_success),
        TEST(a_changed_family_is_said),
        TEST(answers_to_older_requests_are_ignored),
        TEST(stop_closes_the_receipt),
        TEST(a_rule_may_set_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
