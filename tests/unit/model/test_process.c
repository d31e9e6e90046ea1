/* SPDX-License-Identifier: MIT */
#include "model/process.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_id_round_trip(void **state)
{
    (void)state;
    static const struct process_id ids[] = {{1, 0}, {4711, 88213}, {INT32_MAX, UINT64_MAX}};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char text[PROCESS_ID_SIZE];
        struct process_id back;
        process_id_format(ids[i], text);
        assert_int_equal(process_id_parse(text, &back), 0);
        assert_true(process_id_equal(ids[i], back));
    }
    char text[PROCESS_ID_SIZE];
    process_id_format((struct process_id){4711, 88213}, text);
    assert_string_equal(text, "4711-88213");
}

static void test_id_refuses(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",    "4711", "4711-",        "-1",   "0-1",  "4711-1x",
                                        "a-1", "1--1", "2147483648-1", "1 -1", "1- 1", "+1-1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct process_id id = {7, 7};
        assert_int_equal(process_id_parse(wrong[i], &id), -EINVAL);
        assert_int_equal(id.pid, 7);
    }
}

static void test_a_recycled_pid_is_another_process(void **state)
{
    (void)state;
    assert_false(process_id_equal((struct process_id){5, 1}, (struct process_id){5, 2}));
    assert_false(process_id_equal((struct process_id){5, 1}, (struct process_id){6, 1}));
    assert_true(process_id_equal((struct process_id){5, 1}, (struct process_id){5, 1}));
}

static void test_matches_looks_at_all_texts(void **state)
{
    (void)state;
    struct process process = {
        .comm = "gunicorn", .cmdline = "python app.py", .unit = "shop.service", .name = "checkout"};
    static const char *const found[] = {"", "GUNI", "App.py", "shop.", "check"};
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
        assert_true(process_matches(&process, found[i]));
    assert_false(process_matches(&process, "celery"));
}

static void test_agent_states_have_names(void **state)
{
    (void)state;
    for (enum agent_state agent = AGENT_STATE_NONE; agent <= AGENT_STATE_SILENT; agent++)
        assert_true(strlen(agent_state_name(agent)) > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_round_trip),
        cmocka_unit_test(test_id_refuses),
        cmocka_unit_test(test_a_recycled_pid_is_another_process),
        cmocka_unit_test(test_matches_looks_at_all_texts),
        cmocka_unit_test(test_agent_states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
