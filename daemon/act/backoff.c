/* SPDX-License-Identifier: MIT */
#include "act/backoff.h"

#include "base/clock.h"
#include "base/quantity.h"

#include <stdio.h>

/* Once may be chance: the program was in the middle of something. */
#define BACKOFF_TIMES 2
/* Twice the default cool-down of rules. */
#define BACKOFF_FIRST_USEC (600 * USEC_PER_SEC)
/* Programs change with the hour of the day. */
#define BACKOFF_LAST_USEC (86400 * USEC_PER_SEC)

static uint64_t backoff_usec(uint32_t fruitless)
{
    uint64_t usec = BACKOFF_FIRST_USEC;
    for (uint32_t i = BACKOFF_TIMES; i < fruitless && usec < BACKOFF_LAST_USEC; i++)
        usec *= 2;
    return usec < BACKOFF_LAST_USEC ? usec : BACKOFF_LAST_USEC;
}

void backoff_learn(struct backoff *backoff, const struct receipt *receipt, uint64_t now_usec)
{
    bool fruit = false;
    for (size_t i = receipt->step_count; i-- > 0;) {
        const struct receipt_step *step = &receipt->steps[i];
        struct backoff_step *known = &backoff->steps[step->kind];
        if (step->kind == STEP_FREEZE || (step->outcome != RECEIPT_OUTCOME_FREED &&
                                          step->outcome != RECEIPT_OUTCOME_FREED_NOTHING))
            continue;
        fruit = fruit || step->outcome == RECEIPT_OUTCOME_FREED;
        known->fruitless = fruit ? 0 : known->fruitless + (known->fruitless < UINT32_MAX);
        known->until_usec = now_usec + backoff_usec(known->fruitless);
    }
}

bool backoff_suspends(const struct backoff *backoff, enum step_kind step, uint64_t now_usec,
                      char ret_note[static RECEIPT_NOTE_SIZE])
{
    const struct backoff_step *known = &backoff->steps[step];
    if (known->fruitless < BACKOFF_TIMES || now_usec >= known->until_usec)
        return false;
    char left[QUANTITY_SIZE];
    uint64_t seconds = (known->until_usec - now_usec) / USEC_PER_SEC + 1;
    const struct quantity quantity = {.kind = QUANTITY_USEC,
                                      .value = (int64_t)(seconds * USEC_PER_SEC)};
    quantity_format(quantity, left);
    snprintf(ret_note, RECEIPT_NOTE_SIZE, "%s gave nothing back the last %u times; again in %s",
             step_info(step)->name, known->fruitless, left);
    return true;
}
