/* SPDX-License-Identifier: MIT */
#include "engine/text_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM ((size_t)1 << 20)

static char *text_of(int number, size_t length)
{
    static char text[TEXT_POOL_LONGEST + 1];
    memset(text, 'a' + number % 26, length);
    int used = snprintf(text, sizeof(text), "%d", number);
    if ((size_t)used < length)
        text[used] = '.';
    text[length] = '\0';
    return text;
}

static void equal_texts_are_one(void **state)
{
    (void)state;
    struct text_pool pool;
    assert_int_equal(text_pool_init(&pool, ROOM, 4), 0);
    const char *first = text_pool_take(&pool, "python3 app.py");
    char again[] = "python3 app.py";
    assert_string_equal(first, again);
    assert_ptr_equal(text_pool_take(&pool, again), first);
    assert_ptr_equal(text_pool_take(&pool, first), first);
    assert_ptr_not_equal(text_pool_take(&pool, "python3 app.p"), first);
    assert_int_equal(pool.count, 2);
    text_pool_drop(&pool, first);
    text_pool_drop(&pool, first);
    assert_string_equal(first, again);
    text_pool_drop(&pool, first);
    assert_int_equal(pool.count, 1);
    text_pool_drop(&pool, NULL);
    text_pool_finish(&pool);
}

static void texts_of_every_length(void **state)
{
    (void)state;
    static const char *kept[TEXT_POOL_LONGEST];
    struct text_pool pool;
    assert_int_equal(text_pool_init(&pool, 16 * ROOM, TEXT_POOL_LONGEST), 0);
    for (size_t length = 0; length < TEXT_POOL_LONGEST; length++)
        assert_non_null(kept[length] = text_pool_take(&pool, text_of(7, length)));
    assert_null(text_pool_take(&pool, text_of(7, TEXT_POOL_LONGEST)));
    for (size_t length = 0; length < TEXT_POOL_LONGEST; length++) {
        assert_string_equal(kept[length], text_of(7, length));
        text_pool_drop(&pool, kept[length]);
    }
    assert_int_equal(pool.count, 0);
    text_pool_finish(&pool);
}

/* Until it is full; then a text that is there is still found, and what is dropped makes room. */
static void full(void **state, size_t length)
{
    (void)state;
    enum { MOST = 70000 };
    static const char *kept[MOST];
    struct text_pool pool;
    int count = 0;
    assert_int_equal(text_pool_init(&pool, ROOM, 32768), 0);
    while ((kept[count] = text_pool_take(&pool, text_of(count, length))))
        assert_true(++count < MOST);
    assert_true((size_t)count * (length + 1) >= ROOM / 2);
    assert_ptr_equal(text_pool_take(&pool, text_of(3, length)), kept[3]);
    text_pool_drop(&pool, kept[3]);
    assert_null(text_pool_take(&pool, text_of(count, length)));
    text_pool_drop(&pool, kept[5]);
    assert_non_null(kept[5] = text_pool_take(&pool, text_of(count, length)));
    assert_string_equal(kept[5], text_of(count, length));
    assert_string_equal(kept[4], text_of(4, length));
    for (int i = 0; i < count; i++)
        text_pool_drop(&pool, kept[i]);
    assert_int_equal(pool.count, 0);
    /* All of it may become texts of another size. */
    int other = 0;
    while (text_pool_take(&pool, text_of(other, 300)))
        other++;
    assert_true((size_t)other * 301 >= ROOM / 2);
    text_pool_finish(&pool);
}

static void full_of_short_texts(void **state)
{
    full(state, 20);
}

static void full_of_the_longest_texts(void **state)
{
    full(state, TEXT_POOL_LONGEST - 1);
}

/* Against a plain array: what is held says what it said, whatever else comes and goes. */
static void comes_and_goes(void **state)
{
    (void)state;
    enum { HELD = 500, TEXTS = 900, ROUNDS = 100000 };
    struct {
        const char *text;
        int number;
    } held[HELD] = {0};
    struct text_pool pool;
    assert_int_equal(text_pool_init(&pool, ROOM, 64), 0);
    srand(11);
    for (int round = 0; round < ROUNDS; round++) {
        int i = rand() % HELD, number = rand() % TEXTS;
        if (held[i].text) {
            size_t length = (size_t)(held[i].number * 37 % 400 + 4);
            assert_string_equal(held[i].text, text_of(held[i].number, length));
            text_pool_drop(&pool, held[i].text);
            held[i].text = NULL;
            continue;
        }
        held[i].number = number;
        held[i].text = text_pool_take(&pool, text_of(number, (size_t)(number * 37 % 400 + 4)));
        assert_non_null(held[i].text);
    }
    for (int i = 0; i < HELD; i++)
        text_pool_drop(&pool, held[i].text);
    assert_int_equal(pool.count, 0);
    text_pool_finish(&pool);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_texts_are_one),       cmocka_unit_test(texts_of_every_length),
        cmocka_unit_test(full_of_short_texts),       cmocka_unit_test(comes_and_goes),
        cmocka_unit_test(full_of_the_longest_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
