/* SPDX-License-Identifier: MIT */
#include "agents/session.h"

#include "agents/claims.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/step.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One stat, one run, one census and a bye wait at most: far below this. */
#define SESSION_OUTPUT_LIMIT 4096
/* Keep no large buffer for a session that once had a long line. */
#define SESSION_INPUT_KEEP 4096
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

static void deliver_answer(struct session *session, const struct run_answer *answer)
{
    session->handler.on_answer(session->handler.context, answer);
}

static void deliver_census(struct session *session, struct census *census)
{
    session->handler.on_census(session->handler.context, census);
}

void session_close(struct session *session, enum session_end end, const char *why)
{
    if (session->state == SESSION_CLOSED)
        return;
    session->state = SESSION_CLOSED;
    session->end = end;
    text_copy(session->why, sizeof(session->why), why);
    session->stat_request = 0;
    if (session->inquiry.request)
        deliver_census(session, inquiry_give_up(&session->inquiry, end_rows[end].census));
    if (session->run.request) {
        struct run_answer answer;
        run_give_up(&session->run, end_rows[end].run, why, &answer);
        deliver_answer(session, &answer);
    }
}

static void violation(struct session *session, const char *what)
{
    char why[RECEIPT_NOTE_SIZE];
    snprintf(why, sizeof(why), "the agent broke the protocol: %s", what);
    session_close(session, SESSION_END_VIOLATION, why);
}

/* ---- lines ---- */

static void on_hello(struct session *session, const struct control_hello *hello)
{
    if (hello->version < CONTROL_VERSION_MIN || hello->version > CONTROL_VERSION) {
        char why[RECEIPT_NOTE_SIZE];
        snprintf(why, sizeof(why), "the agent speaks version %llu of the protocol, we speak %d",
                 (unsigned long long)hello->version, CONTROL_VERSION);
        /* Nothing else is in the buffer: the bye fits. */
        control_encode_bye(&session->output, "version");
        session_close(session, SESSION_END_VERSION, why);
        return;
    }
    bool again = session->state == SESSION_OPEN;
    session->state = SESSION_OPEN;
    session->capabilities = hello->capabilities;
    session->handler.on_hello(session->handler.context, hello, again);
}

static void on_stats(struct session *session, const struct control_message *message,
                     uint64_t now_usec)
{
    if (!session->stat_request || message->id != session->stat_request) {
        violation(session, "statistics that were not asked for");
        return;
    }
    const char *wrong = claims_judge_stats(&message->stats, now_usec - session->stat_sent_usec);
    if (wrong) {
        violation(session, wrong);
        return;
    }
    session->stat_request = 0;
    session->stat_late = false;
    session->handler.on_stats(session->handler.context, &message->stats);
}

static void on_step(struct session *session, const struct control_message *message,
                    uint64_t now_usec)
{
    const char *wrong = run_on_step(&session->run, message, now_usec);
    if (wrong)
        violation(session, wrong);
}

static void on_done(struct session *session, const struct control_message *message)
{
    struct run_answer answer;
    const char *wrong = run_on_done(&session->run, message, &answer);
    if (wrong)
        violation(session, wrong);
    else
        deliver_answer(session, &answer);
}

static void on_finding(struct session *session, const struct control_message *message)
{
    const char *wrong = inquiry_on_finding(&session->inquiry, message);
    if (wrong)
        violation(session, wrong);
}

static void on_censused(struct session *session, const struct control_message *message,
                        uint64_t now_usec)
{
    struct census *census;
    const char *wrong = inquiry_on_censused(&session->inquiry, message, now_usec, &census);
    if (wrong)
        violation(session, wrong);
    else
        deliver_census(session, census);
}

static void on_error(struct session *session, const struct control_message *message)
{
    if (message->id && message->id == session->stat_request) {
        session->stat_request = 0;
        session->stat_late = false;
        session->handler.on_stat_refused(session->handler.context, message->error.error);
    } else if (message->id && message->id == session->run.request && !session->run.answered) {
        struct run_answer answer;
        run_refused(&session->run, message->error.error, &answer);
        deliver_answer(session, &answer);
    } else if (message->id && message->id == session->inquiry.request) {
        deliver_census(session, inquiry_refused(&session->inquiry, message->error.error));
    } else {
        violation(session, "an error about a request that was not made");
    }
}

static void on_mark(struct session *session, const struct control_mark *mark, uint64_t now_usec)
{
    const char *wrong = claims_judge_mark(mark, now_usec);
    if (wrong)
        violation(session, wrong);
    else
        session->handler.on_mark(session->handler.context, mark);
}

static void on_message(struct session *session, const struct control_message *message,
                       uint64_t now_usec)
{
    if (session->state == SESSION_HELLO && message->type != CONTROL_HELLO) {
        violation(session, "its first line is no hello");
        return;
    }
    switch (message->type) {
    case CONTROL_HELLO:
        on_hello(session, &message->hello);
        break;
    case CONTROL_STATS:
        on_stats(session, message, now_usec);
        break;
    case CONTROL_STEP:
        on_step(session, message, now_usec);
        break;
    case CONTROL_DONE:
        on_done(session, message);
        break;
    case CONTROL_ERROR:
        on_error(session, message);
        break;
    case CONTROL_BYE:
        session_close(session, SESSION_END_BYE, message->bye.why);
        break;
    case CONTROL_FINDING:
        on_finding(session, message);
        break;
    case CONTROL_CENSUSED:
        on_censused(session, message, now_usec);
        break;
    case CONTROL_MARK:
        on_mark(session, &message->mark, now_usec);
        break;
    case CONTROL_STAT:
    case CONTROL_RUN:
    case CONTROL_CENSUS:
        violation(session, "a request, which only the daemon makes");
        break;
    }
}

static void on_line(struct session *session, const char *line, size_t length, uint64_t now_usec)
{
    if (!inquiry_takes_line(&session->inquiry) && !quota_take(&session->lines, now_usec)) {
        violation(session, "too many lines");
        return;
    }
    struct control_message message;
    switch (control_decode(line, length, &message)) {
    case CONTROL_DECODED:
        on_message(session, &message, now_usec);
        break;
    case CONTROL_UNKNOWN_TYPE:
        /* A later version of the same protocol may say more; it changes nothing here. */
        if (session->state == SESSION_HELLO)
            violation(session, "its first line is no hello");
        break;
    case CONTROL_INVALID:
        violation(session, "a line with a missing or impossible field");
        break;
    case CONTROL_MALFORMED:
        violation(session, "a line that is not the JSON agreed on");
        break;
    }
}

static void keep_rest(struct session *session, const char *bytes, size_t length)
{
    int r = buffer_append(&session->input, bytes, length);
    if (r == -ENOBUFS)
        violation(session, "a line longer than allowed");
    else if (r < 0)
        session_close(session, SESSION_END_STOPPED, "no memory for its line");
}

/* The line that began in earlier bytes ends here. */
static void on_joined_line(struct session *session, const char *bytes, size_t length,
                           uint64_t now_usec)
{
    if (session->input.size == 0) {
        on_line(session, bytes, length, now_usec);
        return;
    }
    keep_rest(session, bytes, length);
    if (session->state == SESSION_CLOSED)
        return;
    on_line(session, session->input.data, session->input.size, now_usec);
    buffer_consume(&session->input, session->input.size);
    if (session->input.capacity > SESSION_INPUT_KEEP) {
        buffer_finish(&session->input);
        buffer_init(&session->input, CONTROL_LINE_MAX_BYTES);
    }
}

void session_on_bytes(struct session *session, const void *bytes, size_t length, uint64_t now_usec)
{
    const char *at = bytes, *end = at + length;
    while (at < end && session->state != SESSION_CLOSED) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (!newline) {
            keep_rest(session, at, (size_t)(end - at));
            return;
        }
        on_joined_line(session, at, (size_t)(newline - at), now_usec);
        at = newline + 1;
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
