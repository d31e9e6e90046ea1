/* SPDX-License-Identifier: MIT */
#include "act/ladder.h"

#include "act/judge.h"
#include "act/refusal.h"
#include "act/rung.h"
#include "base/clock.h"
#include "base/text.h"

/* Other threads of the program give back what the step let go; the kernel counts RSS in batches. */
#define LADDER_SETTLE_USEC (50 * USEC_PER_MSEC)
/* The measurement and the session end by themselves before; these two bound the ladder whatever
 * they do. */
#define LADDER_MEASURE_USEC (5 * USEC_PER_SEC)
#define LADDER_ANSWER_USEC  (20 * USEC_PER_SEC)
/* No sane budget is longer; keeps the sum of deadlines from overflowing. */
#define LADDER_PAUSE_MAX_USEC (600 * USEC_PER_SEC)

void ladder_init(struct ladder *ladder, const struct ladder_order *order,
                 const struct ladder_ops *ops)
{
    *ladder = (struct ladder){
        .receipt = order->receipt,
        .ops = *ops,
        .pause_budget_usec =
            order->pause_budget_usec ? order->pause_budget_usec : LADDER_PAUSE_DEFAULT_USEC,
        .dry_run = order->dry_run,
    };
    if (ladder->pause_budget_usec > LADDER_PAUSE_MAX_USEC)
        ladder->pause_budget_usec = LADDER_PAUSE_MAX_USEC;
    ladder->receipt.predicted_pause_usec = -1;
    for (size_t i = 0; i < ladder->receipt.step_count; i++) {
        ladder->receipt.steps[i].pause_usec = -1;
        ladder->receipt.steps[i].objects = -1;
    }
}

bool ladder_is_finished(const struct ladder *ladder)
{
    return ladder->state == LADDER_FINISHED;
}

static struct receipt_step *current_step(struct ladder *ladder)
{
    return &ladder->receipt.steps[ladder->step];
}

static void enter(struct ladder *ladder, enum ladder_state state, uint64_t deadline_usec)
{
    ladder->state = state;
    ladder->deadline_usec = deadline_usec;
}

/* The first thing that went wrong explains the receipt; later ones do not overwrite it. */
static void set_note(struct ladder *ladder, const char *note)
{
    struct receipt *receipt = &ladder->receipt;
    if (!receipt->note[0])
        text_copy(receipt->note, sizeof(receipt->note), note);
}

/* ---- judging ---- */

/* Why nothing was done, when nothing was. */
static enum receipt_outcome first_outcome(const struct receipt *receipt)
{
    return receipt->step_count > 0 && receipt->steps[0].outcome != RECEIPT_OUTCOME_NONE
               ? receipt->steps[0].outcome
               : RECEIPT_OUTCOME_FREED_NOTHING;
}

static void finish(struct ladder *ladder, uint64_t now_usec)
{
    struct receipt *receipt = &ladder->receipt;
    int64_t bytes_before;
    receipt->after = ladder->last;
    receipt->basis = receipt_basis_of(&receipt->before, &receipt->after, receipt->family_size);
    receipt->freed_bytes =
        judge_freed(&receipt->before, &receipt->after, receipt->basis, &bytes_before);
    receipt->moved_to_swap_bytes = judge_moved_to_swap(&receipt->before, &receipt->after);
    if (ladder->stopped != RECEIPT_OUTCOME_NONE)
        receipt->outcome = ladder->stopped;
    else if (ladder->dry_run)
        receipt->outcome = RECEIPT_OUTCOME_DRY_RUN;
    else if (ladder->acted)
        receipt->outcome = receipt_judge(bytes_before, receipt->freed_bytes);
    else
        receipt->outcome = first_outcome(receipt);
    receipt->finished_usec = receipt->wall_usec + (now_usec - receipt->mono_usec);
    enter(ladder, LADDER_FINISHED, UINT64_MAX);
}

/* No more steps: the one that would be next says why, and so does the receipt. */
static void stop(struct ladder *ladder, enum receipt_outcome why, const char *note,
                 uint64_t now_usec)
{
    ladder->stopped = why;
    /* That the process has ended explains whatever else went wrong before. */
    if (why == RECEIPT_OUTCOME_TARGET_GONE)
        ladder->receipt.note[0] = '\0';
    set_note(ladder, note);
    if (ladder->step < ladder->receipt.step_count) {
        struct receipt_step *step = current_step(ladder);
        step->outcome = why;
        if (!step->note[0])
            text_copy(step->note, sizeof(step->note), note);
    }
    finish(ladder, now_usec);
}

/* ---- rungs ---- */

static bool is_refused(struct ladder *ladder, enum step_kind kind,
                       const struct prediction *prediction, char ret_note[static RECEIPT_NOTE_SIZE])
{
    return refusal_judge(kind, prediction, ladder->pause_budget_usec,
                         ladder->ops.headroom_bytes(ladder->ops.context), ret_note);
}

static bool is_suspended(const struct ladder *ladder, enum step_kind kind,
                         char ret_note[static RECEIPT_NOTE_SIZE])
{
    const struct ladder_ops *ops = &ladder->ops;
    return ops->suspends && ops->suspends(ops->context, ladder->receipt.target, kind, ret_note);
}

/* Leave it out; the receipt says why. */
static void skip_step(struct ladder *ladder, enum receipt_outcome why)
{
    struct receipt_step *step = current_step(ladder);
    step->outcome = why;
    set_note(ladder, step->note);
    ladder->step++;
}

static int64_t basis_bytes(const struct ladder *ladder)
{
    const struct measure *measure = &ladder->receipt.before;
    int64_t bytes = 0;
    measure_on_basis(measure, receipt_basis_of(measure, measure, ladder->receipt.family_size),
                     &bytes);
    return bytes;
}

/* What all steps together are expected to do, those left out that will be refused. */
static void predict_all(struct ladder *ladder)
{
    struct receipt *receipt = &ladder->receipt;
    int64_t most = basis_bytes(ladder);
    for (size_t i = 0; i < receipt->step_count; i++) {
        struct prediction prediction = {.pause_usec = -1};
        char note[RECEIPT_NOTE_SIZE];
        enum step_kind kind = receipt->steps[i].kind;
        if (is_suspended(ladder, kind, note))
            continue;
        ladder->ops.predict(ladder->ops.context, receipt->target, kind, &prediction);
        if (prediction.unshared_bytes > receipt->predicted_unshared_bytes)
            receipt->predicted_unshared_bytes = prediction.unshared_bytes;
        if (prediction.pause_usec > receipt->predicted_pause_usec)
            receipt->predicted_pause_usec = prediction.pause_usec;
        if (is_refused(ladder, kind, &prediction, note))
            continue;
        /* Bounded at each addend, so that the sum cannot overflow. */
        receipt->predicted_low_bytes += prediction.low_bytes < most ? prediction.low_bytes : most;
        receipt->predicted_high_bytes +=
            prediction.high_bytes < most ? prediction.high_bytes : most;
    }
    if (receipt->predicted_high_bytes > most)
        receipt->predicted_high_bytes = most;
    if (receipt->predicted_low_bytes > receipt->predicted_high_bytes)
        receipt->predicted_low_bytes = receipt->predicted_high_bytes;
}

static void on_send_failed(struct ladder *ladder, int error, uint64_t now_usec)
{
    const struct rung *rung = rung_not_sent(error);
    struct receipt_step *step = current_step(ladder);
    step->outcome = rung->outcome;
    text_copy(step->note, sizeof(step->note), rung->note);
    if (rung->last) {
        /* A process that ends loses its agent a moment before it is gone: look again then. */
        ladder->stopped = rung->outcome;
        set_note(ladder, rung->note);
        enter(ladder, LADDER_SETTLE, now_usec + LADDER_SETTLE_USEC);
        return;
    }
    enter(ladder, LADDER_NEW, now_usec);
    ladder->step++;
}

/* Deal with the next step. When it was not sent the ladder has moved on, or finished. */
static void try_step(struct ladder *ladder, uint64_t now_usec)
{
    const struct ladder_ops *ops = &ladder->ops;
    struct receipt_step *step = current_step(ladder);
    if (!ops->alive(ops->context, ladder->receipt.target)) {
        stop(ladder, RECEIPT_OUTCOME_TARGET_GONE, "the process has ended", now_usec);
        return;
    }
    if (!ladder->dry_run && ops->paused(ops->context)) {
        stop(ladder, RECEIPT_OUTCOME_PAUSED, "memtend was paused before this step", now_usec);
        return;
    }
    step->before = ladder->last;
    if (is_suspended(ladder, step->kind, step->note)) {
        skip_step(ladder, RECEIPT_OUTCOME_BACKED_OFF);
        return;
    }
    struct prediction prediction = {.pause_usec = -1};
    ops->predict(ops->context, ladder->receipt.target, step->kind, &prediction);
    if (is_refused(ladder, step->kind, &prediction, step->note)) {
        skip_step(ladder, RECEIPT_OUTCOME_REFUSED);
        return;
    }
    if (ladder->dry_run) {
        step->outcome = RECEIPT_OUTCOME_DRY_RUN;
        ladder->step++;
        return;
    }
    enter(ladder, LADDER_STEP, now_usec + LADDER_ANSWER_USEC + 2 * ladder->pause_budget_usec);
    int r = ops->send(ops->context, ladder->receipt.target, step->kind, ladder->pause_budget_usec,
                      ++ladder->number);
    if (r < 0)
        on_send_failed(ladder, r, now_usec);
}

static void climb(struct ladder *ladder, uint64_t now_usec)
{
    while (ladder->state != LADDER_STEP && ladder->state != LADDER_SETTLE &&
           ladder->state != LADDER_FINISHED) {
        if (ladder->step < ladder->receipt.step_count)
            try_step(ladder, now_usec);
        else
            finish(ladder, now_usec);
    }
}

/* ---- measurements ---- */

static void on_measured_before(struct ladder *ladder, const struct ladder_measure *measure,
                               uint64_t now_usec)
{
    struct receipt *receipt = &ladder->receipt;
    int64_t unused;
    if (!measure_get(&measure->measure, MEASURE_RSS, &unused)) {
        stop(ladder, RECEIPT_OUTCOME_REFUSED,
             "its memory could not be measured, so nothing could be proven", now_usec);
        return;
    }
    receipt->before = ladder->last = measure->measure;
    receipt->family_size = measure->family_size;
    ladder->family_print = measure->family_print;
    predict_all(ladder);
    climb(ladder, now_usec);
}

static void on_measured_after(struct ladder *ladder, const struct ladder_measure *measure,
                              uint64_t now_usec)
{
    struct receipt_step *step = current_step(ladder);
    int64_t unused;
    if (measure_get(&measure->measure, MEASURE_RSS, &unused)) {
        ladder->last = step->after = measure->measure;
        if (measure->family_print != ladder->family_print)
            set_note(ladder, "the family changed meanwhile; freed_bytes counts that too");
    } else {
        set_note(ladder, "its memory could not be measured after the step");
    }
    if (ladder->stopped != RECEIPT_OUTCOME_NONE) {
        finish(ladder, now_usec);
        return;
    }
    step->outcome = judge_step(&step->before, &step->after, ladder->receipt.family_size);
    ladder->step++;
    climb(ladder, now_usec);
}

static void on_measured(struct ladder *ladder, const struct ladder_measure *measure,
                        uint64_t now_usec)
{
    bool before = ladder->state == LADDER_MEASURE_BEFORE;
    if (measure->gone)
        stop(ladder, RECEIPT_OUTCOME_TARGET_GONE, "the process has ended", now_usec);
    else if (before)
        on_measured_before(ladder, measure, now_usec);
    else
        on_measured_after(ladder, measure, now_usec);
}

static void start_measuring(struct ladder *ladder, enum ladder_state state, uint64_t now_usec)
{
    enter(ladder, state, now_usec + LADDER_MEASURE_USEC);
    int r = ladder->ops.measure(ladder->ops.context, ladder->receipt.target, ++ladder->number);
    if (r < 0)
        on_measured(ladder, &(struct ladder_measure){.family_size = 1}, now_usec);
}

/* ---- answers ---- */

static void on_answered(struct ladder *ladder, const struct ladder_answer *answer,
                        uint64_t now_usec)
{
    const struct rung *rung = rung_ended(answer->end);
    struct receipt_step *step = current_step(ladder);
    step->outcome = rung->outcome;
    step->objects = answer->objects;
    step->pause_usec = answer->pause_usec;
    text_copy(step->note, sizeof(step->note), answer->note);
    if (answer->note[0])
        set_note(ladder, answer->note);
    if (rung->last)
        ladder->stopped = rung->outcome;
    if (rung->ran) {
        ladder->acted = true;
        enter(ladder, LADDER_SETTLE, now_usec + LADDER_SETTLE_USEC);
        return;
    }
    ladder->step++;
    enter(ladder, LADDER_NEW, now_usec);
    climb(ladder, now_usec);
}

/* ---- states ---- */

static void begin(struct ladder *ladder, uint64_t now_usec)
{
    start_measuring(ladder, LADDER_MEASURE_BEFORE, now_usec);
}

static void no_measure_came(struct ladder *ladder, uint64_t now_usec)
{
    on_measured(ladder, &(struct ladder_measure){.family_size = 1}, now_usec);
}

static void no_answer_came(struct ladder *ladder, uint64_t now_usec)
{
    const struct ladder_answer answer = {
        .end = LADDER_STEP_SILENT,
        .objects = -1,
        .pause_usec = -1,
        .note = "the agent did not answer in time",
    };
    on_answered(ladder, &answer, now_usec);
}

static void settled(struct ladder *ladder, uint64_t now_usec)
{
    start_measuring(ladder, LADDER_MEASURE_AFTER, now_usec);
}

/* What a state does when its time has come, and which input it waits for. */
struct state_row {
    void (*on_deadline)(struct ladder *ladder, uint64_t now_usec);
    bool takes_measure, takes_answer;
};

static const struct state_row state_rows[LADDER_STATE_COUNT] = {
    [LADDER_NEW] = {begin, false, false},
    [LADDER_MEASURE_BEFORE] = {no_measure_came, true, false},
    [LADDER_STEP] = {no_answer_came, false, true},
    [LADDER_SETTLE] = {settled, false, false},
    [LADDER_MEASURE_AFTER] = {no_measure_came, true, false},
    [LADDER_FINISHED] = {NULL, false, false},
};

void ladder_on_time(struct ladder *ladder, uint64_t now_usec, uint64_t *ret_next_deadline)
{
    while (ladder->state != LADDER_FINISHED && now_usec >= ladder->deadline_usec)
        state_rows[ladder->state].on_deadline(ladder, now_usec);
    *ret_next_deadline = ladder->deadline_usec;
}

void ladder_on_measure(struct ladder *ladder, uint64_t number, const struct ladder_measure *measure,
                       uint64_t now_usec)
{
    if (state_rows[ladder->state].takes_measure && number == ladder->number)
        on_measured(ladder, measure, now_usec);
}

void ladder_on_answer(struct ladder *ladder, uint64_t number, const struct ladder_answer *answer,
                      uint64_t now_usec)
{
    if (state_rows[ladder->state].takes_answer && number == ladder->number)
        on_answered(ladder, answer, now_usec);
}

void ladder_on_exit(struct ladder *ladder, uint64_t now_usec)
{
    if (ladder->state != LADDER_FINISHED)
        stop(ladder, RECEIPT_OUTCOME_TARGET_GONE, "the process has ended", now_usec);
}

void ladder_stop(struct ladder *ladder, const char *note, uint64_t now_usec)
{
    if (ladder->state != LADDER_FINISHED)
        stop(ladder, RECEIPT_OUTCOME_PAUSED, note, now_usec);
}
