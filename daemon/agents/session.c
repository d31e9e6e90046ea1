/* SPDX-License-Identifier: MIT */
#include "agents/session.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>

/* One stat, one run, one census and a bye wait at most: far below this. */
#define SESSION_OUTPUT_LIMIT 4096
/* A stat is routine: better no gc numbers this time than a busy program. */
#define SESSION_STAT_GIL_TIMEOUT_MSEC 500
/* Half of what a thread of the program may be late for statistics (1 ms); the rest is for waking.
 */
#define SESSION_STAT_HOLD_USEC 500

const struct session_limits session_default_limits = {
    .hello_usec = 5 * USEC_PER_SEC,
    .stat_usec = 2 * USEC_PER_SEC,
    .run_usec = 10 * USEC_PER_SEC,
    /* A program that holds the GIL longer is busy in C; waiting there only queues the pause. */
    .gil_timeout_msec = 3000,
    /* An honest agent sends 4 lines a second at most, more only while its runtime starts. */
    .lines_per_second = 20,
    .lines_burst = 60,
};

void session_init(struct session *session, const struct session_limits *limits,
                  const struct session_handler *handler, uint64_t now_usec)
{
    *session = (struct session){
        .limits = *limits,
        .handler = *handler,
        .connected_usec = now_usec,
    };
    quota_init(&session->lines, limits->lines_per_second, limits->lines_burst, now_usec);
    buffer_init(&session->input, CONTROL_LINE_MAX_BYTES);
    buffer_init(&session->output, SESSION_OUTPUT_LIMIT);
}

void session_finish(struct session *session)
{
    buffer_finish(&session->input);
    buffer_finish(&session->output);
    inquiry_finish(&session->inquiry);
}

/* ---- the end ---- */

struct end_row {
    enum run_outcome run;
    enum census_outcome census;
};

/* What is answered to a run or a census under way when the session ends, by how it ends. */
static const struct end_row end_rows[] = {
    [SESSION_END_BYE] = {RUN_LOST, CENSUS_LOST},
    [SESSION_END_LOST] = {RUN_LOST, CENSUS_LOST},
    [SESSION_END_VIOLATION] = {RUN_DISTRUST, CENSUS_DISTRUST},
    [SESSION_END_VERSION] = {RUN_LOST, CENSUS_LOST},
    [SESSION_END_SILENT] = {RUN_SILENT, CENSUS_SILENT},
    [SESSION_END_STOPPED] = {RUN_LOST, CENSUS_LOST},
};

void session_close(struct session *session, enum session_end end, const char *why)
{
    if (session->state == SESSION_CLOSED)
        return;
    session->state = SESSION_CLOSED;
    session->end = end;
    text_copy(session->why, sizeof(session->why), why);
    session->stat_request = 0;
    if (session->inquiry.request)
        session->handler.on_census(session->handler.context,
                                   inquiry_give_up(&session->inquiry, end_rows[end].census));
    if (session->run.request) {
        struct run_answer answer;
        run_give_up(&session->run, end_rows[end].run, why, &answer);
        session->handler.on_answer(session->handler.context, &answer);
    }
}

/* ---- time ---- */

static uint64_t earlier(uint64_t a_usec, uint64_t b_usec)
{
    return a_usec < b_usec ? a_usec : b_usec;
}

uint64_t session_deadline(const struct session *session)
{
    uint64_t next = UINT64_MAX;
    if (session->state == SESSION_CLOSED)
        return next;
    if (session->state == SESSION_HELLO)
        next = session->connected_usec + session->limits.hello_usec;
    if (session->run.request)
        next = earlier(next, session->run.due_usec);
    if (session->inquiry.request)
        next = earlier(next, session->inquiry.due_usec);
    if (session->stat_request && !session->stat_late)
        next = earlier(next, session->stat_sent_usec + session->limits.stat_usec);
    return next;
}

static void on_deadline(struct session *session, uint64_t now_usec)
{
    if (session->state == SESSION_HELLO) {
        session_close(session, SESSION_END_SILENT, "no hello in time");
    } else if ((session->run.request && now_usec >= session->run.due_usec) ||
               (session->inquiry.request && now_usec >= session->inquiry.due_usec)) {
        session_close(session, SESSION_END_SILENT, "the agent did not answer in time");
    } else {
        session->stat_late = true;
        session->handler.on_stat_late(session->handler.context);
    }
}

void session_on_time(struct session *session, uint64_t now_usec, uint64_t *ret_next_deadline)
{
    uint64_t next = session_deadline(session);
    while (now_usec >= next) {
        on_deadline(session, now_usec);
        next = session_deadline(session);
    }
    *ret_next_deadline = next;
}

/* ---- requests ---- */

bool session_can(const struct session *session, enum step_kind step)
{
    static const enum control_capability needs[STEP_KIND_COUNT] = {
        [STEP_HOOKS] = CONTROL_CAN_HOOKS,
        [STEP_COLLECT] = CONTROL_CAN_COLLECT,
        [STEP_TRIM] = CONTROL_CAN_TRIM,
        [STEP_FREEZE] = CONTROL_CAN_FREEZE,
    };
    return session->state == SESSION_OPEN && session->capabilities & needs[step];
}

int session_request_stat(struct session *session, bool pools, uint64_t now_usec)
{
    if (session->state != SESSION_OPEN)
        return -ENOTCONN;
    if (!(session->capabilities & (CONTROL_CAN_MALLOC | CONTROL_CAN_GC)))
        return -EOPNOTSUPP;
    /* Behind a run or a census a stat would wait for its end and look late. */
    if (session->stat_request || session->run.request || session->inquiry.request)
        return -EBUSY;
    const struct control_stat stat = {
        .malloc = session->capabilities & CONTROL_CAN_MALLOC,
        .gc = session->capabilities & CONTROL_CAN_GC,
        .pools = pools && session->capabilities & CONTROL_CAN_POOLS,
        .gil_timeout_msec = SESSION_STAT_GIL_TIMEOUT_MSEC,
        .max_hold_usec = SESSION_STAT_HOLD_USEC,
    };
    int r = control_encode_stat(&session->output, session->last_request + 1, &stat);
    if (r < 0)
        return r;
    session->stat_request = ++session->last_request;
    session->stat_sent_usec = now_usec;
    return 0;
}

int session_request_run(struct session *session, enum step_kind step, uint64_t max_pause_usec,
                        uint64_t now_usec, uint64_t *ret_request)
{
    if (session->state != SESSION_OPEN)
        return -ENOTCONN;
    if (!session_can(session, step))
        return -EOPNOTSUPP;
    if (session->run.request)
        return -EBUSY;
    const struct run_order order = {
        .step = step,
        .max_pause_usec = max_pause_usec,
        .gil_timeout_msec = session->limits.gil_timeout_msec,
        .patience_usec = session->limits.run_usec,
    };
    int r = run_ask(&session->run, &session->output, session->last_request + 1, &order, now_usec);
    if (r == 0)
        *ret_request = ++session->last_request;
    return r;
}

int session_request_census(struct session *session, const struct census_question *question,
                           uint64_t now_usec)
{
    if (session->state != SESSION_OPEN)
        return -ENOTCONN;
    if (!(session->capabilities & CONTROL_CAN_CENSUS))
        return -EOPNOTSUPP;
    /* Behind a run it would wait for the end of that, and look silent. */
    if (session->inquiry.request || session->run.request)
        return -EBUSY;
    const struct inquiry_order order = {
        .question = *question,
        .gil_timeout_msec = session->limits.gil_timeout_msec,
        .patience_usec = session->limits.run_usec,
    };
    int r = inquiry_ask(&session->inquiry, &session->output, session->last_request + 1, &order,
                        now_usec);
    if (r == 0)
        session->last_request++;
    return r;
}
