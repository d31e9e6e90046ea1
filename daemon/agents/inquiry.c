/* SPDX-License-Identifier: MIT */
#include "agents/inquiry.h"

#include "agents/claims.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>

/* The model speaks the wire's numbers: one table fewer to get wrong, checked here. */
_Static_assert(CENSUS_FINDINGS == CONTROL_FINDINGS_MAX, "as many findings");
_Static_assert(CENSUS_HOLDERS == CONTROL_HOLDERS_MAX, "as many holders");
_Static_assert(CENSUS_PATH_SIZE == CONTROL_PATH_SIZE, "paths as long");
_Static_assert(CENSUS_TYPE_SIZE == CONTROL_TEXT_SIZE, "types as long");
_Static_assert(CENSUS_SENTENCE_SIZE == CONTROL_SENTENCE_SIZE, "sentences as long");

static const enum control_census_mode modes[CENSUS_MODE_COUNT] = {
    [CENSUS_ROOTS] = CONTROL_CENSUS_ROOTS,
    [CENSUS_SUSPECTS] = CONTROL_CENSUS_SUSPECTS,
    [CENSUS_FULL] = CONTROL_CENSUS_FULL,
};

static const enum census_kind kinds[] = {
    [CONTROL_FINDING_CONTAINER] = CENSUS_CONTAINER,
    [CONTROL_FINDING_TYPE] = CENSUS_TYPE,
    [CONTROL_FINDING_SUSPECT] = CENSUS_SUSPECT,
};

/* What each census says. */
static const enum census_kind kind_of_mode[CENSUS_MODE_COUNT] = {
    [CENSUS_ROOTS] = CENSUS_CONTAINER,
    [CENSUS_SUSPECTS] = CENSUS_SUSPECT,
    [CENSUS_FULL] = CENSUS_TYPE,
};

static const enum census_outcome outcomes[] = {
    [CONTROL_RESULT_OK] = CENSUS_DONE,
    [CONTROL_RESULT_GIL_TIMEOUT] = CENSUS_GIL_TIMEOUT,
    [CONTROL_RESULT_CLOSING] = CENSUS_CLOSING,
    [CONTROL_RESULT_NOT_READY] = CENSUS_NOT_READY,
    [CONTROL_RESULT_UNSUPPORTED] = CENSUS_UNSUPPORTED,
    [CONTROL_RESULT_TOO_MANY_OBJECTS] = CENSUS_TOO_MANY_OBJECTS,
    [CONTROL_RESULT_BUSY] = CENSUS_BUSY,
    [CONTROL_RESULT_BAD_REQUEST] = CENSUS_UNSUPPORTED,
    [CONTROL_RESULT_FAILED] = CENSUS_FAILED,
    [CONTROL_RESULT_TOO_LATE] = CENSUS_UNSUPPORTED, /* no answer to a census */
};
_Static_assert(sizeof(outcomes) / sizeof(outcomes[0]) == CONTROL_RESULT_COUNT, "one each");

int inquiry_ask(struct inquiry *inquiry, struct buffer *output, uint64_t request,
                const struct inquiry_order *order, uint64_t now_usec)
{
    const struct census_question *question = &order->question;
    const struct control_census census = {.mode = modes[question->mode],
                                          .top = question->top,
                                          .max_objects = question->max_objects,
                                          .gil_timeout_msec = order->gil_timeout_msec};
    _cleanup_(freep) struct census *result = calloc(1, sizeof(*result));
    if (!result)
        return -ENOMEM;
    int r = control_encode_census(output, request, &census);
    if (r < 0)
        return r;
    result->question = *question;
    result->objects = result->hold_usec = result->run_usec = result->gil_wait_usec = -1;
    *inquiry = (struct inquiry){.request = request,
                                .sent_usec = now_usec,
                                .due_usec = now_usec + order->patience_usec,
                                .lines_left = question->top + 1,
                                .census = STEAL(result)};
    return 0;
}

void inquiry_finish(struct inquiry *inquiry)
{
    free(inquiry->census);
    *inquiry = (struct inquiry){0};
}

bool inquiry_takes_line(struct inquiry *inquiry)
{
    if (!inquiry->request || inquiry->lines_left == 0)
        return false;
    inquiry->lines_left--;
    return true;
}

static int64_t known(const struct control_finding *finding, enum control_finding_field field,
                     uint64_t value)
{
    return finding->has & field ? (int64_t)value : -1;
}

static void take_finding(const struct control_finding *from, struct census_finding *finding)
{
    *finding = (struct census_finding){
        .kind = kinds[from->kind],
        .count = known(from, CONTROL_FINDING_HAS_COUNT, from->count),
        .references = known(from, CONTROL_FINDING_HAS_REFERENCES, from->references),
        .rises = known(from, CONTROL_FINDING_HAS_GROWTH, from->rises),
        .growth = known(from, CONTROL_FINDING_HAS_GROWTH, from->growth),
        .holder_count = from->holders.count,
    };
    text_copy(finding->path, sizeof(finding->path), from->path);
    text_copy(finding->type, sizeof(finding->type), from->type);
    text_copy(finding->text, sizeof(finding->text), from->text);
    for (uint32_t i = 0; i < from->holders.count; i++)
        text_copy(finding->holders[i], sizeof(finding->holders[i]), from->holders.names[i]);
}

const char *inquiry_on_finding(struct inquiry *inquiry, const struct control_message *message)
{
    struct census *census = inquiry->census;
    if (!inquiry->request || message->id != inquiry->request)
        return "a finding that was not asked for";
    if (census->count >= census->question.top)
        return "more findings than were asked for";
    const char *wrong = claims_judge_finding(&message->finding);
    if (wrong)
        return wrong;
    if (kinds[message->finding.kind] != kind_of_mode[census->question.mode])
        return "a finding of another kind than was asked for";
    take_finding(&message->finding, &census->findings[census->count++]);
    return NULL;
}

struct census *inquiry_give_up(struct inquiry *inquiry, enum census_outcome outcome)
{
    struct census *census = STEAL(inquiry->census);
    *inquiry = (struct inquiry){0};
    census->outcome = outcome;
    if (outcome != CENSUS_DONE)
        census->count = 0;
    return census;
}

struct census *inquiry_refused(struct inquiry *inquiry, enum control_result why)
{
    return inquiry_give_up(inquiry, outcomes[why]);
}

const char *inquiry_on_censused(struct inquiry *inquiry, const struct control_message *message,
                                uint64_t now_usec, struct census **ret_census)
{
    const struct control_censused *censused = &message->censused;
    struct census *census = inquiry->census;
    if (!inquiry->request || message->id != inquiry->request)
        return "the end of a census that was not asked for";
    if (censused->findings != census->count ||
        (censused->outcome != CONTROL_RESULT_OK && census->count > 0))
        return "the end of a census that does not fit its findings";
    const char *wrong = claims_judge_censused(censused, now_usec - inquiry->sent_usec);
    if (wrong)
        return wrong;
    census->truncated = censused->truncated;
    if (censused->has & CONTROL_CENSUSED_HAS_OBJECTS)
        census->objects = (int64_t)censused->objects;
    if (censused->has & CONTROL_CENSUSED_HAS_GIL_WAIT_USEC)
        census->gil_wait_usec = (int64_t)censused->gil_wait_usec;
    if (censused->has & CONTROL_CENSUSED_HAS_HOLD_USEC) {
        census->hold_usec = (int64_t)censused->hold_usec;
        census->run_usec = (int64_t)censused->run_usec;
    }
    *ret_census = inquiry_refused(inquiry, censused->outcome);
    return NULL;
}
