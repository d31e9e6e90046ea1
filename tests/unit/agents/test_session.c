/* SPDX-License-Identifier: MIT */
#include "agents/session.h"

#include "base/clock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One session with everything it has said. */
struct fixture {
    struct session session;
    uint64_t now;
    int hellos, agains, stats, refusals, lates, answers, marks;
    struct control_hello hello;
    struct control_stats last_stats;
    enum control_result refusal;
    struct run_answer answer;
    struct control_mark mark;
};

static void on_hello(void *context, const struct control_hello *hello, bool again)
{
    struct fixture *f = context;
    f->hellos++;
    f->agains += again;
    f->hello = *hello;
}

static void on_stats(void *context, const struct control_stats *stats)
{
    struct fixture *f = context;
    f->stats++;
    f->last_stats = *stats;
}

static void on_stat_refused(void *context, enum control_result why)
{
    struct fixture *f = context;
    f->refusals++;
    f->refusal = why;
}

static void on_stat_late(void *context)
{
    ((struct fixture *)context)->lates++;
}

static void on_mark(void *context, const struct control_mark *mark)
{
    struct fixture *f = context;
    f->marks++;
    f->mark = *mark;
}

static void on_answer(void *context, const struct run_answer *answer)
{
    struct fixture *f = context;
    f->answers++;
    f->answer = *answer;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct session_handler handler = {.context = f,
                                            .on_hello = on_hello,
                                            .on_stats = on_stats,
                                            .on_stat_refused = on_stat_refused,
                                            .on_stat_late = on_stat_late,
                                            .on_mark = on_mark,
                                            .on_answer = on_answer};
    f->now = 1000 * USEC_PER_SEC;
    session_init(&f->session, &session_default_limits, &handler, f->now);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    session_finish(&f->session);
    free(f);
    return 0;
}

static void say(struct fixture *f, const char *line)
{
    session_on_bytes(&f->session, line, strlen(line), f->now);
    session_on_bytes(&f->session, "\n", 1, f->now);
}

static void say_message(struct fixture *f, const struct control_message *message)
{
    char storage[4096];
    struct buffer out;
    int r = -1;
    buffer_init_over(&out, storage, sizeof(storage));
    if (message->type == CONTROL_HELLO)
        r = control_encode_hello(&out, &message->hello);
    if (message->type == CONTROL_STATS)
        r = control_encode_stats(&out, message->id, &message->stats);
    if (message->type == CONTROL_STEP)
        r = control_encode_step(&out, message->id, &message->step);
    if (message->type == CONTROL_DONE)
        r = control_encode_done(&out, message->id, &message->done);
    if (message->type == CONTROL_ERROR)
        r = control_encode_error(&out, message->id, message->error.error);
    if (message->type == CONTROL_MARK)
        r = control_encode_mark(&out, &message->mark);
    if (message->type == CONTROL_BYE)
        r = control_encode_bye(&out, message->bye.why);
    assert_int_equal(r, 0);
    session_on_bytes(&f->session, out.data, out.size, f->now);
}

static void greet(struct fixture *f)
{
    const struct control_message hello = {
        .type = CONTROL_HELLO,
        .hello = {.version = 1,
                  .name = "web",
                  .runtime = "cpython 3.11.2",
                  .allocator = "glibc 2.36",
                  .capabilities =
                      CONTROL_CAN_MALLOC | CONTROL_CAN_GC | CONTROL_CAN_COLLECT | CONTROL_CAN_TRIM,
                  .parent_pid = 1}};
    say_message(f, &hello);
    assert_int_equal(f->session.state, SESSION_OPEN);
}

static uint64_t run(struct fixture *f, enum step_kind step)
{
    uint64_t request = 0;
    assert_int_equal(session_request_run(&f->session, step, 500000, f->now, &request), 0);
    return request;
}

static struct control_message step_line(uint64_t id, const char *step, uint64_t run_usec)
{
    struct control_message message = {
        .type = CONTROL_STEP,
        .id = id,
        .step = {.has = CONTROL_STEP_HAS_OBJECTS | CONTROL_STEP_HAS_RUN_USEC,
                 .objects = 42,
                 .run_usec = run_usec}};
    snprintf(message.step.step, sizeof(message.step.step), "%s", step);
    return message;
}

static struct control_message done_line(uint64_t id, enum control_result outcome, uint64_t steps)
{
    return (struct control_message){
        .type = CONTROL_DONE, .id = id, .done = {.outcome = outcome, .steps = steps}};
}

static void assert_violation(struct fixture *f, const char *what)
{
    assert_int_equal(f->session.state, SESSION_CLOSED);
    assert_int_equal(f->session.end, SESSION_END_VIOLATION);
    if (!strstr(f->session.why, what))
        fail_msg("\"%s\" does not say \"%s\"", f->session.why, what);
}

static void hello_opens(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(session_request_stat(&f->session, false, f->now), -ENOTCONN);
    greet(f);
    assert_int_equal(f->hellos, 1);
    assert_string_equal(f->hello.name, "web");
    assert_true(session_can(&f->session, STEP_COLLECT));
    greet(f);
    assert_int_equal(f->agains, 1);
}

static void lines_may_come_in_pieces(void **state)
{
    struct fixture *f = *state;
    const char *bye = "{\"t\":\"bye\",\"why\":\"exit\"}\n";
    greet(f);
    for (const char *at = bye; *at; at++)
        session_on_bytes(&f->session, at, 1, f->now);
    assert_int_equal(f->session.end, SESSION_END_BYE);
    assert_string_equal(f->session.why, "exit");
}

static void first_line_must_be_hello(void **state)
{
    struct fixture *f = *state;
    say(f, "{\"t\":\"bye\",\"why\":\"exit\"}");
    assert_violation(f, "first line is no hello");
    assert_int_equal(f->hellos, 0);
}

static void unknown_first_line_is_no_hello(void **state)
{
    struct fixture *f = *state;
    say(f, "{\"t\":\"greetings\"}");
    assert_violation(f, "first line is no hello");
}

static void unknown_lines_are_ignored_later(void **state)
{
    struct fixture *f = *state;
    greet(f);
    say(f, "{\"t\":\"weather\",\"id\":3}");
    assert_int_equal(f->session.state, SESSION_OPEN);
}

static void marks_are_passed_on(void **state)
{
    struct fixture *f = *state;
    greet(f);
    say(f, "{\"t\":\"mark\",\"name\":\"batch\",\"phase\":\"end\",\"span\":65,\"usec\":20}");
    assert_int_equal(f->marks, 1);
    assert_string_equal(f->mark.name, "batch");
    assert_int_equal(f->mark.usec, 20);
    assert_int_equal(f->mark.left_out, 0);
    say(f, "{\"t\":\"mark\",\"name\":\"\",\"phase\":\"point\",\"span\":0}");
    assert_violation(f, "without a name");
}

static void no_region_is_older_than_the_machine(void **state)
{
    struct fixture *f = *state;
    greet(f);
    const struct control_message mark = {
        .type = CONTROL_MARK,
        .mark = {.name = "batch", .phase = CONTROL_PHASE_END, .usec = f->now + USEC_PER_SEC}};
    say_message(f, &mark);
    assert_violation(f, "older than the machine");
    assert_int_equal(f->marks, 0);
}

static void other_versions_are_sent_away(void **state)
{
    struct fixture *f = *state;
    const struct control_message hello = {.type = CONTROL_HELLO, .hello = {.version = 99}};
    say_message(f, &hello);
    assert_int_equal(f->session.end, SESSION_END_VERSION);
    assert_non_null(strstr(f->session.why, "version 99"));
    assert_true(f->session.output.size > 0);
    assert_non_null(memmem(f->session.output.data, f->session.output.size, "version", 7));
    assert_int_equal(f->hellos, 0);
}

static void silence_at_the_start_ends_it(void **state)
{
    struct fixture *f = *state;
    uint64_t next;
    session_on_time(&f->session, f->now, &next);
    assert_int_equal(next, f->now + session_default_limits.hello_usec);
    session_on_time(&f->session, next - 1, &next);
    assert_int_equal(f->session.state, SESSION_HELLO);
    session_on_time(&f->session, next, &next);
    assert_int_equal(f->session.end, SESSION_END_SILENT);
    assert_true(next == UINT64_MAX);
}

static void stat_is_asked_and_answered(void **state)
{
    struct fixture *f = *state;
    greet(f);
    assert_int_equal(session_request_stat(&f->session, false, f->now), 0);
    assert_int_equal(session_request_stat(&f->session, false, f->now), -EBUSY);
    struct control_message asked;
    assert_int_equal(control_decode(f->session.output.data, f->session.output.size - 1, &asked),
                     CONTROL_DECODED);
    assert_int_equal(asked.type, CONTROL_STAT);
    assert_true(asked.stat.malloc && asked.stat.gc);
    const struct control_message stats = {
        .type = CONTROL_STATS,
        .id = asked.id,
        .stats = {.has = CONTROL_HAS_MALLOC_FREE, .malloc_free_bytes = 12345}};
    say_message(f, &stats);
    assert_int_equal(f->stats, 1);
    assert_int_equal(f->last_stats.malloc_free_bytes, 12345);
    assert_int_equal(session_request_stat(&f->session, false, f->now), 0);
}

static void stat_may_be_refused(void **state)
{
    struct fixture *f = *state;
    greet(f);
    assert_int_equal(session_request_stat(&f->session, false, f->now), 0);
    const struct control_message error = {
        .type = CONTROL_ERROR, .id = 1, .error = {.error = CONTROL_RESULT_NOT_READY}};
    say_message(f, &error);
    assert_int_equal(f->refusals, 1);
    assert_int_equal(f->refusal, CONTROL_RESULT_NOT_READY);
    assert_int_equal(f->session.state, SESSION_OPEN);
}

static void late_stat_is_still_taken(void **state)
{
    struct fixture *f = *state;
    uint64_t next;
    greet(f);
    assert_int_equal(session_request_stat(&f->session, false, f->now), 0);
    f->now += session_default_limits.stat_usec;
    session_on_time(&f->session, f->now, &next);
    assert_int_equal(f->lates, 1);
    assert_true(f->session.stat_late);
    assert_int_equal(session_request_stat(&f->session, false, f->now), -EBUSY);
    session_on_time(&f->session, f->now + 3600 * USEC_PER_SEC, &next);
    assert_int_equal(f->lates, 1);
    const struct control_message stats = {.type = CONTROL_STATS, .id = 1};
    say_message(f, &stats);
    assert_false(f->session.stat_late);
    assert_int_equal(f->stats, 1);
}

static void unasked_stats_are_a_violation(void **state)
{
    struct fixture *f = *state;
    greet(f);
    const struct control_message stats = {.type = CONTROL_STATS, .id = 1};
    say_message(f, &stats);
    assert_violation(f, "not asked for");
    assert_int_equal(f->stats, 0);
}

static void absurd_stats_are_a_violation(void **state)
{
    static const struct control_stats absurd[] = {
        {.has = CONTROL_HAS_MALLOC_FREE, .malloc_free_bytes = UINT64_C(1) << 60},
        {.has = CONTROL_HAS_PY_BLOCKS, .py_blocks = UINT64_C(1) << 50},
        {.has = CONTROL_HAS_GC_COUNT, .gc_count = {0, UINT64_C(1) << 50, 0}},
        {.has = CONTROL_HAS_HOLD_USEC, .hold_usec = 3600 * USEC_PER_SEC},
        {.has = CONTROL_HAS_GIL_WAIT_USEC, .gil_wait_usec = 3600 * USEC_PER_SEC},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
        void *fresh;
        assert_int_equal(setup(&fresh), 0);
        struct fixture *f = fresh;
        greet(f);
        assert_int_equal(session_request_stat(&f->session, false, f->now), 0);
        struct control_message stats = {.type = CONTROL_STATS, .id = 1, .stats = absurd[i]};
        say_message(f, &stats);
        assert_int_equal(f->session.end, SESSION_END_VIOLATION);
        assert_int_equal(f->stats, 0);
        teardown(&fresh);
    }
}

static void run_is_asked_and_answered(void **state)
{
    struct fixture *f = *state;
    greet(f);
    uint64_t id = run(f, STEP_COLLECT);
    uint64_t other;
    assert_int_equal(session_request_run(&f->session, STEP_TRIM, 0, f->now, &other), -EBUSY);
    assert_int_equal(session_request_stat(&f->session, false, f->now), -EBUSY);
    f->now += 60 * USEC_PER_MSEC;
    struct control_message step = step_line(id, "collect", 50000);
    say_message(f, &step);
    assert_int_equal(f->answers, 0);
    struct control_message done = done_line(id, CONTROL_RESULT_OK, 1);
    say_message(f, &done);
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->answer.request, id);
    assert_int_equal(f->answer.outcome, RUN_DONE);
    assert_int_equal(f->answer.objects, 42);
    assert_int_equal(f->answer.pause_usec, 50000);
    assert_string_equal(f->answer.note, "");
}

static void a_trim_has_no_pause(void **state)
{
    struct fixture *f = *state;
    greet(f);
    uint64_t id = run(f, STEP_TRIM);
    f->now += 60 * USEC_PER_MSEC;
    struct control_message step = step_line(id, "trim", 50000);
    struct control_message done = done_line(id, CONTROL_RESULT_OK, 1);
    say_message(f, &step);
    say_message(f, &done);
    assert_int_equal(f->answer.pause_usec, -1);
    assert_int_equal(f->answer.run_usec, 50000);
}

static void run_may_be_refused(void **state)
{
    static const struct {
        enum control_result result;
        enum run_outcome outcome;
    } rows[] = {
        {CONTROL_RESULT_GIL_TIMEOUT, RUN_BUSY},    {CONTROL_RESULT_CLOSING, RUN_BUSY},
        {CONTROL_RESULT_NOT_READY, RUN_BUSY},      {CONTROL_RESULT_BUSY, RUN_BUSY},
        {CONTROL_RESULT_UNSUPPORTED, RUN_REFUSED}, {CONTROL_RESULT_TOO_MANY_OBJECTS, RUN_REFUSED},
        {CONTROL_RESULT_FAILED, RUN_FAILED},
    };
    struct fixture *f = *state;
    greet(f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t id = run(f, STEP_COLLECT);
        struct control_message error = {
            .type = CONTROL_ERROR, .id = id, .error = {.error = rows[i].result}};
        struct control_message done = done_line(id, rows[i].result, 0);
        say_message(f, i % 2 ? &error : &done);
        assert_int_equal(f->answers, i + 1);
        assert_int_equal(f->answer.outcome, rows[i].outcome);
        assert_true(f->answer.note[0]);
        assert_int_equal(f->answer.objects, -1);
        f->now += USEC_PER_SEC;
    }
}

static void lies_about_runs_are_violations(void **state)
{
    enum { WRONG_ID, WRONG_STEP, TOO_LONG, TWICE, DONE_EARLY, DONE_COUNT, ERROR_ID, CASES };
    (void)state;
    for (int i = 0; i < CASES; i++) {
        void *fresh;
        assert_int_equal(setup(&fresh), 0);
        struct fixture *f = fresh;
        greet(f);
        uint64_t id = run(f, STEP_COLLECT);
        f->now += USEC_PER_MSEC;
        struct control_message line = step_line(id, "collect", 100);
        if (i == WRONG_ID)
            line.id = id + 1;
        if (i == WRONG_STEP)
            line = step_line(id, "trim", 100);
        if (i == TOO_LONG)
            line = step_line(id, "collect", 5 * USEC_PER_SEC);
        if (i == DONE_EARLY)
            line = done_line(id, CONTROL_RESULT_OK, 0);
        if (i == DONE_COUNT)
            line = done_line(id, CONTROL_RESULT_BUSY, 1);
        if (i == ERROR_ID)
            line = (struct control_message){
                .type = CONTROL_ERROR, .id = id + 7, .error = {.error = CONTROL_RESULT_BUSY}};
        say_message(f, &line);
        if (i == TWICE)
            say_message(f, &line);
        assert_int_equal(f->session.end, SESSION_END_VIOLATION);
        assert_int_equal(f->answers, 1);
        assert_int_equal(f->answer.outcome, RUN_DISTRUST);
        assert_int_equal(f->answer.objects, -1);
        assert_non_null(strstr(f->answer.note, "broke the protocol"));
        teardown(&fresh);
    }
}

static void silence_in_a_run_ends_the_session(void **state)
{
    struct fixture *f = *state;
    uint64_t next;
    greet(f);
    run(f, STEP_COLLECT);
    session_on_time(&f->session, f->now, &next);
    assert_int_equal(next, f->now + session_default_limits.run_usec);
    session_on_time(&f->session, next, &next);
    assert_int_equal(f->session.end, SESSION_END_SILENT);
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->answer.outcome, RUN_SILENT);
    f->now += 20 * USEC_PER_SEC;
    struct control_message done = done_line(1, CONTROL_RESULT_OK, 1);
    say_message(f, &done);
    assert_int_equal(f->answers, 1);
}

static void a_long_budget_is_waited_for(void **state)
{
    struct fixture *f = *state;
    uint64_t request;
    greet(f);
    assert_int_equal(
        session_request_run(&f->session, STEP_COLLECT, 30 * USEC_PER_SEC, f->now, &request), 0);
    assert_true(session_deadline(&f->session) >= f->now + 60 * USEC_PER_SEC);
}

static void a_lost_connection_answers_the_run(void **state)
{
    struct fixture *f = *state;
    greet(f);
    run(f, STEP_TRIM);
    session_close(&f->session, SESSION_END_LOST, "the connection was lost");
    assert_int_equal(f->answers, 1);
    assert_int_equal(f->answer.outcome, RUN_LOST);
    session_close(&f->session, SESSION_END_LOST, "again");
    assert_int_equal(f->answers, 1);
    assert_string_equal(f->session.why, "the connection was lost");
}

static void a_reported_step_counts_when_the_end_is_lost(void **state)
{
    struct fixture *f = *state;
    greet(f);
    uint64_t id = run(f, STEP_COLLECT);
    f->now += USEC_PER_SEC;
    struct control_message step = step_line(id, "collect", 1000);
    say_message(f, &step);
    session_close(&f->session, SESSION_END_LOST, "the connection was lost");
    assert_int_equal(f->answer.outcome, RUN_DONE);
    assert_int_equal(f->answer.objects, 42);
}

static void what_it_cannot_do_is_not_asked(void **state)
{
    struct fixture *f = *state;
    uint64_t request;
    const struct control_message hello = {
        .type = CONTROL_HELLO, .hello = {.version = 1, .capabilities = CONTROL_CAN_TRIM}};
    say_message(f, &hello);
    assert_int_equal(session_request_run(&f->session, STEP_COLLECT, 1, f->now, &request),
                     -EOPNOTSUPP);
    assert_int_equal(session_request_stat(&f->session, false, f->now), -EOPNOTSUPP);
    assert_int_equal(session_request_run(&f->session, STEP_TRIM, 1, f->now, &request), 0);
}

static void a_flood_is_a_violation(void **state)
{
    struct fixture *f = *state;
    greet(f);
    for (uint32_t i = 0; i < session_default_limits.lines_burst + 1; i++)
        say(f, "{\"t\":\"weather\"}");
    assert_violation(f, "too many lines");
}

static void an_honest_pace_goes_on_for_ever(void **state)
{
    struct fixture *f = *state;
    greet(f);
    for (int i = 0; i < 10000; i++) {
        f->now += USEC_PER_SEC / session_default_limits.lines_per_second;
        say(f, "{\"t\":\"weather\"}");
    }
    assert_int_equal(f->session.state, SESSION_OPEN);
}

static void hostile_lines_are_violations(void **state)
{
    static const char *const lines[] = {
        "",
        "hello",
        "[]",
        "{\"t\":\"stats\"}",
        "{\"t\":\"stats\",\"id\":-1}",
        "{\"t\":\"run\",\"id\":1,\"steps\":[\"collect\"],\"gen\":2}",
        "{\"t\":\"stat\",\"id\":1,\"want\":[]}",
        "{\"t\":\"error\",\"id\":1,\"err\":\"busy\"}",
        "{\"t\":\"done\",\"id\":18446744073709551615,\"outcome\":\"ok\",\"steps\":1}",
        "{\"t\":{\"t\":{\"t\":{\"t\":1}}}}",
        "{\"t\":\"hello\",\"t\":\"hello\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        void *fresh;
        assert_int_equal(setup(&fresh), 0);
        struct fixture *f = fresh;
        greet(f);
        say(f, lines[i]);
        if (f->session.end != SESSION_END_VIOLATION)
            fail_msg("accepted: %s", lines[i]);
        teardown(&fresh);
    }
}

static void an_endless_line_is_a_violation(void **state)
{
    struct fixture *f = *state;
    char block[4096];
    memset(block, 'x', sizeof(block));
    greet(f);
    for (int i = 0; i < 64 && f->session.state == SESSION_OPEN; i++)
        session_on_bytes(&f->session, block, sizeof(block), f->now);
    assert_violation(f, "longer than allowed");
    assert_true(f->session.input.capacity <= CONTROL_LINE_MAX_BYTES);
}

static void nothing_is_said_after_the_end(void **state)
{
    struct fixture *f = *state;
    greet(f);
    const struct control_message bye = {.type = CONTROL_BYE, .bye = {.why = "exec"}};
    say_message(f, &bye);
    say(f, "{\"t\":\"weather\"}");
    say(f, "nonsense");
    assert_int_equal(f->session.end, SESSION_END_BYE);
    assert_int_equal(f->hellos, 1);
    assert_int_equal(session_request_stat(&f->session, false, f->now), -ENOTCONN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(hello_opens),
        TEST(lines_may_come_in_pieces),
        TEST(first_line_must_be_hello),
        TEST(unknown_first_line_is_no_hello),
        TEST(unknown_lines_are_ignored_later),
        TEST(marks_are_passed_on),
        TEST(no_region_is_older_than_the_machine),
        TEST(other_versions_are_sent_away),
        TEST(silence_at_the_start_ends_it),
        TEST(stat_is_asked_and_answered),
        TEST(stat_may_be_refused),
        TEST(late_stat_is_still_taken),
        TEST(unasked_stats_are_a_violation),
        TEST(absurd_stats_are_a_violation),
        TEST(run_is_asked_and_answered),
        TEST(a_trim_has_no_pause),
        TEST(run_may_be_refused),
        TEST(lies_about_runs_are_violations),
        TEST(silence_in_a_run_ends_the_session),
        TEST(a_long_budget_is_waited_for),
        TEST(a_lost_connection_answers_the_run),
        TEST(a_reported_step_counts_when_the_end_is_lost),
        TEST(what_it_cannot_do_is_not_asked),
        TEST(a_flood_is_a_violation),
        TEST(an_honest_pace_goes_on_for_ever),
        TEST(hostile_lines_are_violations),
        TEST(an_endless_line_is_a_violation),
        TEST(nothing_is_said_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
