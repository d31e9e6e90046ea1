/* SPDX-License-Identifier: MIT */
/*
 * One piece of Python work on a thread of its own. Waiting for the GIL cannot be called off, so
 * the agent's thread never waits for it: it starts a job, goes on serving, and cancels the job
 * when its time is up. A cancelled job whose GIL comes at last leaves without having run. The
 * thread exists only as long as the job.
 *
 * Every job has a ticket. Who wants to do the work must claim the ticket; cancelling is claiming
 * it away. So whatever comes late (the GIL, a pending call on the main thread) finds it gone.
 */
#ifndef MEMTEND_AGENT_JOB_H
#define MEMTEND_AGENT_JOB_H

#include "wire/control.h"

#include <stdbool.h>
#include <stdint.h>

enum job_kind {
    JOB_CONTACT,
    JOB_STAT,
    JOB_COLLECT,
    JOB_FREEZE,
    JOB_HOOKS,
    JOB_PLAIN_HOOKS,
    JOB_TRIM,
    JOB_POOLS,
    JOB_CENSUS
};

struct job_request {
    enum job_kind kind;
    uint64_t generation;
    enum control_mode mode;
    uint64_t max_pause_usec;           /* 0 = no limit */
    const struct control_stats *stats; /* of JOB_STAT: what is known already; read at the start */
    struct control_census census;      /* of JOB_CENSUS */
};

struct job_result {
    enum control_result result;
    bool interrupted; /* a fork came first: nothing ran, start it again */
    enum control_mode mode;
    uint64_t objects;
    uint64_t gil_wait_usec;
    uint64_t run_usec;
    struct control_stats stats; /* of JOB_STAT: gc_* and py_* */
    uint64_t hold_usec;         /* of JOB_CENSUS in pieces: the longest; 0: all of run_usec */
    bool truncated;             /* of JOB_CENSUS */
};

enum job_state { JOB_NONE, JOB_UNDER_WAY, JOB_ENDED };

/* Agent's thread. -EBUSY while one is under way; -errno of thread creation. */
int job_start(const struct job_request *request);
/* Agent's thread. JOB_ENDED once for each job started, with its result. */
enum job_state job_poll(struct job_result *ret_result);
/* Any thread. True: the job had not begun and never will. */
bool job_cancel(void);
/* Agent's thread, or who has parked it. */
bool job_exists(void);
/* Who has parked the agent's thread: it runs, or waits for the GIL. */
bool job_lives(void);
/* Is the calling thread the job's? A finaliser may fork there. Who has parked the agent's thread.
 */
bool job_is_mine(void);
/* Who has parked the agent's thread: wait until the job's thread is gone, at most so long. */
void job_settle(uint64_t timeout_usec);
/* Somebody has waited in vain; who else may want to wait need not. */
void job_is_late(void);
bool job_is_overdue(void);
/* In the child of a fork, where the thread does not exist. Async-signal-safe. */
void job_forget(void);

/* ---- for the work itself ---- */
/* True: the work is yours to do, nobody can cancel it any more. */
bool job_claim(uint64_t ticket);
/* Put it back, to be claimed by another thread; may be cancelled again. */
void job_put_back(uint64_t ticket);
/* The work was done by another thread than the job's own. */
void job_completed(uint64_t ticket);
/* Wait until completed (true) or cancelled (false). */
bool job_await(uint64_t ticket);

#endif
