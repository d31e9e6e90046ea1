/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include "base/clock.h"
#include "base/text.h"
#include "wire/control.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Open in all threads together, and ended since the agent's last turn (a second ago at most). */
#define MARK_SLOTS 64
/* A shorter region is told once, at its end. */
#define MARK_LONG_USEC (10 * USEC_PER_SEC)
/* A tenth of the lines that the daemon hears from one agent, and a third of its burst. */
#define MARK_LINES_PER_SECOND 2
#define MARK_LINES_BURST      20

enum mark_phase { MARK_FREE, MARK_WRITING, MARK_OPEN, MARK_ENDED, MARK_HAPPENED };
#define MARK_PHASE_BITS 3

struct mark_slot {
    _Atomic uint64_t state; /* number << MARK_PHASE_BITS | phase: both change in one step */
    char name[CONTROL_NAME_SIZE];
    uint64_t begin_usec, end_usec;
    bool told; /* agent's thread: that it is under way */
};

static struct {
    struct mark_slot slots[MARK_SLOTS];
    _Atomic unsigned next;      /* where the next search begins */
    _Atomic uint64_t told;      /* lines, ever */
    _Atomic uint64_t left_out;  /* marks, ever */
    uint64_t left_out_told;     /* agent's thread */
    uint64_t credit_usec;       /* agent's thread: what the rate leaves to spend */
    uint64_t credit_given_usec; /* agent's thread: up to when it was given */
} marks;

static uint64_t mark_state(uint64_t number, enum mark_phase phase)
{
    return number << MARK_PHASE_BITS | phase;
}

static enum mark_phase mark_phase(uint64_t state)
{
    return (enum mark_phase)(state & ((1 << MARK_PHASE_BITS) - 1));
}

static bool mark_move(struct mark_slot *slot, uint64_t number, enum mark_phase from,
                      enum mark_phase to)
{
    uint64_t expected = mark_state(number, from);
    return atomic_compare_exchange_strong(&slot->state, &expected, mark_state(number, to));
}

/* Its number, and the slot is the caller's to fill. 0: none is free. */
static uint64_t mark_take(struct mark_slot **ret_slot)
{
    unsigned first = atomic_fetch_add(&marks.next, 1);
    for (unsigned i = 0; i < MARK_SLOTS; i++) {
        struct mark_slot *slot = &marks.slots[(first + i) % MARK_SLOTS];
        uint64_t state = atomic_load(&slot->state);
        uint64_t number = (state >> MARK_PHASE_BITS) + 1;
        if (mark_phase(state) == MARK_FREE &&
            atomic_compare_exchange_strong(&slot->state, &state,
                                           mark_state(number, MARK_WRITING))) {
            *ret_slot = slot;
            return number;
        }
    }
    atomic_fetch_add(&marks.left_out, 1);
    return 0;
}

static uint64_t mark_add(const char *name, enum mark_phase phase)
{
    struct mark_slot *slot;
    uint64_t number = name && name[0] ? mark_take(&slot) : 0;
    if (number == 0)
        return 0;
    text_copy(slot->name, sizeof(slot->name), name);
    slot->begin_usec = slot->end_usec = clock_mono_usec();
    slot->told = false;
    /* A fork may have taken the slot away meanwhile; then the mark is the parent's. */
    mark_move(slot, number, MARK_WRITING, phase);
    return number * MARK_SLOTS + (uint64_t)(slot - marks.slots);
}

uint64_t mark_begin(const char *name)
{
    return mark_add(name, MARK_OPEN);
}

void mark_point(const char *name)
{
    mark_add(name, MARK_HAPPENED);
}

void mark_end(uint64_t span)
{
    struct mark_slot *slot = &marks.slots[span % MARK_SLOTS];
    uint64_t number = span / MARK_SLOTS;
    if (span == 0 || !mark_move(slot, number, MARK_OPEN, MARK_WRITING))
        return;
    slot->end_usec = clock_mono_usec();
    mark_move(slot, number, MARK_WRITING, MARK_ENDED);
}

/* ---- telling ---- */

static bool mark_may_speak(uint64_t now_usec)
{
    static const uint64_t price = USEC_PER_SEC / MARK_LINES_PER_SECOND;
    if (marks.credit_given_usec == 0)
        marks.credit_usec = price * MARK_LINES_BURST;
    else
        marks.credit_usec += now_usec - marks.credit_given_usec;
    marks.credit_given_usec = now_usec;
    if (marks.credit_usec > price * MARK_LINES_BURST)
        marks.credit_usec = price * MARK_LINES_BURST;
    if (marks.credit_usec < price)
        return false;
    marks.credit_usec -= price;
    return true;
}

static void mark_say(struct buffer *out, const struct mark_slot *slot, uint64_t span,
                     enum control_phase phase, uint64_t now_usec)
{
    uint64_t left_out = atomic_load(&marks.left_out);
    struct control_mark mark = {
        .phase = phase,
        .span = phase == CONTROL_PHASE_POINT ? 0 : span,
        .usec = (phase == CONTROL_PHASE_BEGIN ? now_usec : slot->end_usec) - slot->begin_usec,
        .left_out = left_out - marks.left_out_told,
    };
    text_copy(mark.name, sizeof(mark.name), slot->name);
    if (!mark_may_speak(now_usec) || control_encode_mark(out, &mark) < 0) {
        /* That it has begun is no news of its own: its end will be counted. */
        if (phase != CONTROL_PHASE_BEGIN)
            atomic_fetch_add(&marks.left_out, 1);
        return;
    }
    marks.left_out_told = left_out;
    atomic_fetch_add(&marks.told, 1);
}

/* out NULL: nobody listens. */
static void mark_look(struct mark_slot *slot, struct buffer *out, uint64_t now_usec)
{
    uint64_t state = atomic_load(&slot->state);
    uint64_t number = state >> MARK_PHASE_BITS;
    uint64_t span = number * MARK_SLOTS + (uint64_t)(slot - marks.slots);
    enum mark_phase phase = mark_phase(state);
    if (phase == MARK_OPEN && out && !slot->told && now_usec >= slot->begin_usec + MARK_LONG_USEC) {
        slot->told = true;
        mark_say(out, slot, span, CONTROL_PHASE_BEGIN, now_usec);
    } else if (phase == MARK_ENDED || phase == MARK_HAPPENED) {
        if (out)
            mark_say(out, slot, span, phase == MARK_ENDED ? CONTROL_PHASE_END : CONTROL_PHASE_POINT,
                     now_usec);
        mark_move(slot, number, phase, MARK_FREE);
    }
}

void mark_tell(struct buffer *out, uint64_t now_usec)
{
    for (size_t i = 0; i < MARK_SLOTS; i++)
        mark_look(&marks.slots[i], out, now_usec);
}

void mark_discard(void)
{
    for (size_t i = 0; i < MARK_SLOTS; i++)
        mark_look(&marks.slots[i], NULL, 0);
}

void mark_count(uint64_t *ret_told, uint64_t *ret_left_out)
{
    *ret_told = atomic_load(&marks.told);
    *ret_left_out = atomic_load(&marks.left_out);
}

void mark_forget(void)
{
    for (size_t i = 0; i < MARK_SLOTS; i++) {
        struct mark_slot *slot = &marks.slots[i];
        uint64_t state = atomic_load(&slot->state);
        if (mark_phase(state) != MARK_FREE) /* a page that is not written to is not copied */
            atomic_store(&slot->state, mark_state(state >> MARK_PHASE_BITS, MARK_FREE));
    }
    if (marks.credit_given_usec == 0 && atomic_load(&marks.left_out) == 0)
        return;
    atomic_store(&marks.told, 0);
    atomic_store(&marks.left_out, 0);
    marks.left_out_told = 0;
    marks.credit_given_usec = 0;
}
