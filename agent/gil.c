/* SPDX-License-Identifier: MIT */
#include "gil.h"

#include "base/clock.h"
#include "job.h"
#include "python.h"
#include "state.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* Many times what a thread state takes; below glibc's threshold for a mapping of its own, so that
 * what is freed stays with the arena of this thread. */
#define GIL_RESERVE_BYTES ((size_t)64 * 1024)

static struct {
    _Atomic bool inside; /* set before the flags are read: the other side does it in reverse */
    _Atomic bool closed;
    _Atomic bool trusted;
    _Atomic int pauses;
} gil STATE = {.trusted = true};

/* Why nobody may be in the interpreter now; GIL_TAKEN: no reason. */
static enum gil_outcome gil_refusal(void)
{
    if (!atomic_load(&gil.trusted))
        return GIL_NOT_READY;
    if (atomic_load(&gil.closed) || python_is_ending())
        return GIL_CLOSING;
    if (!python_api.is_initialized())
        return GIL_NOT_READY;
    return atomic_load(&gil.pauses) > 0 ? GIL_INTERRUPTED : GIL_TAKEN;
}

/*
 * PyGILState_Ensure() makes a thread state for a thread it does not know, and where malloc has no
 * memory for it CPython dereferences NULL (3.11) or ends the process. A program at its limit lives
 * on MemoryError, so look first.
 */
static bool gil_memory_is_left(void)
{
    void *volatile reserve =
        malloc(GIL_RESERVE_BYTES); /* or the compiler takes the answer as yes */
    free(reserve);
    return reserve != NULL;
}

enum gil_outcome gil_take(uint64_t ticket, int *ret_state)
{
    atomic_store(&gil.inside, true);
    enum gil_outcome outcome = gil_refusal();
    if (outcome == GIL_TAKEN && !gil_memory_is_left())
        outcome = GIL_NO_MEMORY;
    if (outcome == GIL_TAKEN) {
        /* CPython up to 3.13 may end this thread in here when it shuts down. That is harmless: no
         * lock is held and nobody waits for this job without a limit. */
        int state = python_api.gil_ensure();
        outcome = gil_refusal();
        if (outcome == GIL_TAKEN && !job_claim(ticket))
            outcome = GIL_INTERRUPTED;
        if (outcome == GIL_TAKEN) {
            *ret_state = state;
            return GIL_TAKEN;
        }
        python_api.gil_release(state);
    }
    atomic_store(&gil.inside, false);
    return outcome;
}

void gil_drop(int state)
{
    python_api.gil_release(state);
    atomic_store(&gil.inside, false);
}

void gil_close(void)
{
    atomic_store(&gil.closed, true);
}

bool gil_is_closed(void)
{
    return atomic_load(&gil.closed);
}

void gil_trust(bool trusted)
{
    atomic_store(&gil.trusted, trusted);
}

bool gil_is_trusted(void)
{
    return atomic_load(&gil.trusted);
}

void gil_reopen(void)
{
    atomic_store(&gil.closed, false);
}

void gil_abandon(void)
{
    atomic_store(&gil.inside, false);
}

void gil_pause(void)
{
    atomic_fetch_add(&gil.pauses, 1);
}

void gil_resume(void)
{
    int before = atomic_load(&gil.pauses);
    while (before > 0 && !atomic_compare_exchange_weak(&gil.pauses, &before, before - 1))
        continue;
}

bool gil_is_paused(void)
{
    return atomic_load(&gil.pauses) > 0;
}

bool gil_is_inside(void)
{
    return atomic_load(&gil.inside);
}

void gil_await_leave(uint64_t timeout_usec)
{
    uint64_t deadline = clock_mono_usec() + timeout_usec;
    while (atomic_load(&gil.inside) && clock_mono_usec() < deadline) {
        struct timespec nap = {.tv_nsec = 200 * 1000L};
        nanosleep(&nap, NULL);
    }
    if (atomic_load(&gil.inside))
        job_is_late();
}

void gil_wait_for_leave(uint64_t timeout_usec)
{
    if (!atomic_load(&gil.inside))
        return;
    void *saved = python_api.save_thread();
    gil_await_leave(timeout_usec);
    python_api.restore_thread(saved);
}

bool gil_breathe(uint64_t usec)
{
    void *saved = python_api.save_thread();
    struct timespec nap = {.tv_nsec = (long)usec * 1000};
    nanosleep(&nap, NULL);
    python_api.restore_thread(saved);
    return gil_refusal() == GIL_TAKEN;
}

void gil_forget(void)
{
    atomic_store(&gil.inside, false);
    atomic_store(&gil.pauses, 0);
}
