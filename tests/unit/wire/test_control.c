/* SPDX-License-Identifier: MIT */
#include "wire/control.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char storage[8192];
static struct buffer out;
static struct control_message message;
/* Whole structs are compared: those compared with are static, so that their padding is zero. */

static int setup(void **state)
{
    (void)state;
    buffer_init_over(&out, storage, sizeof(storage));
    message = (struct control_message){0};
    return 0;
}

static enum control_outcome decode_text(const char *line)
{
    return control_decode(line, strlen(line), &message);
}

/* Decode what the encoder wrote. */
static void decode_out(enum control_type type, uint64_t id)
{
    assert_true(out.size > 1 && out.data[out.size - 1] == '\n');
    assert_null(memchr(out.data, '\n', out.size - 1));
    assert_int_equal(control_decode(out.data, out.size - 1, &message), CONTROL_DECODED);
    assert_int_equal(message.type, type);
    assert_true(message.id == id);
}

static void hello_round_trip(void **state)
{
    (void)state;
    static const struct control_hello hello = {.version = CONTROL_VERSION,
                                               .name = "web",
                                               .runtime = "cpython 3.13.0",
                                               .allocator = "glibc 2.36",
                                               .capabilities =
                                                   CONTROL_CAN_MALLOC | CONTROL_CAN_TRIM,
                                               .parent_pid = 4711,
                                               .forked = true,
                                               .fork_parent_pid = 4711,
                                               .fork_count = 3};
    assert_int_equal(control_encode_hello(&out, &hello), 0);
    decode_out(CONTROL_HELLO, 0);
    assert_memory_equal(&message.hello, &hello, sizeof(hello));
}

static void stat_round_trip(void **state)
{
    (void)state;
    struct control_stat stat = {.malloc = true, .gc = false, .gil_timeout_msec = 250};
    assert_int_equal(control_encode_stat(&out, 9, &stat), 0);
    decode_out(CONTROL_STAT, 9);
    assert_true(message.stat.malloc && !message.stat.gc && message.stat.gil_timeout_msec == 250);
}

static void stats_keep_unknown_apart_from_zero(void **state)
{
    (void)state;
    struct control_stats stats = {.has = CONTROL_HAS_MALLOC_FREE | CONTROL_HAS_GC_COUNT |
                                         CONTROL_HAS_GC_ENABLED,
                                  .malloc_free_bytes = INT64_MAX,
                                  .malloc_total_bytes = 5, /* not known: must not travel */
                                  .gc_count = {700, 10, 0},
                                  .gc_enabled = false,
                                  .py_result = CONTROL_RESULT_GIL_TIMEOUT,
                                  .fork_count = 2};
    assert_int_equal(control_encode_stats(&out, INT64_MAX, &stats), 0);
    decode_out(CONTROL_STATS, INT64_MAX);
    assert_int_equal(message.stats.has, stats.has);
    assert_true(message.stats.malloc_free_bytes == INT64_MAX);
    assert_true(message.stats.malloc_total_bytes == 0);
    assert_memory_equal(message.stats.gc_count, stats.gc_count, sizeof(stats.gc_count));
    assert_int_equal(message.stats.py_result, CONTROL_RESULT_GIL_TIMEOUT);
    assert_true(message.stats.fork_count == 2);
}

static void run_round_trip(void **state)
{
    (void)state;
    static const struct control_run run = {.step_count = 2,
                                           .steps = {"collect", "trim"},
                                           .generation = 2,
                                           .mode = CONTROL_MODE_MAIN,
                                           .gil_timeout_msec = 2000,
                                           .max_pause_usec = 50000};
    assert_int_equal(control_encode_run(&out, 1, &run), 0);
    decode_out(CONTROL_RUN, 1);
    assert_memory_equal(&message.run, &run, sizeof(run));
}

static void step_done_error_bye_round_trip(void **state)
{
    (void)state;
    static const struct control_step step = {.index = 1,
                                             .step = "trim",
                                             .outcome = CONTROL_RESULT_OK,
                                             .has = CONTROL_STEP_HAS_RUN_USEC,
                                             .run_usec = 15};
    assert_int_equal(control_encode_step(&out, 2, &step), 0);
    decode_out(CONTROL_STEP, 2);
    assert_memory_equal(&message.step, &step, sizeof(step));
    setup(NULL);
    static const struct control_done done = {.outcome = CONTROL_RESULT_CLOSING, .steps = 1};
    assert_int_equal(control_encode_done(&out, 2, &done), 0);
    decode_out(CONTROL_DONE, 2);
    assert_memory_equal(&message.done, &done, sizeof(done));
    setup(NULL);
    assert_int_equal(control_encode_error(&out, 0, CONTROL_RESULT_BUSY), 0);
    decode_out(CONTROL_ERROR, 0);
    assert_int_equal(message.error.error, CONTROL_RESULT_BUSY);
    setup(NULL);
    assert_int_equal(control_encode_bye(&out, "a \"quoted\" \\ why\n"), 0);
    decode_out(CONTROL_BYE, 0);
    assert_string_equal(message.bye.why, "a \"quoted\" \\ why\xEF\xBF\xBD");
}

static void pools_round_trip_by_class(void **state)
{
    (void)state;
    static struct control_stats stats = {.has = CONTROL_HAS_PY_POOLS | CONTROL_HAS_PY_PARTIAL,
                                         .py_pools = 70,
                                         .py_used_bytes = 4096,
                                         .py_partial = true};
    stats.py_class_pools.count = CONTROL_CLASSES_MAX;
    for (uint32_t i = 0; i < CONTROL_CLASSES_MAX; i++)
        stats.py_class_pools.values[i] = UINT32_MAX - i;
    assert_int_equal(control_encode_stats(&out, 3, &stats), 0);
    decode_out(CONTROL_STATS, 3);
    assert_memory_equal(&message.stats, &stats, sizeof(stats));
    stats.py_class_pools.count = CONTROL_CLASSES_MAX + 1;
    assert_int_equal(control_encode_stats(&out, 3, &stats), -EINVAL);
}

static void the_longest_stats_fit_a_line(void **state)
{
    (void)state;
    static struct control_stats stats;
    memset(&stats, 0x7F, sizeof(stats)); /* every number as long as numbers get */
    stats.has = UINT32_MAX;
    stats.gc_enabled = stats.py_partial = true;
    stats.py_result = CONTROL_RESULT_OK;
    stats.py_class_pools.count = stats.py_class_blocks.count = CONTROL_CLASSES_MAX;
    assert_int_equal(control_encode_stats(&out, 3, &stats), 0);
    decode_out(CONTROL_STATS, 3);
    assert_true(message.stats.pools_usec == stats.pools_usec);
}

static void census_round_trip(void **state)
{
    (void)state;
    static const struct control_census census = {.mode = CONTROL_CENSUS_FULL,
                                                 .top = CONTROL_FINDINGS_MAX,
                                                 .max_objects = 2000000,
                                                 .gil_timeout_msec = 500};
    assert_int_equal(control_encode_census(&out, 6, &census), 0);
    decode_out(CONTROL_CENSUS, 6);
    assert_memory_equal(&message.census, &census, sizeof(census));
    setup(NULL);
    assert_int_equal(control_encode_census(&out, 6, &(struct control_census){0}), -EINVAL);
    static const struct control_finding finding = {
        .kind = CONTROL_FINDING_CONTAINER,
        .has = CONTROL_FINDING_HAS_COUNT | CONTROL_FINDING_HAS_GROWTH,
        .path = "__main__.global_dict",
        .type = "dict",
        .count = 500000,
        .rises = 3,
        .growth = 1200,
        .holders = {.count = 2, .names = {"__main__", "app.cache"}}};
    assert_int_equal(control_encode_finding(&out, 6, &finding), 0);
    decode_out(CONTROL_FINDING, 6);
    assert_memory_equal(&message.finding, &finding, sizeof(finding));
    setup(NULL);
    static const struct control_censused censused = {.outcome = CONTROL_RESULT_OK,
                                                     .findings = 1,
                                                     .has = CONTROL_CENSUSED_HAS_OBJECTS,
                                                     .truncated = true,
                                                     .objects = 1017};
    assert_int_equal(control_encode_censused(&out, 6, &censused), 0);
    decode_out(CONTROL_CENSUSED, 6);
    assert_memory_equal(&message.censused, &censused, sizeof(censused));
}

static void mark_round_trip(void **state)
{
    (void)state;
    static const struct control_mark mark = {
        .name = "batch", .phase = CONTROL_PHASE_END, .span = 12, .usec = 1500, .left_out = 3};
    assert_int_equal(control_encode_mark(&out, &mark), 0);
    decode_out(CONTROL_MARK, 0);
    assert_memory_equal(&message.mark, &mark, sizeof(mark));
}

static void every_result_has_a_name(void **state)
{
    (void)state;
    for (unsigned i = CONTROL_RESULT_GIL_TIMEOUT; i < CONTROL_RESULT_COUNT; i++) {
        setup(NULL);
        assert_int_equal(control_encode_error(&out, 1, (enum control_result)i), 0);
        decode_out(CONTROL_ERROR, 1);
        assert_int_equal(message.error.error, i);
    }
    setup(NULL);
    assert_int_equal(control_encode_error(&out, 1, CONTROL_RESULT_COUNT), -EINVAL);
}

static void unknown_keys_and_capabilities_are_ignored(void **state)
{
    (void)state;
    assert_int_equal(decode_text("{\"new\":{\"x\":[1.5,null]},\"caps\":[\"levitate\",\"trim\"],"
                                 "\"t\":\"hello\",\"v\":2,\"ppid\":1,\"forked\":false,"
                                 "\"fork_count\":0}"),
                     CONTROL_DECODED);
    assert_int_equal(message.hello.capabilities, CONTROL_CAN_TRIM);
    assert_true(message.hello.version == 2);
    assert_string_equal(message.hello.name, "");
}

static void unknown_types_keep_their_id(void **state)
{
    (void)state;
    assert_int_equal(decode_text("{\"t\":\"levitate\",\"id\":12}"), CONTROL_UNKNOWN_TYPE);
    assert_true(message.id == 12);
    assert_int_equal(decode_text("{\"t\":\"levitate\"}"), CONTROL_UNKNOWN_TYPE);
    assert_true(message.id == 0);
}

#define RUN_REST "\"generation\":2,\"mode\":\"thread\",\"gil_timeout_msec\":1,\"max_pause_usec\":0}"

static void invalid_fields_keep_their_id(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"id\":5}",
        "{\"id\":5,\"t\":3}",
        "{\"id\":5,\"t\":\"stat\"}",
        "{\"id\":5,\"t\":\"stat\",\"malloc\":1,\"gc\":true,\"gil_timeout_msec\":1}",
        "{\"id\":5,\"t\":\"stat\",\"malloc\":true,\"gc\":true,\"gil_timeout_msec\":10001}",
        "{\"id\":5,\"t\":\"stat\",\"malloc\":true,\"gc\":true,\"gil_timeout_msec\":-1}",
        "{\"id\":5,\"t\":\"run\",\"steps\":[]," RUN_REST,
        "{\"id\":5,\"t\":\"run\",\"steps\":\"trim\"," RUN_REST,
        "{\"id\":5,\"t\":\"run\",\"steps\":[1]," RUN_REST,
        "{\"id\":5,\"t\":\"run\",\"steps\":[\"\"]," RUN_REST,
        "{\"id\":5,\"t\":\"run\",\"steps\":[\"../etc\"]," RUN_REST,
        "{\"id\":5,\"t\":\"run\",\"steps\":[\"abcdefghijklmnopqrstuvwxyz\"]," RUN_REST,
        "{\"id\":5,\"t\":\"run\",\"steps\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"]"
        "," RUN_REST,
        "{\"id\":5,\"t\":\"run\",\"steps\":[\"trim\"],\"generation\":3,\"mode\":\"thread\","
        "\"gil_timeout_msec\":1,\"max_pause_usec\":0}",
        "{\"id\":5,\"t\":\"run\",\"steps\":[\"trim\"],\"generation\":2,\"mode\":\"both\","
        "\"gil_timeout_msec\":1,\"max_pause_usec\":0}",
        "{\"id\":5,\"t\":\"census\",\"mode\":\"roots\",\"top\":0,\"max_objects\":1,"
        "\"gil_timeout_msec\":1}",
        "{\"id\":5,\"t\":\"finding\",\"kind\":\"container\",\"holders\":[1]}",
        "{\"id\":5,\"t\":\"finding\",\"kind\":\"container\",\"holders\":[\"a\",\"b\",\"c\",\"d\"]}",
        "{\"id\":5,\"t\":\"stats\",\"fork_count\":0,\"py_class_pools\":[4294967296]}",
        "{\"id\":5,\"t\":\"error\",\"error\":\"ok\"}",
        "{\"id\":5,\"t\":\"error\",\"error\":\"nonsense\"}",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        message.id = 0;
        if (decode_text(lines[i]) != CONTROL_INVALID || message.id != 5)
            fail_msg("not invalid with its id: %s", lines[i]);
    }
    assert_int_equal(decode_text("{\"t\":\"run\",\"steps\":[\"trim\"]," RUN_REST), CONTROL_INVALID);
    assert_int_equal(decode_text("{\"t\":\"run\",\"id\":0,\"steps\":[\"trim\"]," RUN_REST),
                     CONTROL_INVALID);
    assert_true(message.id == 0);
}

static void long_texts_are_refused_not_cut(void **state)
{
    (void)state;
    char line[400], name[CONTROL_NAME_SIZE + 1];
    memset(name, 'n', sizeof(name));
    for (int length = CONTROL_NAME_SIZE - 1; length <= CONTROL_NAME_SIZE; length++) {
        snprintf(line, sizeof(line),
                 "{\"t\":\"hello\",\"v\":1,\"caps\":[],\"ppid\":1,\"forked\":false,"
                 "\"fork_count\":0,\"name\":\"%.*s\"}",
                 length, name);
        assert_int_equal(decode_text(line),
                         length < CONTROL_NAME_SIZE ? CONTROL_DECODED : CONTROL_INVALID);
    }
}

static void malformed_touches_nothing(void **state)
{
    (void)state;
    memset(&message, 0x5A, sizeof(message));
    struct control_message before = message;
    assert_int_equal(decode_text("{\"t\":\"stat\",\"id\":1"), CONTROL_MALFORMED);
    assert_int_equal(decode_text("{\"t\":\"stat\",\"t\":\"run\"}"), CONTROL_MALFORMED);
    assert_int_equal(control_decode(storage, CONTROL_LINE_MAX_BYTES + 1, &message),
                     CONTROL_MALFORMED);
    assert_memory_equal(&message, &before, sizeof(message));
}

static void a_full_buffer_stays_as_it_was(void **state)
{
    (void)state;
    struct control_stat stat = {.malloc = true, .gc = true, .gil_timeout_msec = 1};
    assert_int_equal(control_encode_stat(&out, 1, &stat), 0);
    size_t length = out.size;
    for (size_t room = 0; room < length; room++) {
        buffer_init_over(&out, storage, room);
        assert_int_equal(control_encode_stat(&out, 1, &stat), -ENOBUFS);
        assert_int_equal(out.size, 0);
    }
    buffer_init_over(&out, storage, length);
    assert_int_equal(control_encode_stat(&out, 1, &stat), 0);
}

static void encoders_refuse_what_decoders_would(void **state)
{
    (void)state;
    struct control_stat stat = {.gil_timeout_msec = CONTROL_GIL_TIMEOUT_MAX_MSEC + 1};
    assert_int_equal(control_encode_stat(&out, 1, &stat), -EINVAL);
    assert_int_equal(control_encode_stat(&out, 0, &(struct control_stat){0}), -EINVAL);
    assert_int_equal(control_encode_run(&out, 1, &(struct control_run){0}), -EINVAL);
    struct control_run run = {.step_count = 1, .steps = {"rm -rf"}};
    assert_int_equal(control_encode_run(&out, 1, &run), -EINVAL);
    assert_int_equal(control_encode_error(&out, 1, CONTROL_RESULT_OK), -EINVAL);
    assert_int_equal(control_encode_error(&out, 1, (enum control_result)99), -EINVAL);
    struct control_step step = {.index = CONTROL_STEPS_MAX, .step = "trim"};
    assert_int_equal(control_encode_step(&out, 1, &step), -EINVAL);
    assert_int_equal(out.size, 0);
}

static void hostile_names_travel_clean(void **state)
{
    (void)state;
    struct control_hello hello = {.version = 1};
    memset(hello.name, 0xFF, sizeof(hello.name)); /* not even NUL-terminated */
    snprintf(hello.runtime, sizeof(hello.runtime), "a\"},{\"t\":\"bye\n\x1b[2J<img>");
    assert_int_equal(control_encode_hello(&out, &hello), 0);
    decode_out(CONTROL_HELLO, 0);
    assert_string_equal(message.hello.runtime, "a\"},{\"t\":\"bye\xEF\xBF\xBD\xEF\xBF\xBD[2J<img>");
    assert_true(strlen(message.hello.name) < CONTROL_NAME_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(hello_round_trip, setup),
        cmocka_unit_test_setup(stat_round_trip, setup),
        cmocka_unit_test_setup(stats_keep_unknown_apart_from_zero, setup),
        cmocka_unit_test_setup(run_round_trip, setup),
        cmocka_unit_test_setup(step_done_error_bye_round_trip, setup),
        cmocka_unit_test_setup(pools_round_trip_by_class, setup),
        cmocka_unit_test_setup(the_longest_stats_fit_a_line, setup),
        cmocka_unit_test_setup(census_round_trip, setup),
        cmocka_unit_test_setup(mark_round_trip, setup),
        cmocka_unit_test_setup(every_result_has_a_name, setup),
        cmocka_unit_test_setup(unknown_keys_and_capabilities_are_ignored, setup),
        cmocka_unit_test_setup(unknown_types_keep_their_id, setup),
        cmocka_unit_test_setup(invalid_fields_keep_their_id, setup),
        cmocka_unit_test_setup(long_texts_are_refused_not_cut, setup),
        cmocka_unit_test_setup(malformed_touches_nothing, setup),
        cmocka_unit_test_setup(a_full_buffer_stays_as_it_was, setup),
        cmocka_unit_test_setup(encoders_refuse_what_decoders_would, setup),
        cmocka_unit_test_setup(hostile_names_travel_clean, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
