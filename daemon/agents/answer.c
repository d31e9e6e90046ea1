/* SPDX-License-Identifier: MIT */
#include "agents/answer.h"

#include "base/text.h"
#include "model/step.h"

struct result_text {
    enum session_outcome outcome;
    const char *note;
};

static const struct result_text result_texts[] = {
    [CONTROL_RESULT_OK] = {SESSION_STEP_DONE, ""},
    [CONTROL_RESULT_GIL_TIMEOUT] = {SESSION_STEP_BUSY, "the interpreter lock did not come in time"},
    [CONTROL_RESULT_CLOSING] = {SESSION_STEP_BUSY, "the interpreter is shutting down"},
    [CONTROL_RESULT_NOT_READY] = {SESSION_STEP_BUSY, "the interpreter is not up yet"},
    [CONTROL_RESULT_UNSUPPORTED] = {SESSION_STEP_REFUSED, "the agent cannot do it in this process"},
    [CONTROL_RESULT_TOO_MANY_OBJECTS] = {SESSION_STEP_REFUSED,
                                         "so many objects that the pause would be too long"},
    [CONTROL_RESULT_BUSY] = {SESSION_STEP_BUSY, "the agent is busy with an earlier request"},
    [CONTROL_RESULT_BAD_REQUEST] = {SESSION_STEP_REFUSED, "the agent did not understand the step"},
    [CONTROL_RESULT_FAILED] = {SESSION_STEP_FAILED, "it raised an error inside the process"},
    [CONTROL_RESULT_TOO_LATE] = {SESSION_STEP_REFUSED, "the process has forked already: freeze "
                                                       "helps before the first fork"},
};
_Static_assert(sizeof(result_texts) / sizeof(result_texts[0]) == CONTROL_RESULT_COUNT, "one each");

void answer_init(struct session_answer *answer, uint64_t request, enum step_kind step,
                 enum session_outcome outcome, const char *note)
{
    *answer = (struct session_answer){
        .request = request,
        .step = step,
        .outcome = outcome,
        .objects = -1,
        .pause_usec = -1,
        .run_usec = -1,
    };
    text_copy(answer->note, sizeof(answer->note), note);
}

void answer_init_result(struct session_answer *answer, uint64_t request, enum step_kind step,
                        enum control_result result)
{
    const struct result_text *text = &result_texts[result];
    answer_init(answer, request, step, text->outcome, text->note);
}

void answer_add_numbers(struct session_answer *answer, const struct control_step *step)
{
    if (step->has & CONTROL_STEP_HAS_OBJECTS)
        answer->objects = (int64_t)step->objects;
    if (!(step->has & CONTROL_STEP_HAS_RUN_USEC))
        return;
    answer->run_usec = (int64_t)step->run_usec;
    if (step_info(answer->step)->pauses)
        answer->pause_usec = (int64_t)step->run_usec;
}
