/* SPDX-License-Identifier: MIT */
/*
 * The table of causes: for each, whether it holds and how much of RSS it explains, and how it is
 * told. Constant data and pure functions.
 */
#ifndef MEMTEND_DIAGNOSE_CAUSES_H
#define MEMTEND_DIAGNOSE_CAUSES_H

#include "diagnose/facts.h"
#include "model/verdict.h"

struct finding {
    int64_t bytes; /* of RSS */
    enum verdict_confidence confidence;
};

struct cause {
    enum verdict_cause id;
    bool decides; /* holds: no later one is asked; else the one that explains most is chosen */
    bool (*holds)(const struct facts *facts, struct finding *ret_finding);
    /* Fills sentence, first lines, step, prediction, cannot and next; `bytes` and `confidence` are
     * there already. */
    void (*tell)(const struct facts *facts, struct verdict *verdict);
};

extern const struct cause causes[];
extern const size_t cause_count;

#endif
