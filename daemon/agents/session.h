/* SPDX-License-Identifier: MIT */
/*
 * One connected agent as protocol state: bytes and time go in, requests are asked for, what the
 * agent said comes out by the handler. Pure: no I/O, no clock; whoever owns the connection drains
 * `output`, feeds what it read and closes when the state says so. Everything an agent says is
 * untrusted: a line out of order, an answer nobody asked for, a number that cannot be or too many
 * lines end the session. One thread.
 *
 * One stat, one run and one census may be under way. A run holds exactly one step, because a ladder
 * measures after each. An agent that does not answer a run or a census in time is dropped: with the
 * connection it drops what it had queued, so the step cannot happen after its receipt was closed.
 */
#ifndef MEMTEND_AGENTS_SESSION_H
#define MEMTEND_AGENTS_SESSION_H

#include "agents/inquiry.h"
#include "agents/quota.h"
#include "agents/run.h"
#include "base/buffer.h"
#include "model/process.h"
#include "wire/control.h"

enum session_state {
    SESSION_HELLO, /* connected, nothing said yet */
    SESSION_OPEN,
    SESSION_CLOSED, /* `end` and `why` are set; send what is in output, then close */
};

enum session_end {
    SESSION_END_NONE,
    SESSION_END_BYE,       /* the agent said so */
    SESSION_END_LOST,      /* the connection ended without a word */
    SESSION_END_VIOLATION, /* the agent broke the protocol or lied */
    SESSION_END_VERSION,   /* it speaks a version we do not */
    SESSION_END_SILENT,    /* no hello, or no answer to a run, in time */
    SESSION_END_STOPPED,   /* by us */
};

struct session_limits {
    uint64_t hello_usec;       /* from the connection to the first hello */
    uint64_t stat_usec;        /* an agent without answer to a stat is shown as silent then */
    uint64_t run_usec;         /* an agent without answer to a run is dropped then */
    uint64_t gil_timeout_msec; /* how long the agent may wait for the GIL to do a step */
    uint32_t lines_per_second;
    uint32_t lines_burst;
};

extern const struct session_limits session_default_limits;

/* Called from inside session_on_...(); must not free the session. */
struct session_handler {
    void *context;
    void (*on_hello)(void *context, const struct control_hello *hello, bool again);
    void (*on_stats)(void *context, const struct control_stats *stats);
    /* The agent refused the stat as a whole. */
    void (*on_stat_refused)(void *context, enum control_result why);
    /* No answer to a stat within stat_usec; it may still come. */
    void (*on_stat_late)(void *context);
    void (*on_mark)(void *context, const struct control_mark *mark);
    /* Exactly once for each run that was accepted. */
    void (*on_answer)(void *context, const struct run_answer *answer);
    /* Exactly once for each census that was accepted; takes it (from malloc). */
    void (*on_census)(void *context, struct census *census);
};

struct session {
    struct session_limits limits;
    struct session_handler handler;
    enum session_state state;
    enum session_end end;
    char why[RECEIPT_NOTE_SIZE]; /* clean text */

    struct buffer input;  /* at most one unfinished line */
    struct buffer output; /* to send; the owner of the connection drains it */

    uint64_t connected_usec;
    struct quota lines;

    uint64_t last_request; /* ids count from 1 */
    uint64_t stat_request; /* 0 = none */
    uint64_t stat_sent_usec;
    bool stat_late; /* past stat_usec; still awaited */
    struct run run;
    struct inquiry inquiry;

    uint32_t capabilities; /* of the last hello */
};

void session_init(struct session *session, const struct session_limits *limits,
                  const struct session_handler *handler, uint64_t now_usec);
void session_finish(struct session *session);

/* Bytes as they came. Ignored when closed. */
void session_on_bytes(struct session *session, const void *bytes, size_t length, uint64_t now_usec);
/* *ret_next_deadline = session_deadline() afterwards. */
void session_on_time(struct session *session, uint64_t now_usec, uint64_t *ret_next_deadline);
/* When session_on_time() is due; UINT64_MAX = not before something else happens. */
uint64_t session_deadline(const struct session *session);
/* The connection ended, or we end it; a run under way is answered. Nothing when already closed. */
void session_close(struct session *session, enum session_end end, const char *why);

/* pools: with pymalloc's, if it can, which costs the process 0.1 ms a MB. */
/* 0; -EBUSY one is under way; -ENOTCONN; -EOPNOTSUPP the agent cannot; -ENOBUFS it does not read */
int session_request_stat(struct session *session, bool pools, uint64_t now_usec);
int session_request_run(struct session *session, enum step_kind step, uint64_t max_pause_usec,
                        uint64_t now_usec, uint64_t *ret_request);

/* As session_request_run(). */
int session_request_census(struct session *session, const struct census_question *question,
                           uint64_t now_usec);

bool session_can(const struct session *session, enum step_kind step);

#endif
