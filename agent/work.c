/* SPDX-License-Identifier: MIT */
#include "work.h"

#include "allocator.h"
#include "base/clock.h"
#include "census.h"
#include "collector.h"
#include "contact.h"
#include "gil.h"
#include "hooks.h"
#include "pools.h"
#include "python.h"

#include <stddef.h>

static bool work_is_bound(void)
{
    return true;
}

static void work_trim(const struct job_request *request, struct job_result *result)
{
    (void)request;
    uint64_t usec;
    result->result = allocator_trim(&usec);
}

static const struct work {
    bool (*open)(void);     /* NULL: nothing to find first */
    bool (*is_bound)(void); /* must it run on the main thread? NULL: no */
    bool without_gil;
    void (*perform)(const struct job_request *request, struct job_result *result);
    /* What belongs to it and needs no GIL, on the job's thread. NULL: nothing. */
    void (*after)(const struct job_request *request, struct job_result *result);
} works[] = {
    [JOB_CONTACT] = {.perform = contact_make},
    [JOB_STAT] = {.open = collector_open, .perform = collector_stat},
    [JOB_COLLECT] = {.open = collector_open,
                     .is_bound = collector_finalisers_are_bound,
                     .perform = collector_collect},
    [JOB_FREEZE] = {.open = collector_open, .perform = collector_freeze},
    [JOB_HOOKS] = {.is_bound = collector_finalisers_are_bound,
                   .perform = hooks_call_python,
                   .after = hooks_call_plain},
    [JOB_PLAIN_HOOKS] = {.without_gil = true, .perform = hooks_call_plain},
    [JOB_TRIM] = {.is_bound = work_is_bound, .perform = work_trim},
    [JOB_CENSUS] = {.open = census_open, .perform = census_perform},
    [JOB_POOLS] = {.without_gil = true, .perform = pools_stat},
};

/* GIL held, ticket claimed. */
static void work_perform(const struct job_request *request, struct job_result *result)
{
    uint64_t begin = clock_mono_usec();
    result->result = CONTROL_RESULT_OK;
    works[request->kind].perform(request, result);
    result->run_usec = clock_mono_usec() - begin;
}

/* What a pending call needs; it outlives neither its ticket nor the process. */
static struct {
    const struct job_request *request;
    struct job_result *result;
    uint64_t begin_usec;
} pending;

/* Main thread, GIL held. */
static int work_on_main(void *argument)
{
    uint64_t ticket = (uint64_t)(uintptr_t)argument;
    if (gil_is_closed() || !job_claim(ticket))
        return 0;
    pending.result->gil_wait_usec = clock_mono_usec() - pending.begin_usec;
    work_perform(pending.request, pending.result);
    job_completed(ticket);
    return 0;
}

/* Called with the GIL, which is given back here. The ticket is open again while we wait. */
static void work_hand_over(const struct job_request *request, uint64_t ticket, int gil,
                           uint64_t begin_usec, struct job_result *result)
{
    result->mode = CONTROL_MODE_MAIN;
    pending.request = request;
    pending.result = result;
    pending.begin_usec = begin_usec;
    job_put_back(ticket);
    bool queued = python_api.add_pending_call(work_on_main, (void *)(uintptr_t)ticket) == 0;
    /* Giving the GIL back makes the main thread look at its pending calls, which 3.11 and 3.12
     * otherwise forget. */
    gil_drop(gil);
    if (!queued && job_claim(ticket)) {
        result->result = CONTROL_RESULT_BUSY;
        return;
    }
    if (!job_await(ticket)) {
        result->result = gil_is_closed() ? CONTROL_RESULT_CLOSING : CONTROL_RESULT_GIL_TIMEOUT;
        result->interrupted = !gil_is_closed();
    }
}

static enum control_result work_refusal(enum gil_outcome outcome)
{
    if (outcome == GIL_NO_MEMORY)
        return CONTROL_RESULT_FAILED;
    return outcome == GIL_CLOSING ? CONTROL_RESULT_CLOSING : CONTROL_RESULT_NOT_READY;
}

static void work_main_part(const struct job_request *request, uint64_t ticket,
                           struct job_result *result)
{
    const struct work *work = &works[request->kind];
    if (work->without_gil) {
        result->interrupted = !job_claim(ticket);
        if (!result->interrupted)
            work_perform(request, result);
        return;
    }
    int gil;
    uint64_t begin = clock_mono_usec();
    enum gil_outcome outcome = gil_take(ticket, &gil);
    if (outcome != GIL_TAKEN) {
        result->result = work_refusal(outcome);
        result->interrupted = outcome == GIL_INTERRUPTED;
        return;
    }
    result->gil_wait_usec = clock_mono_usec() - begin;
    if (work->open && !work->open()) {
        result->result = CONTROL_RESULT_FAILED;
    } else if (request->mode == CONTROL_MODE_MAIN || (work->is_bound && work->is_bound())) {
        work_hand_over(request, ticket, gil, begin, result);
        return;
    } else {
        work_perform(request, result);
    }
    gil_drop(gil);
}

void work_do(const struct job_request *request, uint64_t ticket, struct job_result *result)
{
    const struct work *work = &works[request->kind];
    work_main_part(request, ticket, result);
    if (!work->after || result->interrupted ||
        (result->result != CONTROL_RESULT_OK && result->result != CONTROL_RESULT_FAILED))
        return;
    uint64_t begin = clock_mono_usec();
    work->after(request, result);
    result->run_usec += clock_mono_usec() - begin;
}
