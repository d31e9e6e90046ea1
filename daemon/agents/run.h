/* SPDX-License-Identifier: MIT */
/*
 * The run of a session: one step asked for, its answer put together from the lines about it, handed
 * out once, in the words of receipts. A part of struct session; one thread.
 */
#ifndef MEMTEND_AGENTS_RUN_H
#define MEMTEND_AGENTS_RUN_H

#include "base/buffer.h"
#include "model/receipt.h"
#include "wire/control.h"

enum run_outcome {
    RUN_DONE,     /* it ran to its end */
    RUN_BUSY,     /* it did not run: the GIL or the agent was taken, or is not up yet */
    RUN_REFUSED,  /* it did not run: not possible there, or the pause would be too long */
    RUN_FAILED,   /* it ran and raised an error inside the process */
    RUN_SILENT,   /* no answer in time */
    RUN_LOST,     /* the session ended first */
    RUN_DISTRUST, /* the agent broke the protocol: nothing it said is believed */
};

struct run_answer {
    uint64_t request; /* as session_request_run() gave it */
    enum step_kind step;
    enum run_outcome outcome;
    int64_t objects;    /* what gc.collect() returned; -1 = unknown */
    int64_t pause_usec; /* how long the GIL was held; -1 = unknown, and for a trim */
    int64_t run_usec;   /* -1 = unknown */
    char note[RECEIPT_NOTE_SIZE];
};

struct run_order {
    enum step_kind step;
    uint64_t max_pause_usec; /* 0: no limit */
    uint64_t gil_timeout_msec;
    uint64_t patience_usec; /* at least; a pause that may be longer is waited for */
};

struct run {
    uint64_t request; /* 0 = none under way */
    uint64_t sent_usec, due_usec;
    bool answered; /* its step line came; done must follow */
    struct run_answer answer;
};

/* 0; -ENOBUFS, -EINVAL. */
int run_ask(struct run *run, struct buffer *output, uint64_t request, const struct run_order *order,
            uint64_t now_usec);

/* NULL, or what is wrong in words. */
const char *run_on_step(struct run *run, const struct control_message *message, uint64_t now_usec);
/* NULL and the answer: it has ended; or what is wrong. */
const char *run_on_done(struct run *run, const struct control_message *message,
                        struct run_answer *ret_answer);
/* It ended by what the agent said of the request as a whole. */
void run_refused(struct run *run, enum control_result why, struct run_answer *ret_answer);
/* It ended without more being said. A step that was reported as ended has ended, unless the
 * reporter is known to lie. */
void run_give_up(struct run *run, enum run_outcome outcome, const char *why,
                 struct run_answer *ret_answer);

#endif
