/* SPDX-License-Identifier: MIT */
#include "agents/run.h"

#include "agents/claims.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/step.h"

/* No pause is so long; keeps the sum below from overflowing. */
#define RUN_PAUSE_MAX_USEC (600 * USEC_PER_SEC)

struct result_text {
    enum run_outcome outcome;
    const char *note;
};

static const struct result_text result_texts[] = {
    [CONTROL_RESULT_OK] = {RUN_DONE, ""},
    [CONTROL_RESULT_GIL_TIMEOUT] = {RUN_BUSY, "the interpreter lock did not come in time"},
    [CONTROL_RESULT_CLOSING] = {RUN_BUSY, "the interpreter is shutting down"},
    [CONTROL_RESULT_NOT_READY] = {RUN_BUSY, "the interpreter is not up yet"},
    [CONTROL_RESULT_UNSUPPORTED] = {RUN_REFUSED, "the agent cannot do it in this process"},
    [CONTROL_RESULT_TOO_MANY_OBJECTS] = {RUN_REFUSED,
                                         "so many objects that the pause would be too long"},
    [CONTROL_RESULT_BUSY] = {RUN_BUSY, "the agent is busy with an earlier request"},
    [CONTROL_RESULT_BAD_REQUEST] = {RUN_REFUSED, "the agent did not understand the step"},
    [CONTROL_RESULT_FAILED] = {RUN_FAILED, "it raised an error inside the process"},
    [CONTROL_RESULT_TOO_LATE] = {RUN_REFUSED, "the process has forked already: freeze helps before "
                                              "the first fork"},
};
_Static_assert(sizeof(result_texts) / sizeof(result_texts[0]) == CONTROL_RESULT_COUNT, "one each");

static uint64_t patience(const struct run_order *order)
{
    uint64_t pause_usec =
        order->max_pause_usec < RUN_PAUSE_MAX_USEC ? order->max_pause_usec : RUN_PAUSE_MAX_USEC;
    uint64_t usec = order->gil_timeout_msec * USEC_PER_MSEC + 2 * pause_usec;
    return usec > order->patience_usec ? usec : order->patience_usec;
}

int run_ask(struct run *run, struct buffer *output, uint64_t request, const struct run_order *order,
            uint64_t now_usec)
{
    struct control_run line = {
        .step_count = 1,
        .generation = CONTROL_GENERATION_MAX,
        .mode = CONTROL_MODE_THREAD,
        .gil_timeout_msec = order->gil_timeout_msec,
        .max_pause_usec = order->max_pause_usec,
    };
    text_copy(line.steps[0], sizeof(line.steps[0]), step_info(order->step)->name);
    int r = control_encode_run(output, request, &line);
    if (r < 0)
        return r;
    *run = (struct run){
        .request = request,
        .sent_usec = now_usec,
        .due_usec = now_usec + patience(order),
        .answer = {.request = request, .step = order->step},
    };
    return 0;
}

static void set_outcome(struct run *run, enum run_outcome outcome, const char *note)
{
    run->answer.outcome = outcome;
    run->answer.objects = run->answer.pause_usec = run->answer.run_usec = -1;
    text_copy(run->answer.note, sizeof(run->answer.note), note);
}

static void set_result(struct run *run, enum control_result result)
{
    set_outcome(run, result_texts[result].outcome, result_texts[result].note);
}

static void hand_out(struct run *run, struct run_answer *ret_answer)
{
    *ret_answer = run->answer;
    *run = (struct run){0};
}

const char *run_on_step(struct run *run, const struct control_message *message, uint64_t now_usec)
{
    const struct control_step *step = &message->step;
    if (!run->request || message->id != run->request || run->answered)
        return "a step that was not asked for";
    const struct step_info *info = step_info(run->answer.step);
    const char *wrong = claims_judge_step(step, info->name, now_usec - run->sent_usec);
    if (wrong)
        return wrong;
    set_result(run, step->outcome);
    if (step->has & CONTROL_STEP_HAS_OBJECTS)
        run->answer.objects = (int64_t)step->objects;
    if (step->has & CONTROL_STEP_HAS_RUN_USEC)
        run->answer.run_usec = (int64_t)step->run_usec;
    if (info->pauses)
        run->answer.pause_usec = run->answer.run_usec;
    run->answered = true;
    return NULL;
}

const char *run_on_done(struct run *run, const struct control_message *message,
                        struct run_answer *ret_answer)
{
    const struct control_done *done = &message->done;
    if (!run->request || message->id != run->request)
        return "the end of a run that was not asked for";
    if (done->steps != run->answered || (!run->answered && done->outcome == CONTROL_RESULT_OK))
        return "the end of a run whose step did not come";
    if (!run->answered)
        set_result(run, done->outcome);
    hand_out(run, ret_answer);
    return NULL;
}

void run_refused(struct run *run, enum control_result why, struct run_answer *ret_answer)
{
    set_result(run, why);
    hand_out(run, ret_answer);
}

void run_give_up(struct run *run, enum run_outcome outcome, const char *why,
                 struct run_answer *ret_answer)
{
    if (!run->answered || outcome == RUN_DISTRUST)
        set_outcome(run, outcome, why);
    hand_out(run, ret_answer);
}
