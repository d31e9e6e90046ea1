/* SPDX-License-Identifier: MIT */
/*
 * Pieces of text for a verdict: numbers as people read them, lines as far as there is room, steps
 * with their prediction. Pure.
 */
#ifndef MEMTEND_DIAGNOSE_PHRASE_H
#define MEMTEND_DIAGNOSE_PHRASE_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "diagnose/facts.h"
#include "model/verdict.h"

struct phrase {
    char text[TEXT_BYTES_SIZE];
};

/* "1.5 GiB"; used as an argument: phrase_bytes(n).text */
struct phrase phrase_bytes(int64_t bytes);
/* "40 s", "12 min", "3.5 h" */
struct phrase phrase_span(uint64_t usec);
int phrase_percent(const struct facts *facts, int64_t bytes); /* of RSS */

void phrase_sentence(struct verdict *verdict, const char *format, ...) _printf_(2, 3);
/* Nothing when all lines are taken. */
void phrase_line(struct verdict *verdict, const char *format, ...) _printf_(2, 3);
void phrase_next(struct verdict *verdict, const char *format, ...) _printf_(2, 3);

/* No step of memtend's fits; `cannot` is why. */
void phrase_no_step(struct verdict *verdict, const char *cannot);
/* Only a new process helps: frees what the cause holds, about. */
void phrase_recycle(struct verdict *verdict);
/* The step, what it is expected to free, what it cannot do, and its command. A collection that
 * would copy more than it can free is not advised. */
void phrase_step(const struct facts *facts, enum verdict_step step, struct verdict *verdict);
/* The next command: how the agent gets into it. */
void phrase_next_agent(const struct facts *facts, struct verdict *verdict);

#endif
