/* SPDX-License-Identifier: MIT */
/*
 * 100,000 ladders in a world that answers late, twice, wrongly or never. What must hold in each:
 * it finishes in bounded time, never has two requests under way, never sends a step that was not
 * ordered or out of order, and its receipt is complete.
 */
#include "act/ladder.h"

#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RUNS      100000
#define MOST_USEC (120 * USEC_PER_SEC) /* of one ladder with two steps, all of them timing out */

static const struct process_id target = {.pid = 4711, .start_ticks = 88213};

struct world {
    struct ladder ladder;
    uint64_t random, now;
    bool step_out, measure_out; /* a request waits for its answer */
    uint64_t step_number, measure_number;
    size_t next_step;
};

static uint32_t draw(struct world *w, uint32_t below)
{
    /* xorshift64*: the same runs every time. */
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (uint32_t)((w->random * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % below;
}

static bool world_paused(void *context)
{
    return draw(context, 20) == 0;
}

static bool world_alive(void *context, struct process_id id)
{
    assert_true(process_id_equal(id, target));
    return draw(context, 40) != 0;
}

static int world_measure(void *context, struct process_id id, uint64_t number)
{
    struct world *w = context;
    assert_true(process_id_equal(id, target));
    /* A step that is past its time may still be out; a new step is not sent then. */
    assert_true(number > w->measure_number && number > w->step_number);
    if (draw(w, 15) == 0)
        return -ENOMEM;
    w->measure_out = true;
    w->measure_number = number;
    return 0;
}

static void world_predict(void *context, struct process_id id, enum step_kind step,
                          struct prediction *ret_prediction)
{
    struct world *w = context;
    (void)step;
    assert_true(process_id_equal(id, target));
    *ret_prediction = (struct prediction){.low_bytes = draw(w, 1 << 20),
                                          .high_bytes = draw(w, 1 << 28),
                                          .pause_usec = (int64_t)draw(w, 600000) - 1,
                                          .unshared_bytes = draw(w, 4) ? 0 : draw(w, 1 << 28)};
}

static int64_t world_headroom(void *context)
{
    return (int64_t)draw(context, 1 << 30) - 1;
}

static int world_send(void *context, struct process_id id, enum step_kind step,
                      uint64_t max_pause_usec, uint64_t number)
{
    static const int errors[] = {-ENOENT, -EBUSY, -EOPNOTSUPP, -ENOBUFS};
    struct world *w = context;
    const struct receipt *receipt = &w->ladder.receipt;
    assert_true(process_id_equal(id, target));
    assert_false(w->step_out);
    assert_false(w->ladder.dry_run);
    assert_true(max_pause_usec > 0 && number > w->step_number);
    assert_true(w->ladder.step >= w->next_step && w->ladder.step < receipt->step_count);
    assert_int_equal(step, receipt->steps[w->ladder.step].kind);
    w->next_step = w->ladder.step + 1;
    if (draw(w, 10) == 0)
        return errors[draw(w, 4)];
    w->step_out = true;
    w->step_number = number;
    return 0;
}

static void random_measure(struct world *w, uint64_t number)
{
    struct ladder_measure measure = {
        .gone = draw(w, 30) == 0, .family_size = 1 + draw(w, 3), .family_print = draw(w, 2)};
    for (enum measure_field field = 0; field < MEASURE_FIELD_COUNT; field++)
        if (draw(w, 10))
            measure_set(&measure.measure, field, draw(w, 1 << 30));
    ladder_on_measure(&w->ladder, number, &measure, w->now);
}

static void random_answer(struct world *w, uint64_t number)
{
    /* By chance a made-up number is the right one. */
    if (number == w->step_number)
        w->step_out = false;
    const struct ladder_answer answer = {.end = draw(w, LADDER_STEP_DISTRUST + 1),
                                         .objects = (int64_t)draw(w, 1000) - 1,
                                         .pause_usec = (int64_t)draw(w, 1000) - 1,
                                         .note = draw(w, 2) ? "a note" : ""};
    ladder_on_answer(&w->ladder, number, &answer, w->now);
}

static void random_input(struct world *w)
{
    switch (draw(w, 8)) {
    case 0:
        random_measure(w, draw(w, 8)); /* some number or other */
        break;
    case 1:
        random_answer(w, draw(w, 8));
        break;
    case 2:
    case 3:
        if (w->measure_out)
            random_measure(w, w->measure_number);
        w->measure_out = false;
        break;
    case 4:
    case 5:
        if (w->step_out)
            random_answer(w, w->step_number);
        break;
    case 6:
        if (draw(w, 50) == 0)
            ladder_on_exit(&w->ladder, w->now);
        break;
    default:
        w->now += draw(w, 2) ? draw(w, 100000) : draw(w, 3000000);
        break;
    }
}

static void check_receipt(const struct world *w)
{
    const struct receipt *r = &w->ladder.receipt;
    assert_true(r->outcome > RECEIPT_OUTCOME_NONE && r->outcome < RECEIPT_OUTCOME_COUNT);
    assert_true(r->finished_usec >= r->wall_usec);
    assert_true(process_id_equal(r->target, target));
    assert_true(r->predicted_low_bytes >= 0 && r->predicted_low_bytes <= r->predicted_high_bytes);
    if (r->outcome == RECEIPT_OUTCOME_FREED)
        assert_true(r->freed_bytes >= 1 << 20);
    if (w->next_step == 0)
        assert_true(r->freed_bytes == 0 && r->outcome != RECEIPT_OUTCOME_FREED);
    bool explained = r->outcome == RECEIPT_OUTCOME_FREED ||
                     r->outcome == RECEIPT_OUTCOME_FREED_NOTHING ||
                     r->outcome == RECEIPT_OUTCOME_DRY_RUN || r->note[0];
    for (size_t i = 0; i < r->step_count; i++)
        explained |= r->steps[i].note[0] || r->steps[i].outcome == r->outcome;
    assert_true(explained);
}

static void one_run(uint64_t seed)
{
    struct world w = {.random = seed * 2 + 1, .now = 1000 * USEC_PER_SEC};
    const struct ladder_ops ops = {.context = &w,
                                   .paused = world_paused,
                                   .alive = world_alive,
                                   .measure = world_measure,
                                   .predict = world_predict,
                                   .headroom_bytes = world_headroom,
                                   .send = world_send};
    struct ladder_order order = {.receipt = {.target = target, .mono_usec = w.now}};
    for (int i = 0; i < 10; i++)
        draw(&w, 2);
    order.receipt.step_count = 1 + draw(&w, 2);
    order.dry_run = draw(&w, 8) == 0;
    for (size_t i = 0; i < order.receipt.step_count; i++)
        order.receipt.steps[i].kind = draw(&w, STEP_KIND_COUNT);
    ladder_init(&w.ladder, &order, &ops);
    uint64_t next, begun = w.now;
    while (!ladder_is_finished(&w.ladder)) {
        ladder_on_time(&w.ladder, w.now, &next);
        /* An agent that was given up has its connection closed: nothing of it is out any more. */
        if (w.ladder.state != LADDER_STEP)
            w.step_out = false;
        assert_true(next > w.now);
        assert_true(w.now - begun < MOST_USEC);
        random_input(&w);
    }
    ladder_on_time(&w.ladder, w.now, &next);
    assert_true(next == UINT64_MAX);
    check_receipt(&w);
}

static void inputs_in_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++)
        one_run(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(inputs_in_any_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
