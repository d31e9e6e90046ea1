/* SPDX-License-Identifier: MIT */
/*
 * What came of a run, in the words of receipts. Plain data.
 */
#ifndef MEMTEND_AGENTS_ANSWER_H
#define MEMTEND_AGENTS_ANSWER_H

#include "model/receipt.h"
#include "wire/control.h"

enum session_outcome {
    SESSION_STEP_DONE,     /* it ran to its end */
    SESSION_STEP_BUSY,     /* it did not run: the GIL or the agent was taken, or is not up yet */
    SESSION_STEP_REFUSED,  /* it did not run: not possible there, or the pause would be too long */
    SESSION_STEP_FAILED,   /* it ran and raised an error inside the process */
    SESSION_STEP_SILENT,   /* no answer in time */
    SESSION_STEP_LOST,     /* the session ended first */
    SESSION_STEP_DISTRUST, /* the agent broke the protocol: nothing it said is believed */
};

struct session_answer {
    uint64_t request; /* as session_request_run() gave it */
    enum step_kind step;
    enum session_outcome outcome;
    int64_t objects;    /* what gc.collect() returned; -1 = unknown */
    int64_t pause_usec; /* how long the GIL was held; -1 = unknown, and for a trim */
    int64_t run_usec;   /* -1 = unknown */
    char note[RECEIPT_NOTE_SIZE];
};

/* Without numbers. */
void answer_init(struct session_answer *answer, uint64_t request, enum step_kind step,
                 enum session_outcome outcome, const char *note);
/* By what the agent said of the request or the step; outcome and note. */
void answer_init_result(struct session_answer *answer, uint64_t request, enum step_kind step,
                        enum control_result result);
/* Take the numbers of the step line. */
void answer_add_numbers(struct session_answer *answer, const struct control_step *step);

#endif
