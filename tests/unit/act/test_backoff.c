/* SPDX-License-Identifier: MIT */
#include "act/backoff.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE (60 * USEC_PER_SEC)
#define NOW    (1000 * MINUTE)

struct outcome {
    enum step_kind kind;
    enum receipt_outcome outcome;
};

static void learn(struct backoff *backoff, size_t count, const struct outcome *outcomes,
                  uint64_t now_usec)
{
    struct receipt receipt = {.step_count = count};
    for (size_t i = 0; i < count; i++) {
        receipt.steps[i].kind = outcomes[i].kind;
        receipt.steps[i].outcome = outcomes[i].outcome;
    }
    backoff_learn(backoff, &receipt, now_usec);
}

static const struct outcome nothing[] = {{STEP_TRIM, RECEIPT_OUTCOME_FREED_NOTHING}};
static const struct outcome freed[] = {{STEP_TRIM, RECEIPT_OUTCOME_FREED}};

static bool suspends(const struct backoff *backoff, enum step_kind step, uint64_t now_usec)
{
    char note[RECEIPT_NOTE_SIZE];
    return backoff_suspends(backoff, step, now_usec, note);
}

static void once_is_chance(void **state)
{
    (void)state;
    struct backoff backoff = {0};
    assert_false(suspends(&backoff, STEP_TRIM, NOW));
    learn(&backoff, 1, nothing, NOW);
    assert_false(suspends(&backoff, STEP_TRIM, NOW));
}

static void each_time_it_is_left_out_for_longer(void **state)
{
    (void)state;
    struct backoff backoff = {0};
    uint64_t now = NOW;
    static const uint64_t minutes[] = {10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440};
    learn(&backoff, 1, nothing, now);
    for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
        learn(&backoff, 1, nothing, now);
        assert_true(suspends(&backoff, STEP_TRIM, now));
        assert_false(suspends(&backoff, STEP_COLLECT, now));
        now += minutes[i] * MINUTE;
        assert_true(suspends(&backoff, STEP_TRIM, now - 1));
        assert_false(suspends(&backoff, STEP_TRIM, now));
    }
}

static void the_note_says_how_long(void **state)
{
    (void)state;
    struct backoff backoff = {0};
    char note[RECEIPT_NOTE_SIZE];
    learn(&backoff, 1, nothing, NOW);
    learn(&backoff, 1, nothing, NOW);
    assert_true(backoff_suspends(&backoff, STEP_TRIM, NOW + MINUTE, note));
    assert_string_equal(note, "trim gave nothing back the last 2 times; again in 541s");
}

static void fruit_ends_it(void **state)
{
    (void)state;
    struct backoff backoff = {0};
    learn(&backoff, 1, nothing, NOW);
    learn(&backoff, 1, nothing, NOW);
    learn(&backoff, 1, freed, NOW);
    assert_false(suspends(&backoff, STEP_TRIM, NOW));
    learn(&backoff, 1, nothing, NOW);
    assert_false(suspends(&backoff, STEP_TRIM, NOW));
}

static void a_trim_returns_what_a_collect_made_free(void **state)
{
    (void)state;
    struct backoff backoff = {0};
    static const struct outcome both[] = {{STEP_COLLECT, RECEIPT_OUTCOME_FREED_NOTHING},
                                          {STEP_TRIM, RECEIPT_OUTCOME_FREED}};
    static const struct outcome first[] = {{STEP_COLLECT, RECEIPT_OUTCOME_FREED},
                                           {STEP_TRIM, RECEIPT_OUTCOME_FREED_NOTHING}};
    for (int i = 0; i < 3; i++)
        learn(&backoff, 2, both, NOW);
    assert_false(suspends(&backoff, STEP_COLLECT, NOW));
    for (int i = 0; i < 3; i++)
        learn(&backoff, 2, first, NOW);
    assert_false(suspends(&backoff, STEP_COLLECT, NOW));
    assert_true(suspends(&backoff, STEP_TRIM, NOW));
}

static void what_did_not_run_teaches_nothing(void **state)
{
    (void)state;
    struct backoff backoff = {0};
    for (enum receipt_outcome outcome = 0; outcome < RECEIPT_OUTCOME_COUNT; outcome++) {
        if (outcome == RECEIPT_OUTCOME_FREED_NOTHING)
            continue;
        const struct outcome one[] = {{STEP_COLLECT, outcome}};
        for (int i = 0; i < 3; i++)
            learn(&backoff, 1, one, NOW);
        assert_false(suspends(&backoff, STEP_COLLECT, NOW));
    }
    static const struct outcome freeze[] = {{STEP_FREEZE, RECEIPT_OUTCOME_FREED_NOTHING}};
    for (int i = 0; i < 3; i++)
        learn(&backoff, 1, freeze, NOW);
    assert_false(suspends(&backoff, STEP_FREEZE, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_is_chance),
        cmocka_unit_test(each_time_it_is_left_out_for_longer),
        cmocka_unit_test(the_note_says_how_long),
        cmocka_unit_test(fruit_ends_it),
        cmocka_unit_test(a_trim_returns_what_a_collect_made_free),
        cmocka_unit_test(what_did_not_run_teaches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
