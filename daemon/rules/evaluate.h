/* SPDX-License-Identifier: MIT */
/*
 * A condition on what is known now: three-valued. Private to rules/.
 */
#ifndef MEMTEND_RULES_EVALUATE_H
#define MEMTEND_RULES_EVALUATE_H

#include "rules/rules.h"

/* Everything one evaluation looks at. */
struct evaluate {
    const struct rule_subject *subject;
    struct rule_progress *progress; /* NULL: metrics are unknown, texts are not cached */
    uint64_t now_usec;
};

/* TRUTH_TRUE for one without any op. */
enum truth evaluate_program(const struct evaluate *evaluate, const struct rule_program *program);

/* A tick that comes later than this after the last one has missed something. */
uint64_t evaluate_gap_usec(uint64_t period_usec);

#endif
