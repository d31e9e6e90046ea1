/* SPDX-License-Identifier: MIT */
#include "engine/probe_price.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)

static void test_what_is_not_known(void **state)
{
    (void)state;
    struct probe_price price = {0};
    assert_in_range(probe_price_usec(&price, GIB), 16000, 16100);
    assert_in_range(probe_price_usec(&price, 4 * GIB), 64000, 64100);
    assert_in_range(probe_price_usec(&price, 0), 1, 100);
    assert_in_range(probe_price_usec(&price, -1), 1, 100);
    assert_true(probe_price_usec(&price, INT64_MAX) > 1000000);
    assert_in_range(probe_price_layers_usec(&price, GIB), 20000, 22000);
    probe_price_learn(&price, 0, 5000); /* of nothing nothing is learned */
    assert_in_range(probe_price_usec(&price, GIB), 16000, 16100);
}

/* Huge pages: 4 GiB in a fifth of a millisecond. */
static void test_cheap_stays_cheap(void **state)
{
    (void)state;
    struct probe_price price = {0};
    probe_price_learn(&price, 4 * GIB, 220);
    assert_in_range(probe_price_usec(&price, 4 * GIB), 220, 300);
    /* What it grew by may be anything. */
    assert_in_range(probe_price_usec(&price, 4 * GIB + 512 * MIB), 8200, 8400);
    assert_in_range(probe_price_usec(&price, 6 * GIB), 32000, 32500);
    /* What is left may be the dear part of it, but no more than there was. */
    assert_in_range(probe_price_usec(&price, GIB), 200, 300);
}

static void test_dear_is_known_to_be_dear(void **state)
{
    (void)state;
    struct probe_price price = {0};
    probe_price_learn(&price, 512 * MIB, 11000); /* shared pages */
    probe_price_learn(&price, 512 * MIB, 11000);
    assert_true(probe_price_usec(&price, 512 * MIB) > 11000);
    assert_true(probe_price_usec(&price, 256 * MIB) > 5000);
    assert_true(probe_price_usec(&price, 256 * MIB) < 8000);
}

/* One reading alone may have been disturbed; two in a row are believed. */
static void test_one_that_was_disturbed(void **state)
{
    (void)state;
    struct probe_price price = {0};
    probe_price_learn(&price, GIB, 100);
    probe_price_learn(&price, GIB, 50000);
    assert_in_range(probe_price_usec(&price, GIB), 100, 200);
    probe_price_learn(&price, GIB, 50000);
    assert_true(probe_price_usec(&price, GIB) > 50000);
}

static void learn_pages(struct probe_price *price, int64_t rss, int64_t anonymous, uint64_t usec)
{
    const struct probe_pages pages = {rss, anonymous, -1};
    probe_price_learn_pages(price, &pages, usec);
}

/* As measured for 4 GiB. */
static void test_guessed_from_pages(void **state)
{
    (void)state;
    struct probe_price small = {0}, huge = {0}, shared = {0};
    learn_pages(&small, 4 * GIB, 4 * GIB, 48000);
    assert_true(probe_price_usec(&small, 4 * GIB) > 60000);
    learn_pages(&huge, 4 * GIB, 4 * GIB, 3600);
    assert_in_range(probe_price_usec(&huge, 4 * GIB), 300, 9000);
    learn_pages(&shared, GIB / 2, 0, 6000);
    assert_true(probe_price_usec(&shared, GIB / 2) > 10500);
    /* What was really read is not forgotten for a guess that is little less ... */
    struct probe_price price = {0};
    probe_price_learn(&price, 4 * GIB, 64000);
    learn_pages(&price, 4 * GIB, 4 * GIB, 40000);
    assert_true(probe_price_usec(&price, 4 * GIB) > 64000);
    /* ... but it is when all has become huge. And the truth ends the guess. */
    learn_pages(&price, 4 * GIB, 4 * GIB, 3600);
    assert_true(probe_price_usec(&price, 4 * GIB) < 9000);
    probe_price_learn(&price, 4 * GIB, 30000);
    assert_true(probe_price_usec(&price, 4 * GIB) > 30000);
    learn_pages(&price, 0, 0, 1);
    assert_true(probe_price_usec(&price, 4 * GIB) > 30000);
}

/* The time it took does not matter then: a busy machine is slow. */
static void test_told_what_is_huge(void **state)
{
    (void)state;
    struct probe_price price = {0};
    probe_price_learn_pages(&price, &(struct probe_pages){4 * GIB, 4 * GIB, 4 * GIB}, 500000);
    assert_in_range(probe_price_usec(&price, 4 * GIB), 300, 2000);
    price = (struct probe_price){0};
    probe_price_learn_pages(&price, &(struct probe_pages){4 * GIB, 4 * GIB, 3 * GIB}, 1);
    assert_in_range(probe_price_usec(&price, 4 * GIB), 16000, 22000);
    price = (struct probe_price){0};
    probe_price_learn_pages(&price, &(struct probe_pages){GIB, GIB, 0}, 1);
    assert_true(probe_price_usec(&price, GIB) > 16000);
}

static void test_layers_teach_the_same(void **state)
{
    (void)state;
    struct probe_price price = {0};
    probe_price_learn_layers(&price, GIB, 16000 * 130 / 100 + 300, 100);
    assert_in_range(probe_price_usec(&price, GIB), 16000, 20100);
    probe_price_learn_layers(&price, GIB, 10, 1000);
    assert_in_range(probe_price_usec(&price, GIB), 20, 60);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_known),
        cmocka_unit_test(test_cheap_stays_cheap),
        cmocka_unit_test(test_dear_is_known_to_be_dear),
        cmocka_unit_test(test_one_that_was_disturbed),
        cmocka_unit_test(test_layers_teach_the_same),
        cmocka_unit_test(test_guessed_from_pages),
        cmocka_unit_test(test_told_what_is_huge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
