/* SPDX-License-Identifier: MIT */
#include "act/refusal.h"

#include "base/text.h"

#include <stdio.h>

/* Copying less than this is noise: any program unshares some pages by just running. */
#define REFUSAL_UNSHARED_FLOOR_BYTES (INT64_C(1) << 20)

#define REFUSAL_FREEZE "; call gc.freeze() in the master before it forks"

static bool unshares_more_than_it_frees(const struct prediction *prediction,
                                        char ret_note[static RECEIPT_NOTE_SIZE])
{
    int64_t yield = prediction->high_bytes;
    if (prediction->unshared_bytes <= REFUSAL_UNSHARED_FLOOR_BYTES ||
        prediction->unshared_bytes <= yield)
        return false;
    char unshared[TEXT_BYTES_SIZE], freed[TEXT_BYTES_SIZE];
    text_format_bytes(prediction->unshared_bytes, unshared);
    text_format_bytes(yield, freed);
    snprintf(ret_note, RECEIPT_NOTE_SIZE,
             "would copy up to %s that it shares since the fork, to free at most %s" REFUSAL_FREEZE,
             unshared, freed);
    return true;
}

static bool unshares_more_than_there_is(const struct prediction *prediction, int64_t headroom,
                                        char ret_note[static RECEIPT_NOTE_SIZE])
{
    if (headroom < 0 || prediction->unshared_bytes <= headroom / 2)
        return false;
    char unshared[TEXT_BYTES_SIZE], left[TEXT_BYTES_SIZE];
    text_format_bytes(prediction->unshared_bytes, unshared);
    text_format_bytes(headroom, left);
    snprintf(ret_note, RECEIPT_NOTE_SIZE,
             "would copy up to %s that it shares since the fork, and the host has %s "
             "left" REFUSAL_FREEZE,
             unshared, left);
    return true;
}

static bool pauses_too_long(const struct prediction *prediction, uint64_t budget_usec,
                            char ret_note[static RECEIPT_NOTE_SIZE])
{
    if (prediction->pause_usec < 0 || (uint64_t)prediction->pause_usec <= budget_usec)
        return false;
    snprintf(ret_note, RECEIPT_NOTE_SIZE,
             "would pause the program for about %lld ms; the budget is %llu ms",
             (long long)(prediction->pause_usec / 1000), (unsigned long long)(budget_usec / 1000));
    return true;
}

bool refusal_judge(enum step_kind step, const struct prediction *prediction,
                   uint64_t pause_budget_usec, int64_t headroom_bytes,
                   char ret_note[static RECEIPT_NOTE_SIZE])
{
    if (step != STEP_COLLECT)
        return false;
    return unshares_more_than_it_frees(prediction, ret_note) ||
           unshares_more_than_there_is(prediction, headroom_bytes, ret_note) ||
           pauses_too_long(prediction, pause_budget_usec, ret_note);
}
