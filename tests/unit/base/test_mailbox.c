/* SPDX-License-Identifier: MIT */
#include "base/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static bool is_readable(const struct mailbox *mailbox)
{
    struct pollfd fd = {.fd = mailbox_fd(mailbox), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void test_order_limit_and_descriptor(void **state)
{
    (void)state;
    struct mailbox mailbox;
    int a, b, c;
    assert_int_equal(mailbox_init(&mailbox, 2), 0);
    assert_false(is_readable(&mailbox));
    assert_null(mailbox_pop(&mailbox));
    assert_int_equal(mailbox_push(&mailbox, &a), 0);
    assert_true(is_readable(&mailbox));
    assert_int_equal(mailbox_push(&mailbox, &b), 0);
    assert_int_equal(mailbox_push(&mailbox, &c), -ENOBUFS);
    assert_int_equal(mailbox_count(&mailbox), 2);
    assert_ptr_equal(mailbox_pop(&mailbox), &a);
    assert_true(is_readable(&mailbox));
    assert_int_equal(mailbox_push(&mailbox, &c), 0);
    assert_ptr_equal(mailbox_pop(&mailbox), &b);
    assert_ptr_equal(mailbox_pop(&mailbox), &c);
    assert_false(is_readable(&mailbox));
    assert_null(mailbox_pop(&mailbox));
    mailbox_finish(&mailbox, NULL);
}

static int dropped;

static void drop(void *item)
{
    free(item);
    dropped++;
}

static void test_finish_drops_what_is_inside(void **state)
{
    (void)state;
    struct mailbox mailbox;
    dropped = 0;
    assert_int_equal(mailbox_init(&mailbox, 4), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(mailbox_push(&mailbox, malloc(1)), 0);
    mailbox_finish(&mailbox, drop);
    assert_int_equal(dropped, 3);
    mailbox_finish(&mailbox, drop);
    assert_int_equal(dropped, 3);
}

static void test_wait_without_item_ends(void **state)
{
    (void)state;
    struct mailbox mailbox;
    assert_int_equal(mailbox_init(&mailbox, 1), 0);
    assert_null(mailbox_wait(&mailbox, 0));
    assert_null(mailbox_wait(&mailbox, 5));
    mailbox_finish(&mailbox, NULL);
}

/* Producers and consumers at once: every item arrives exactly once. */
#define PRODUCERS 3
#define CONSUMERS 2
#define ITEMS     4000

struct traffic {
    struct mailbox mailbox;
    size_t producer; /* index of the next producer */
    unsigned char seen[PRODUCERS * ITEMS];
    size_t received; /* atomic */
};

struct item {
    size_t number;
};

static void *produce(void *context)
{
    struct traffic *traffic = context;
    size_t producer = __atomic_fetch_add(&traffic->producer, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < ITEMS;) {
        struct item *item = malloc(sizeof(*item));
        if (!item)
            abort();
        item->number = producer * ITEMS + i;
        /* A full box keeps the item ours: this one is made again later. */
        if (mailbox_push(&traffic->mailbox, item) == 0)
            i++;
        else
            free(item);
    }
    return NULL;
}

static void *consume(void *context)
{
    struct traffic *traffic = context;
    while (__atomic_load_n(&traffic->received, __ATOMIC_RELAXED) < PRODUCERS * ITEMS) {
        struct item *item = mailbox_wait(&traffic->mailbox, 10);
        if (!item)
            continue;
        /* The push and the pop order what was written before: no other lock is needed. */
        traffic->seen[item->number]++;
        free(item);
        __atomic_fetch_add(&traffic->received, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void test_threads_lose_and_double_nothing(void **state)
{
    (void)state;
    struct traffic *traffic = calloc(1, sizeof(*traffic));
    assert_non_null(traffic);
    assert_int_equal(mailbox_init(&traffic->mailbox, 64), 0);
    pthread_t threads[PRODUCERS + CONSUMERS];
    for (size_t i = 0; i < PRODUCERS + CONSUMERS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < PRODUCERS ? produce : consume, traffic), 0);
    for (size_t i = 0; i < PRODUCERS + CONSUMERS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < PRODUCERS * ITEMS; i++)
        assert_int_equal(traffic->seen[i], 1);
    assert_int_equal(mailbox_count(&traffic->mailbox), 0);
    assert_false(is_readable(&traffic->mailbox));
    mailbox_finish(&traffic->mailbox, NULL);
    free(traffic);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_limit_and_descriptor),
        cmocka_unit_test(test_finish_drops_what_is_inside),
        cmocka_unit_test(test_wait_without_item_ends),
        cmocka_unit_test(test_threads_lose_and_double_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
