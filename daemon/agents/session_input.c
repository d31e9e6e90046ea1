/* SPDX-License-Identifier: MIT */
/*
 * What an agent says: bytes to lines, lines to what is told the handler, or the end of the session.
 */
#include "agents/session.h"

#include "agents/claims.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Keep no large buffer for a session that once had a long line. */
#define SESSION_INPUT_KEEP 4096

static void violation(struct session *session, const char *what)
{
    char why[RECEIPT_NOTE_SIZE];
    snprintf(why, sizeof(why), "the agent broke the protocol: %s", what);
    session_close(session, SESSION_END_VIOLATION, why);
}

/* ---- messages ---- */

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
        session->handler.on_answer(session->handler.context, &answer);
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
        session->handler.on_census(session->handler.context, census);
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
        session->handler.on_answer(session->handler.context, &answer);
    } else if (message->id && message->id == session->inquiry.request) {
        session->handler.on_census(session->handler.context,
                                   inquiry_refused(&session->inquiry, message->error.error));
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

/* ---- bytes to lines ---- */

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
