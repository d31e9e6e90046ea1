/* SPDX-License-Identifier: MIT */
/* The census of a session: what is asked, gathered, believed and given up. */
#include "agents/session.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CAPABILITIES (CONTROL_CAN_MALLOC | CONTROL_CAN_COLLECT | CONTROL_CAN_CENSUS)

struct fixture {
    struct session session;
    uint64_t now;
    int censuses, answers;
    struct census census;
};

static void on_hello(void *context, const struct control_hello *hello, bool again)
{
    (void)context, (void)hello, (void)again;
}

static void on_answer(void *context, const struct run_answer *answer)
{
    struct fixture *f = context;
    (void)answer;
    f->answers++;
}

static void on_stats(void *context, const struct control_stats *stats)
{
    (void)context, (void)stats;
}

static void on_census(void *context, struct census *census)
{
    struct fixture *f = context;
    f->censuses++;
    f->census = *census;
    free(census);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct session_handler handler = {.context = f,
                                            .on_hello = on_hello,
                                            .on_stats = on_stats,
                                            .on_answer = on_answer,
                                            .on_census = on_census};
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

static void send_buffer(struct fixture *f, struct buffer *out, int encoded)
{
    assert_int_equal(encoded, 0);
    session_on_bytes(&f->session, out->data, out->size, f->now);
    buffer_finish(out);
}

static void greet(struct fixture *f, uint32_t capabilities)
{
    const struct control_hello hello = {.version = 1, .capabilities = capabilities};
    struct buffer out;
    buffer_init(&out, CONTROL_LINE_MAX_BYTES);
    send_buffer(f, &out, control_encode_hello(&out, &hello));
    assert_int_equal(f->session.state, SESSION_OPEN);
}

static uint64_t ask(struct fixture *f, enum census_mode mode, size_t top)
{
    const struct census_question question = {.mode = mode, .top = top, .max_objects = 1000};
    assert_int_equal(session_request_census(&f->session, &question, f->now), 0);
    return f->session.last_request;
}

static void find(struct fixture *f, uint64_t id, const struct control_finding *finding)
{
    struct buffer out;
    buffer_init(&out, CONTROL_LINE_MAX_BYTES);
    send_buffer(f, &out, control_encode_finding(&out, id, finding));
}

static void end(struct fixture *f, uint64_t id, enum control_result outcome, uint64_t findings)
{
    const struct control_censused censused = {.outcome = outcome,
                                              .findings = findings,
                                              .has = CONTROL_CENSUSED_HAS_OBJECTS |
                                                     CONTROL_CENSUSED_HAS_HOLD_USEC,
                                              .objects = 5,
                                              .hold_usec = 900,
                                              .run_usec = 1000};
    struct buffer out;
    buffer_init(&out, CONTROL_LINE_MAX_BYTES);
    send_buffer(f, &out, control_encode_censused(&out, id, &censused));
}

static void refuse(struct fixture *f, uint64_t id, enum control_result why)
{
    struct buffer out;
    buffer_init(&out, CONTROL_LINE_MAX_BYTES);
    send_buffer(f, &out, control_encode_error(&out, id, why));
}

static struct control_finding container(const char *path)
{
    struct control_finding finding = {.kind = CONTROL_FINDING_CONTAINER,
                                      .has = CONTROL_FINDING_HAS_COUNT | CONTROL_FINDING_HAS_GROWTH,
                                      .type = "dict",
                                      .count = 500,
                                      .rises = 2,
                                      .growth = 40,
                                      .holders = {.count = 2, .names = {"a.b", "c.d"}}};
    text_copy(finding.path, sizeof(finding.path), path);
    return finding;
}

static void assert_violation(struct fixture *f, const char *what)
{
    assert_int_equal(f->session.end, SESSION_END_VIOLATION);
    if (!strstr(f->session.why, what))
        fail_msg("\"%s\" does not say \"%s\"", f->session.why, what);
}

static void a_census_is_gathered(void **state)
{
    struct fixture *f = *state;
    greet(f, CAPABILITIES);
    uint64_t id = ask(f, CENSUS_ROOTS, 3);
    assert_non_null(strstr(f->session.output.data, "\"t\":\"census\""));
    assert_non_null(strstr(f->session.output.data, "\"mode\":\"roots\",\"top\":3"));
    f->now += USEC_PER_SEC;
    struct control_finding finding = container("__main__.d");
    find(f, id, &finding);
    assert_int_equal(f->censuses, 0);
    end(f, id, CONTROL_RESULT_OK, 1);
    assert_int_equal(f->censuses, 1);
    assert_int_equal(f->census.outcome, CENSUS_DONE);
    assert_int_equal(f->census.count, 1);
    assert_int_equal(f->census.objects, 5);
    assert_int_equal(f->census.hold_usec, 900);
    assert_int_equal(f->census.gil_wait_usec, -1);
    const struct census_finding *found = &f->census.findings[0];
    assert_int_equal(found->kind, CENSUS_CONTAINER);
    assert_string_equal(found->path, "__main__.d");
    assert_int_equal(found->count, 500);
    assert_int_equal(found->references, -1);
    assert_int_equal(found->growth, 40);
    assert_int_equal(found->holder_count, 2);
    assert_string_equal(found->holders[1], "c.d");
    assert_int_equal(f->session.state, SESSION_OPEN);
}

static void one_at_a_time(void **state)
{
    struct fixture *f = *state;
    const struct census_question question = {.mode = CENSUS_FULL, .top = 1, .max_objects = 1};
    uint64_t request;
    assert_int_equal(session_request_census(&f->session, &question, f->now), -ENOTCONN);
    greet(f, CAPABILITIES);
    uint64_t id = ask(f, CENSUS_FULL, 1);
    assert_int_equal(session_request_census(&f->session, &question, f->now), -EBUSY);
    assert_int_equal(session_request_stat(&f->session, false, f->now), -EBUSY);
    end(f, id, CONTROL_RESULT_OK, 0);
    assert_int_equal(session_request_run(&f->session, STEP_COLLECT, 1, f->now, &request), 0);
    assert_int_equal(session_request_census(&f->session, &question, f->now), -EBUSY);
}

static void an_agent_that_cannot_is_not_asked(void **state)
{
    struct fixture *f = *state;
    const struct census_question question = {.mode = CENSUS_ROOTS, .top = 1, .max_objects = 1};
    greet(f, CONTROL_CAN_MALLOC);
    assert_int_equal(session_request_census(&f->session, &question, f->now), -EOPNOTSUPP);
}

static void it_may_be_refused(void **state)
{
    static const struct {
        enum control_result said;
        enum census_outcome outcome;
    } cases[] = {{CONTROL_RESULT_GIL_TIMEOUT, CENSUS_GIL_TIMEOUT},
                 {CONTROL_RESULT_TOO_MANY_OBJECTS, CENSUS_TOO_MANY_OBJECTS},
                 {CONTROL_RESULT_UNSUPPORTED, CENSUS_UNSUPPORTED},
                 {CONTROL_RESULT_BUSY, CENSUS_BUSY},
                 {CONTROL_RESULT_NOT_READY, CENSUS_NOT_READY},
                 {CONTROL_RESULT_CLOSING, CENSUS_CLOSING},
                 {CONTROL_RESULT_FAILED, CENSUS_FAILED},
                 {CONTROL_RESULT_BAD_REQUEST, CENSUS_UNSUPPORTED},
                 {CONTROL_RESULT_TOO_LATE, CENSUS_UNSUPPORTED}};
    struct fixture *f = *state;
    greet(f, CAPABILITIES);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f->now += USEC_PER_SEC;
        refuse(f, ask(f, CENSUS_ROOTS, 5), cases[i].said);
        assert_int_equal(f->censuses, 2 * (int)i + 1);
        assert_int_equal(f->census.outcome, cases[i].outcome);
        end(f, ask(f, CENSUS_FULL, 5), cases[i].said, 0);
        assert_int_equal(f->censuses, 2 * (int)i + 2);
        assert_int_equal(f->census.outcome, cases[i].outcome);
    }
    assert_int_equal(f->session.state, SESSION_OPEN);
}

static void its_lines_do_not_count_as_a_flood(void **state)
{
    struct fixture *f = *state;
    struct control_finding finding = container("a.b");
    greet(f, CAPABILITIES);
    for (int round = 0; round < 20; round++) { /* 820 lines at one instant */
        uint64_t id = ask(f, CENSUS_ROOTS, CENSUS_FINDINGS);
        for (int i = 0; i < CENSUS_FINDINGS; i++)
            find(f, id, &finding);
        end(f, id, CONTROL_RESULT_OK, CENSUS_FINDINGS);
        buffer_consume(&f->session.output, f->session.output.size);
    }
    assert_int_equal(f->censuses, 20);
    assert_int_equal(f->census.count, CENSUS_FINDINGS);
}

static void what_was_not_asked_ends_it(void **state)
{
    struct fixture *f = *state;
    struct control_finding finding = container("a.b");
    greet(f, CAPABILITIES);
    find(f, 1, &finding);
    assert_violation(f, "a finding that was not asked for");
    assert_int_equal(f->censuses, 0);
}

static void an_end_that_was_not_asked_ends_it(void **state)
{
    struct fixture *f = *state;
    greet(f, CAPABILITIES);
    end(f, 1, CONTROL_RESULT_OK, 0);
    assert_violation(f, "the end of a census that was not asked for");
}

/* Each lie in a session of its own. */
static void lies(void **state)
{
    (void)state;
    struct lie {
        const char *what;
        size_t findings;
        enum control_finding_kind kind;
        uint64_t count, growth, end_findings;
        enum control_result outcome;
    } table[] = {
        {"more findings than", 3, CONTROL_FINDING_CONTAINER, 9, 1, 3, CONTROL_RESULT_OK},
        {"another kind", 1, CONTROL_FINDING_SUSPECT, 9, 1, 1, CONTROL_RESULT_OK},
        {"longer than", 1, CONTROL_FINDING_CONTAINER, UINT64_C(1) << 60, 1, 1, CONTROL_RESULT_OK},
        {"longer than", 1, CONTROL_FINDING_CONTAINER, 5, 6, 1, CONTROL_RESULT_OK},
        {"does not fit", 1, CONTROL_FINDING_CONTAINER, 9, 1, 2, CONTROL_RESULT_OK},
        {"does not fit", 1, CONTROL_FINDING_CONTAINER, 9, 1, 1, CONTROL_RESULT_FAILED},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        void *own;
        setup(&own);
        struct fixture *f = own;
        const struct lie *lie = &table[i];
        greet(f, CAPABILITIES);
        uint64_t id = ask(f, CENSUS_ROOTS, 2);
        struct control_finding finding = container("a.b");
        finding.kind = lie->kind;
        finding.count = lie->count;
        finding.growth = lie->growth;
        for (size_t j = 0; j < lie->findings; j++)
            find(f, id, &finding);
        end(f, id, lie->outcome, lie->end_findings);
        assert_violation(f, lie->what);
        assert_int_equal(f->censuses, 1);
        assert_int_equal(f->census.count, 0);
        teardown(&own);
    }
}

static void no_time_is_longer_than_the_answer_took(void **state)
{
    struct fixture *f = *state;
    greet(f, CAPABILITIES);
    const struct control_censused censused = {
        .has = CONTROL_CENSUSED_HAS_HOLD_USEC, .hold_usec = USEC_PER_SEC, .run_usec = 1};
    struct buffer out;
    uint64_t id = ask(f, CENSUS_ROOTS, 2);
    f->now += USEC_PER_SEC / 2;
    buffer_init(&out, CONTROL_LINE_MAX_BYTES);
    send_buffer(f, &out, control_encode_censused(&out, id, &censused));
    assert_violation(f, "took longer");
    assert_int_equal(f->census.outcome, CENSUS_DISTRUST);
}

static void silence_ends_the_session(void **state)
{
    struct fixture *f = *state;
    uint64_t next;
    greet(f, CAPABILITIES);
    ask(f, CENSUS_ROOTS, 2);
    assert_int_equal(session_deadline(&f->session), f->now + session_default_limits.run_usec);
    f->now += session_default_limits.run_usec;
    session_on_time(&f->session, f->now, &next);
    assert_int_equal(f->session.end, SESSION_END_SILENT);
    assert_int_equal(f->censuses, 1);
    assert_int_equal(f->census.outcome, CENSUS_SILENT);
}

static void a_lost_connection_answers_it(void **state)
{
    struct fixture *f = *state;
    struct control_finding finding = container("a.b");
    greet(f, CAPABILITIES);
    find(f, ask(f, CENSUS_ROOTS, 2), &finding);
    session_close(&f->session, SESSION_END_LOST, "the connection was lost");
    assert_int_equal(f->censuses, 1);
    assert_int_equal(f->census.outcome, CENSUS_LOST);
    assert_int_equal(f->census.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_census_is_gathered),
        TEST(one_at_a_time),
        TEST(an_agent_that_cannot_is_not_asked),
        TEST(it_may_be_refused),
        TEST(its_lines_do_not_count_as_a_flood),
        TEST(what_was_not_asked_ends_it),
        TEST(an_end_that_was_not_asked_ends_it),
        cmocka_unit_test(lies),
        TEST(no_time_is_longer_than_the_answer_took),
        TEST(silence_ends_the_session),
        TEST(a_lost_connection_answers_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
