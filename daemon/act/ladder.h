/* SPDX-License-Identifier: MIT */
/*
 * One order carried out: measure, predict, refuse what would do harm, one step at a time, measure
 * again, judge. Pure: what it needs from outside comes through struct ladder_ops, time as an
 * argument; it never waits. The receipt inside is complete when the ladder has finished, whatever
 * happened on the way. Success is what was measured, never what an agent said. One thread.
 *
 * Inputs come in any order and may be late: every request carries a number, answers to older ones
 * are ignored. A ladder ends within a bounded time even when no answer ever comes.
 */
#ifndef MEMTEND_ACT_LADDER_H
#define MEMTEND_ACT_LADDER_H

#include "model/prediction.h"
#include "model/receipt.h"

/* A pause this long is noticed by people and by health checks. 50 ms for who listens on TCP needs
 * a reader of sockets, which is not there yet. */
#define LADDER_PAUSE_DEFAULT_USEC UINT64_C(500000)

enum ladder_state {
    LADDER_NEW,
    LADDER_MEASURE_BEFORE,
    LADDER_STEP,   /* a step was sent */
    LADDER_SETTLE, /* give the kernel and the program's other threads a moment */
    LADDER_MEASURE_AFTER,
    LADDER_FINISHED,
    LADDER_STATE_COUNT,
};

struct ladder_measure {
    struct measure measure;
    bool gone;
    uint32_t family_size;
    uint64_t family_print; /* the same members give the same number */
};

enum ladder_end {
    LADDER_STEP_DONE,
    LADDER_STEP_BUSY,     /* did not run; the next step may */
    LADDER_STEP_REFUSED,  /* did not run; the next step may */
    LADDER_STEP_FAILED,   /* ran and raised an error; the next step may run */
    LADDER_STEP_SILENT,   /* no answer; nothing more is sent */
    LADDER_STEP_LOST,     /* the agent is gone; nothing more is sent */
    LADDER_STEP_DISTRUST, /* the agent lied; nothing more is sent */
};

struct ladder_answer {
    enum ladder_end end;
    int64_t objects, pause_usec; /* -1 = unknown */
    const char *note;            /* clean, copied */
};

struct ladder_ops {
    void *context;
    bool (*paused)(void *context);
    bool (*alive)(void *context, struct process_id id);
    /* 0 and ladder_on_measure() follows with this number, not from inside; or -errno. */
    int (*measure)(void *context, struct process_id id, uint64_t number);
    void (*predict)(void *context, struct process_id id, enum step_kind step,
                    struct prediction *ret_prediction);
    /* Has it been of no use here, and is its time not come again? NULL: none is ever left out. */
    bool (*suspends)(void *context, struct process_id id, enum step_kind step,
                     char ret_note[static RECEIPT_NOTE_SIZE]);
    /* Memory that the host can still give out; -1 = unknown. */
    int64_t (*headroom_bytes)(void *context);
    /* 0 and ladder_on_answer() follows with this number, not from inside; or -errno:
     * -ENOENT no agent, -EBUSY, -EPERM not the asker's any more, -EOPNOTSUPP, others: it could not
     * be sent. */
    int (*send)(void *context, struct process_id id, enum step_kind step, uint64_t max_pause_usec,
                uint64_t number);
};

struct ladder {
    struct receipt receipt;
    struct ladder_ops ops;
    uint64_t pause_budget_usec;
    bool dry_run;

    enum ladder_state state;
    size_t step;     /* index of the one under way or next */
    uint64_t number; /* of the last request */
    uint64_t deadline_usec;
    struct measure last;          /* the newest measurement */
    uint64_t family_print;        /* of the first */
    bool acted;                   /* a step ran, or may have */
    enum receipt_outcome stopped; /* why no more steps are sent; NONE: go on */
};

struct ladder_order {
    struct receipt receipt; /* id, target, comm, rule, asked_by, times, step_count, steps[].kind */
    uint64_t pause_budget_usec; /* 0 = the default */
    bool dry_run;
};

void ladder_init(struct ladder *ladder, const struct ladder_order *order,
                 const struct ladder_ops *ops);

/* The first call starts it. *ret_next_deadline = when to call again at the latest; UINT64_MAX when
 * it has finished. To be called after each of the inputs below as well. */
void ladder_on_time(struct ladder *ladder, uint64_t now_usec, uint64_t *ret_next_deadline);
void ladder_on_measure(struct ladder *ladder, uint64_t number, const struct ladder_measure *measure,
                       uint64_t now_usec);
void ladder_on_answer(struct ladder *ladder, uint64_t number, const struct ladder_answer *answer,
                      uint64_t now_usec);
/* The target has exited. */
void ladder_on_exit(struct ladder *ladder, uint64_t now_usec);

/* Nothing more is sent; the receipt is closed as paused with this note. */
void ladder_stop(struct ladder *ladder, const char *note, uint64_t now_usec);

bool ladder_is_finished(const struct ladder *ladder);

#endif
