/* SPDX-License-Identifier: MIT */
#include "approach.h"

#include "base/clock.h"
#include "builtin.h"
#include "census.h"
#include "collector.h"
#include "contact.h"
#include "gil.h"
#include "job.h"
#include "python.h"
#include "session.h"
#include "startup.h"
#include "state.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* 2.7 and 3.6 have no lock yet when their first call is added, and may lose it. Those that are not
 * lost take up places that signals need as well: there are 32. */
#define APPROACH_ASK_USEC (1 * USEC_PER_SEC)
#define APPROACH_ASKED    3
/* 3.11 and 3.12 do not look for calls that another thread adds unless they give the GIL away; and
 * the main thread may sleep. */
#define APPROACH_PATIENCE_USEC (100 * USEC_PER_MSEC)
/* 5 s, in turns of ours that are apart, where a job that comes too soon does harm: a main thread
 * that did not get out of a few microseconds of its start-up meanwhile, or to its next bytecode,
 * was not given a processor, and then nor were we. */
#define APPROACH_PATIENCE_TURNS 500
#define APPROACH_TURN_USEC      (10 * USEC_PER_MSEC)
/* Between two jobs of which each finds that it must wait for the program to import something. */
#define APPROACH_WAIT_USEC (20 * USEC_PER_MSEC)

/* A job makes the program wait for two changes of thread, some 200 us: most programs that end
 * within their first moments, compilers' and shells' helpers, are not worth that, and gain nothing.
 */
#define APPROACH_JOB_USEC (30 * USEC_PER_MSEC)

/* How soon to look again, by the age of the expectation. The interpreter is up some 10 ms after the
 * start, and each look before costs it some 30 us; a program that has not loaded Python in its
 * first minute may still do so, without haste. While the interpreter is not trusted (up to 3.6) a
 * call that was made too early must be added again before the program sleeps for good. */
static const struct {
    uint64_t age_usec, sleep_usec, untrusted_usec;
} approach_pace[] = {
    {0, 8 * USEC_PER_MSEC, 4 * USEC_PER_MSEC},
    {500 * USEC_PER_MSEC, 4 * USEC_PER_MSEC, 1 * USEC_PER_MSEC},
    {10 * USEC_PER_SEC, 10 * USEC_PER_MSEC, 10 * USEC_PER_MSEC},
    {60 * USEC_PER_SEC, 100 * USEC_PER_MSEC, 100 * USEC_PER_MSEC},
    {UINT64_MAX, 1 * USEC_PER_SEC, 1 * USEC_PER_SEC},
};

static struct {
    uint64_t began_usec;       /* of looking for what is expected now */
    uint64_t first_usec;       /* when the main thread was first asked */
    uint64_t turns, turn_usec; /* since then, and when the last of them was */
    uint64_t asked_usec;
    uint64_t job_usec; /* when a job was last started */
    _Atomic int asked; /* calls that were not made yet */
    _Atomic bool asked_again;
} approach STATE;

/* ---- the main thread ---- */

static int approach_on_main(void *unused)
{
    (void)unused;
    atomic_fetch_sub(&approach.asked, 1);
    if (gil_is_closed() || python_is_ending() || !python_api.is_initialized())
        return 0;
    /* 2.7 makes calls before it has made what PyGILState_Ensure() needs. Or it is another
     * interpreter's turn. */
    if (!python_is_ours() || !startup_is_over())
        return 0;
    if (python_version() < PYTHON_3_7)
        python_api.init_threads();
    if (python_version() == PYTHON_3_6 || contact_make_now())
        gil_trust(true);
    return 0;
}

static void approach_ask(uint64_t now)
{
    int asked = atomic_load(&approach.asked);
    int most = python_version() < PYTHON_3_7 ? APPROACH_ASKED : 1;
    if (asked >= most || (asked > 0 && now - approach.asked_usec < APPROACH_ASK_USEC))
        return;
    if (approach.first_usec == 0)
        approach.first_usec = now;
    approach.asked_usec = now;
    atomic_fetch_add(&approach.asked, 1);
    if (python_api.add_pending_call(approach_on_main, NULL) != 0)
        atomic_fetch_sub(&approach.asked, 1);
}

/* See approach_needs_job(). */
static bool approach_is_by_job(void)
{
    return python_is_supported() && python_version() >= PYTHON_3_8 &&
           python_version() < PYTHON_3_12 && !startup_matters();
}

static uint64_t approach_pace_usec(uint64_t age_usec)
{
    size_t i = 0;
    if (approach_is_by_job() && age_usec < APPROACH_JOB_USEC)
        return APPROACH_JOB_USEC - age_usec;
    while (age_usec > approach_pace[i].age_usec)
        i++;
    return python_is_supported() && !gil_is_trusted() ? approach_pace[i].untrusted_usec
                                                      : approach_pace[i].sleep_usec;
}

uint64_t approach_begin(void)
{
    approach.began_usec = clock_mono_usec();
    if (python_is_supported())
        gil_trust(python_version() >= PYTHON_3_7);
    if (python_is_supported() && python_version() < PYTHON_3_7)
        approach_ask(approach.began_usec);
    return approach_pace_usec(0);
}

/* The child of a fork that the interpreter was not told of: it goes on, so its main thread has what
 * it needs. */
static int approach_on_main_again(void *unused)
{
    (void)unused;
    atomic_store(&approach.asked_again, false);
    gil_trust(true);
    return 0;
}

static void approach_ask_again(void)
{
    if (atomic_exchange(&approach.asked_again, true))
        return;
    if (python_api.add_pending_call(approach_on_main_again, NULL) != 0)
        atomic_store(&approach.asked_again, false);
}

void approach_forget(void)
{
    atomic_store(&approach.asked_again, false);
}

/* ---- the turn ---- */

/* A job that has failed wakes us at once, and what it lacks takes its time. */
static void approach_by_job(uint64_t now)
{
    if (now - approach.began_usec < APPROACH_JOB_USEC)
        return;
    uint64_t pace =
        builtin_waits() ? APPROACH_WAIT_USEC : approach_pace_usec(now - approach.began_usec);
    if (now - approach.job_usec < pace)
        return;
    if (job_start(&(struct job_request){.kind = JOB_CONTACT}) == 0) /* busy: next turn */
        approach.job_usec = now;
}

/* The main thread was asked, and had its time to come. */
static bool approach_was_patient(uint64_t now)
{
    if (approach.first_usec == 0)
        return false;
    /* From 3.12 a job that waits for the GIL is counted by a fork in the first statement. */
    if (!startup_matters() && python_version() < PYTHON_3_12)
        return now - approach.first_usec > APPROACH_PATIENCE_USEC;
    if (now - approach.turn_usec >= APPROACH_TURN_USEC) {
        approach.turn_usec = now;
        approach.turns++;
    }
    return approach.turns > APPROACH_PATIENCE_TURNS;
}

/*
 * Not on the main thread: 3.6 is asked there first, 3.8 prints an error about a call that is added
 * when it goes down. From 3.9 to 3.12 whoever adds a call without the GIL takes from the main
 * thread the word that a signal has come, until it next gives the GIL away (5 of 20,000 starts of
 * programs that send themselves signals lost one of two that were alike): a call is added only
 * where a second thread at a fork would be told of, in 3.12, and where only the main thread knows
 * enough.
 */
static bool approach_needs_job(uint64_t now)
{
    unsigned version = python_version();
    if (version == PYTHON_3_6)
        return gil_is_trusted();
    if (approach_is_by_job())
        return true;
    return version >= PYTHON_3_7 && approach_was_patient(now) && !builtin_waits();
}

static void approach_try(uint64_t now)
{
    if (approach_needs_job(now))
        approach_by_job(now);
    else
        approach_ask(now);
}

/* What was true of the interpreter before is not of this one. */
static void approach_another(uint64_t now)
{
    contact_reset();
    collector_forget();
    gil_abandon();
    gil_trust(python_version() >= PYTHON_3_7);
    gil_reopen();
    approach.began_usec = now;
    approach.first_usec = 0;
    approach.turns = 0;
}

static bool approach_expects(void)
{
    return python_is_supported() && !contact_is_made() && !gil_is_closed() &&
           !contact_is_given_up();
}

void approach_turn(uint64_t now)
{
    if (python_look()) {
        gil_trust(python_version() >= PYTHON_3_7);
        census_load();
        session_announce();
        approach.began_usec = now;
    }
    if (python_is_supported() && gil_is_closed() && contact_is_gone() && !job_exists() &&
        python_is_up())
        approach_another(now);
    if (approach_expects() && python_is_up()) {
        startup_look();
        approach_try(now);
    }
    if (contact_is_made() && !gil_is_trusted() && !gil_is_closed())
        approach_ask_again();
}

uint64_t approach_sleep_usec(uint64_t now)
{
    bool another = python_is_supported() && gil_is_closed() && contact_is_gone();
    if (!approach_expects() && !another && python_is_known())
        return UINT64_MAX;
    return approach_pace_usec(now - approach.began_usec);
}
