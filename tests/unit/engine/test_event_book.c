/* SPDX-License-Identifier: MIT */
/* Events that are not on disk yet: in the list, marked, once. */
#include "engine/event_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct event_book *filled(size_t count)
{
    struct event_book *book;
    assert_int_equal(event_book_new(&book), 0);
    for (size_t i = 1; i <= count; i++) {
        struct event event = {.id = (int64_t)i,
                              .kind = i % 2 ? EVENT_KIND_OOM_KILL : EVENT_KIND_EXIT,
                              .wall_usec = i * 100};
        event_book_add(book, &event, i + 1000);
    }
    return book;
}

static struct command *list_of(const struct event_book *book, uint64_t durable, size_t limit)
{
    struct command *command = command_new(COMMAND_EVENT_LIST);
    assert_non_null(command);
    command->limit = limit;
    event_book_list(book, durable, command);
    return command;
}

static void only_what_is_not_durable(void **state)
{
    (void)state;
    struct event_book *book = filled(10);
    struct command *command = list_of(book, 1007, 100);
    assert_int_equal(command->event_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(command->events[i].id, 10 - (int64_t)i);
        assert_true(command->events[i].not_durable);
    }
    command_free(command);
    command = list_of(book, 1010, 100);
    assert_int_equal(command->event_count, 0);
    assert_null(command->events);
    command_free(command);
    event_book_free(book);
}

static void only_what_is_asked_for(void **state)
{
    (void)state;
    struct event_book *book = filled(10);
    struct command *command = command_new(COMMAND_EVENT_LIST);
    command->limit = 100;
    command->has_event_kind = true;
    command->event_kind = EVENT_KIND_EXIT;
    command->from_wall_usec = 500;
    event_book_list(book, 0, command);
    assert_int_equal(command->event_count, 3); /* 10, 8, 6 */
    assert_int_equal(command->events[2].id, 6);
    command_free(command);
    command = command_new(COMMAND_EVENT_LIST);
    command->limit = 100;
    command->cursor[0] = 'e';
    event_book_list(book, 0, command);
    assert_int_equal(command->event_count, 0);
    command_free(command);
    event_book_free(book);
}

/* Always fewer than the limit: the store's page says where the next one begins. */
static void room_is_left_for_the_store(void **state)
{
    (void)state;
    struct event_book *book = filled(EVENT_BOOK_EVENTS + 30);
    static const size_t limits[][2] = {{1, 0}, {2, 1}, {1000, EVENT_BOOK_EVENTS}};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct command *command = list_of(book, 0, limits[i][0]);
        assert_int_equal(command->event_count, limits[i][1]);
        if (command->event_count > 0)
            assert_int_equal(command->events[0].id, EVENT_BOOK_EVENTS + 30);
        command_free(command);
    }
    event_book_free(book);
}

static void what_became_durable_is_there_once(void **state)
{
    (void)state;
    struct event_book *book = filled(5);
    struct command *command = list_of(book, 1002, 100); /* 5, 4, 3 */
    struct event *stored = calloc(3, sizeof(*stored));
    assert_non_null(stored);
    for (int64_t i = 0; i < 3; i++)
        stored[i].id = 3 - i;
    assert_int_equal(event_book_append(command, stored, 3), 0);
    assert_int_equal(command->event_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(command->events[i].id, 5 - (int64_t)i);
        assert_int_equal(command->events[i].not_durable, i < 2);
    }
    command_free(command);
    event_book_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_not_durable),
        cmocka_unit_test(only_what_is_asked_for),
        cmocka_unit_test(room_is_left_for_the_store),
        cmocka_unit_test(what_became_durable_is_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
