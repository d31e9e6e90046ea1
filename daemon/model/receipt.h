/* SPDX-License-Identifier: MIT */
/*
 * The record of what was done: predicted, before, after each step, after, pause, who asked.
 * Success is memory that the machine gets back: freed_bytes is the fall of the receipt's basis,
 * negative when it rose, and never a return code. Plain data, fixed size; copied between threads.
 */
#ifndef MEMTEND_MODEL_RECEIPT_H
#define MEMTEND_MODEL_RECEIPT_H

#include "model/process.h"
#include "model/step.h"

/* What was measured at one instant; a field without its bit is unknown. */
enum measure_field {
    MEASURE_RSS,
    MEASURE_PSS,
    MEASURE_USS,
    MEASURE_SWAP,       /* VmSwap of the target */
    MEASURE_FAMILY_PSS, /* (PSS + swap-PSS) summed over the family */
    MEASURE_FIELD_COUNT,
};

struct measure {
    uint32_t present;
    int64_t bytes[MEASURE_FIELD_COUNT];
};

/* The quantity whose fall is freed_bytes, best first. */
enum receipt_basis {
    RECEIPT_BASIS_FAMILY_PSS, /* a page shared inside the family counts once */
    RECEIPT_BASIS_USS,        /* no family: USS + swap */
    RECEIPT_BASIS_RSS,        /* neither readable, or too dear */
};

#define RECEIPT_OUTCOME_TABLE(X)                                                                   \
    X(NONE, "")       /* not finished */                                                           \
    X(FREED, "freed") /* at least max(1 MiB, 2 %) of the basis */                                  \
    X(FREED_NOTHING, "freed_nothing")                                                              \
    X(TARGET_GONE, "target_gone")                                                                  \
    X(AGENT_SILENT, "agent_silent") /* no answer within 10 s */                                    \
    X(AGENT_BUSY, "agent_busy")                                                                    \
    X(REFUSED, "refused") /* would do harm; the note says why */                                   \
    X(BACKED_OFF, "backed_off")                                                                    \
    X(PAUSED, "paused")                                                                            \
    X(DRY_RUN, "dry_run")

enum receipt_outcome {
#define X(id, name) RECEIPT_OUTCOME_##id,
    RECEIPT_OUTCOME_TABLE(X)
#undef X
        RECEIPT_OUTCOME_COUNT,
};

#define RECEIPT_ID_SIZE    32
#define RECEIPT_RULE_SIZE  64
#define RECEIPT_ASKER_SIZE 64
#define RECEIPT_NOTE_SIZE  192

struct receipt_step {
    enum step_kind kind;
    enum receipt_outcome outcome; /* NONE: not reached */
    struct measure before, after;
    int64_t pause_usec; /* -1 = unknown */
    int64_t objects;    /* unreachable objects found by collect; -1 = unknown */
    char note[RECEIPT_NOTE_SIZE];
};

struct receipt {
    char id[RECEIPT_ID_SIZE]; /* [a-z0-9-]+, unique for ever */
    struct process_id target;
    char comm[PROCESS_COMM_SIZE];
    char rule[RECEIPT_RULE_SIZE];      /* "" = asked by a person */
    char asked_by[RECEIPT_ASKER_SIZE]; /* "uid 1000 (socket)", "token (http)", "rule NAME" */
    uint64_t wall_usec, mono_usec;     /* start */
    uint64_t finished_usec;            /* wall; 0 while running */
    enum receipt_basis basis;
    uint32_t family_size;
    int64_t predicted_low_bytes, predicted_high_bytes;
    int64_t predicted_pause_usec;     /* -1 = unknown */
    int64_t predicted_unshared_bytes; /* copy-on-write cost of a collect; 0 without family */
    size_t step_count;
    struct receipt_step steps[STEP_LIMIT];
    struct measure before, after;
    int64_t freed_bytes;
    int64_t moved_to_swap_bytes;
    enum receipt_outcome outcome;
    bool durable; /* on disk */
    char note[RECEIPT_NOTE_SIZE];
};

void measure_set(struct measure *measure, enum measure_field field, int64_t bytes);
bool measure_get(const struct measure *measure, enum measure_field field, int64_t *ret_bytes);
/* Best basis that both measurements can serve. */
enum receipt_basis receipt_basis_of(const struct measure *before, const struct measure *after,
                                    uint32_t family_size);
/* Bytes of one measurement on a basis; false when it lacks them. */
bool measure_on_basis(const struct measure *measure, enum receipt_basis basis, int64_t *ret_bytes);
/* freed, or freed_nothing below max(1 MiB, 2 % of before). */
enum receipt_outcome receipt_judge(int64_t before_bytes, int64_t freed_bytes);
const char *receipt_outcome_name(enum receipt_outcome outcome);
int receipt_outcome_find(const char *name, enum receipt_outcome *ret_outcome); /* -ENOENT */
const char *receipt_basis_name(enum receipt_basis basis);

#endif
