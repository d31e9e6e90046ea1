/* SPDX-License-Identifier: MIT */
#include "engine/eyes_turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MIB (INT64_C(1) << 20)

/* 100 MiB, read so long ago. */
static struct eyes_turn read_before(uint64_t since_usec, int64_t moved_bytes)
{
    return (struct eyes_turn){.since_usec = since_usec,
                              .rss_bytes = 100 * MIB + moved_bytes,
                              .read_rss_bytes = 100 * MIB,
                              .cost_usec = 1000};
}

static uint64_t score(struct eyes_turn turn)
{
    return eyes_turn_score(&turn);
}

static void test_when_it_is_due(void **state)
{
    (void)state;
    assert_int_equal(score(read_before(59 * USEC_PER_SEC, 0)), 0);
    assert_true(score(read_before(60 * USEC_PER_SEC, 0)) > 0);
    assert_int_equal(score(read_before(4 * USEC_PER_SEC, 50 * MIB)), 0);
    assert_true(score(read_before(5 * USEC_PER_SEC, 50 * MIB)) > 0);
    assert_true(score(read_before(5 * USEC_PER_SEC, -50 * MIB)) > 0);
    assert_int_equal(score(read_before(5 * USEC_PER_SEC, MIB / 2)), 0); /* less than 1 % */
    /* Told nothing new three times. */
    struct eyes_turn calm = read_before(239 * USEC_PER_SEC, 0);
    calm.calm = EYES_TURN_CALM_MAX;
    assert_int_equal(score(calm), 0);
    calm.since_usec = 240 * USEC_PER_SEC;
    assert_true(score(calm) > 0);
    calm = read_before(5 * USEC_PER_SEC, 50 * MIB);
    calm.calm = EYES_TURN_CALM_MAX;
    assert_true(score(calm) > 0);
    struct eyes_turn never = {.never_read = true, .rss_bytes = MIB, .cost_usec = 50};
    assert_true(score(never) > 0);
    never.rss_bytes = 0;
    assert_true(score(never) > 0);
}

static void test_cheapest_useful_first(void **state)
{
    (void)state;
    struct eyes_turn turn = read_before(10 * USEC_PER_SEC, 50 * MIB), other = turn;
    other.cost_usec = 9000;
    assert_true(score(turn) > score(other));
    other = read_before(10 * USEC_PER_SEC, 10 * MIB);
    assert_true(score(turn) > score(other));
    /* One that moved before one that only got old; the older one before the younger. */
    assert_true(score(turn) > score(read_before(100 * USEC_PER_SEC, 0)));
    assert_true(score(read_before(119 * USEC_PER_SEC, 5 * MIB)) >
                score(read_before(59 * USEC_PER_SEC, 5 * MIB)));
}

/* The dearest of all that nobody touches, against one that moves all the time. */
static void test_nobody_starves(void **state)
{
    (void)state;
    struct eyes_turn busy = read_before(5 * USEC_PER_SEC, INT64_C(1) << 45);
    busy.cost_usec = 0;
    struct eyes_turn quiet = read_before(120 * USEC_PER_SEC, 0);
    quiet.cost_usec = 10000;
    assert_true(score(quiet) > score(busy));
    assert_true(score(read_before(200 * USEC_PER_SEC, 0)) > score(quiet));
}

/* A second of budget of 5 ms, a hundred processes that move and one that does not: all are read. */
static void test_a_crowd(void **state)
{
    (void)state;
    uint64_t read_at[101] = {0}, worst = 0;
    for (uint64_t now = 1000; now < 2000; now++) {
        uint64_t left = 5000;
        for (;;) {
            size_t best = 0;
            uint64_t most = 0;
            for (size_t i = 0; i < 101; i++) {
                struct eyes_turn turn =
                    read_before((now - read_at[i]) * USEC_PER_SEC, i == 0 ? 0 : 20 * MIB);
                if (score(turn) > most) {
                    most = score(turn);
                    best = i;
                }
            }
            if (most == 0 || left < 1000)
                break;
            left -= 1000;
            read_at[best] = now;
        }
        for (size_t i = 0; now >= 1200 && i < 101; i++)
            worst = now - read_at[i] > worst ? now - read_at[i] : worst;
    }
    assert_in_range(worst, 1, 145);
}

static bool identity_due(struct eyes_identity identity, uint64_t now_usec)
{
    return eyes_turn_identity(&identity, now_usec * USEC_PER_SEC);
}

static void test_identities(void **state)
{
    (void)state;
    struct eyes_identity identity = {.seen_usec = 100 * USEC_PER_SEC};
    assert_true(identity_due(identity, 100));
    identity.asked_usec = 100 * USEC_PER_SEC + 1;
    assert_false(identity_due(identity, 101));
    assert_true(identity_due(identity, 102));
    identity.read_usec = 101 * USEC_PER_SEC; /* perhaps between fork and exec */
    assert_true(identity_due(identity, 102));
    identity.asked_usec = identity.read_usec = 102 * USEC_PER_SEC;
    assert_false(identity_due(identity, 161));
    assert_true(identity_due(identity, 162));
    identity.slept = true;
    assert_false(identity_due(identity, 401));
    assert_true(identity_due(identity, 402));
    identity.read_usec = 0; /* another program, by its name */
    assert_true(identity_due(identity, 110));
    identity.denied = true;
    assert_false(identity_due(identity, 161));
    assert_true(identity_due(identity, 162));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_when_it_is_due), cmocka_unit_test(test_cheapest_useful_first),
        cmocka_unit_test(test_nobody_starves), cmocka_unit_test(test_a_crowd),
        cmocka_unit_test(test_identities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
