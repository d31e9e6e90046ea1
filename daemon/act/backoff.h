/* SPDX-License-Identifier: MIT */
/*
 * What steps have been good for in one process: one that twice in a row gave nothing back is left
 * out by rules for ten minutes, then for twice as long each time, for a day at most. People may
 * always ask. Pure; zeroed = nothing is known. Owned by who knows the process; one thread.
 */
#ifndef MEMTEND_ACT_BACKOFF_H
#define MEMTEND_ACT_BACKOFF_H

#include "model/receipt.h"

struct backoff {
    struct backoff_step {
        uint32_t fruitless;  /* times in a row */
        uint64_t until_usec; /* monotonic; meaningful from the second on */
    } steps[STEP_KIND_COUNT];
};

/* From a finished receipt. A step has borne fruit when it, or one behind it in the same receipt,
 * gave memory back: a trim returns what a collect has made free. What did not run teaches nothing,
 * and `freeze` is not there to give back. */
void backoff_learn(struct backoff *backoff, const struct receipt *receipt, uint64_t now_usec);
/* True: leave it out now; the note says why and for how long. */
bool backoff_suspends(const struct backoff *backoff, enum step_kind step, uint64_t now_usec,
                      char ret_note[static RECEIPT_NOTE_SIZE]);

#endif
