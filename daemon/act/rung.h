/* SPDX-License-Identifier: MIT */
/*
 * What a ladder makes of a step that could not be sent, or that has ended, as tables. Constant; any
 * thread.
 */
#ifndef MEMTEND_ACT_RUNG_H
#define MEMTEND_ACT_RUNG_H

#include "act/ladder.h"

struct rung {
    enum receipt_outcome outcome; /* NONE: what is measured decides */
    bool ran;                     /* or may have: measure again */
    bool last;                    /* no later step can go better: nothing more is sent */
    const char *note;             /* NULL: the agent's own */
};

/* error: of ladder_ops.send, negative. */
const struct rung *rung_not_sent(int error);
const struct rung *rung_ended(enum ladder_end end);

#endif
