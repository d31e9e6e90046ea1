/* SPDX-License-Identifier: MIT */
#include "request.h"

#include "allocator.h"
#include "base/clock.h"
#include "census.h"
#include "contact.h"
#include "gil.h"
#include "hooks.h"
#include "python.h"
#include "session.h"

#include <errno.h>
#include <string.h>

static struct {
    struct buffer *out;
    bool active;
    struct control_message request;
    size_t step;
    enum control_result outcome; /* of the run so far */
    bool working;                /* a job runs for it */
    uint64_t deadline_usec;      /* for the job to begin */
    bool gc_due, pools_due;      /* of a stat: jobs still to do */
    struct control_stats stats;  /* of a stat: what is known so far */
    bool has_next;
    struct control_message next; /* came while the first was under way */
} current;

void request_init(struct buffer *out)
{
    current.out = out;
}

void request_forget(void)
{
    /* A page that is not written to is not copied. */
    if (current.active || current.working)
        current.active = current.working = false;
    if (current.has_next)
        current.has_next = false;
}

bool request_is_active(void)
{
    return current.active;
}

/* ---- answers ---- */

void request_refuse(uint64_t id, enum control_result why)
{
    control_encode_error(current.out, id, why);
}

static void request_answer_stats(void)
{
    current.stats.fork_count = session_fork_count();
    control_encode_stats(current.out, current.request.id, &current.stats);
    current.active = false;
}

static void request_answer_step(struct control_step *step, enum control_result outcome)
{
    step->index = current.step;
    step->outcome = outcome;
    memcpy(step->step, current.request.run.steps[current.step], sizeof(step->step));
    control_encode_step(current.out, current.request.id, step);
    if (current.outcome == CONTROL_RESULT_OK)
        current.outcome = outcome;
    current.step++;
}

static void request_answer_done(void)
{
    struct control_done done = {.outcome = current.outcome, .steps = current.step};
    control_encode_done(current.out, current.request.id, &done);
    current.active = false;
}

/* result: of the job; NULL: it did not run. */
static void request_answer_census(enum control_result outcome, const struct job_result *result)
{
    struct control_censused censused = {.outcome = outcome};
    const struct control_finding *findings = NULL;
    size_t count = 0;
    if (result && outcome == CONTROL_RESULT_OK) {
        findings = census_findings(&count);
        censused.has = CONTROL_CENSUSED_HAS_OBJECTS | CONTROL_CENSUSED_HAS_GIL_WAIT_USEC |
                       CONTROL_CENSUSED_HAS_HOLD_USEC;
        censused.objects = result->objects;
        censused.truncated = result->truncated;
        censused.gil_wait_usec = result->gil_wait_usec;
        censused.hold_usec = result->hold_usec > 0 ? result->hold_usec : result->run_usec;
        censused.run_usec = result->run_usec;
    }
    for (size_t i = 0; i < count; i++)
        if (control_encode_finding(current.out, current.request.id, &findings[i]) == 0)
            censused.findings++;
    control_encode_censused(current.out, current.request.id, &censused);
    current.active = false;
}

/* ---- work ---- */

/* Can the interpreter be asked at all? OK, or why not. */
static enum control_result request_python_state(void)
{
    if (!python_is_supported())
        return CONTROL_RESULT_UNSUPPORTED;
    if (gil_is_closed())
        return CONTROL_RESULT_CLOSING;
    return contact_is_made() ? CONTROL_RESULT_OK : CONTROL_RESULT_NOT_READY;
}

/* OK: a job is under way for the request. */
static enum control_result request_work(const struct job_request *request)
{
    enum control_result result =
        request->kind == JOB_PLAIN_HOOKS ? CONTROL_RESULT_OK : request_python_state();
    if (result != CONTROL_RESULT_OK)
        return result;
    int r = job_start(request);
    if (r < 0)
        return r == -EBUSY ? CONTROL_RESULT_BUSY : CONTROL_RESULT_FAILED;
    current.working = true;
    return CONTROL_RESULT_OK;
}

static void request_deadline(uint64_t now, uint64_t timeout_msec)
{
    current.deadline_usec = now + timeout_msec * USEC_PER_MSEC;
}

static void request_begin_census(void)
{
    enum control_result result = CONTROL_RESULT_UNSUPPORTED;
    if (census_is_possible())
        result = request_work(
            &(struct job_request){.kind = JOB_CENSUS, .census = current.request.census});
    if (result == CONTROL_RESULT_OK)
        return;
    request_refuse(current.request.id, result);
    current.active = false;
}

static bool *request_stat_due(void)
{
    return current.gc_due ? &current.gc_due : &current.pools_due;
}

/* Go on with a stat until it needs a job or nothing is left. */
static void request_advance_stat(void)
{
    while (!current.working && (current.gc_due || current.pools_due)) {
        enum control_result result = request_work(
            &(struct job_request){.kind = current.gc_due ? JOB_STAT : JOB_POOLS,
                                  .stats = &current.stats,
                                  .max_pause_usec = current.request.stat.max_hold_usec});
        if (result == CONTROL_RESULT_OK)
            return;
        if (current.gc_due)
            current.stats.py_result = result;
        *request_stat_due() = false;
    }
    if (!current.working)
        request_answer_stats();
}

/* The steps that are a job; trim only where a part of it must be done on the main thread. */
static const struct {
    const char *name;
    enum job_kind kind;
} request_jobs[] = {
    {"collect", JOB_COLLECT}, {"freeze", JOB_FREEZE}, {"trim", JOB_TRIM}, {"hooks", JOB_HOOKS}};

static const enum job_kind *request_job_of(const char *step)
{
    for (size_t i = 0; i < sizeof(request_jobs) / sizeof(request_jobs[0]); i++)
        if (strcmp(step, request_jobs[i].name) == 0)
            return &request_jobs[i].kind;
    return NULL;
}

static enum control_result request_begin_job(enum job_kind kind)
{
    const struct control_run *run = &current.request.run;
    return request_work(&(struct job_request){.kind = kind,
                                              .generation = run->generation,
                                              .mode = run->mode,
                                              .max_pause_usec = run->max_pause_usec});
}

static void request_step_job(enum job_kind kind)
{
    enum control_result result = request_begin_job(kind);
    if (result != CONTROL_RESULT_OK)
        request_answer_step(&(struct control_step){0}, result);
}

static void request_step_hooks(void)
{
    if (hooks_count() > 0)
        request_step_job(hooks_have_python() ? JOB_HOOKS : JOB_PLAIN_HOOKS);
    else
        request_answer_step(&(struct control_step){0}, CONTROL_RESULT_UNSUPPORTED);
}

static void request_step_trim(void)
{
    struct control_step step = {0};
    enum control_result result = allocator_trim(&step.run_usec);
    if (result == CONTROL_RESULT_OK && allocator_trim_is_per_thread() &&
        request_begin_job(JOB_TRIM) == CONTROL_RESULT_OK)
        return; /* the rest is in the heap of the main thread, and Python is there to reach it */
    if (result == CONTROL_RESULT_OK)
        step.has = CONTROL_STEP_HAS_RUN_USEC;
    request_answer_step(&step, result);
}

static void request_step(const char *name)
{
    const enum job_kind *kind = request_job_of(name);
    if (kind && *kind == JOB_TRIM)
        request_step_trim();
    else if (kind && *kind == JOB_HOOKS)
        request_step_hooks();
    else if (kind)
        request_step_job(*kind);
    else
        request_answer_step(&(struct control_step){0}, CONTROL_RESULT_UNSUPPORTED);
}

/* Go on with a run until a step needs a job or nothing is left. */
static void request_advance(uint64_t now)
{
    const struct control_run *run = &current.request.run;
    while (!current.working && current.step < run->step_count) {
        request_deadline(now, run->gil_timeout_msec);
        request_step(run->steps[current.step]);
    }
    if (!current.working)
        request_answer_done();
}

/* The job did not begin because of a fork: once more, within the same deadline. */
static void request_again(void)
{
    if (current.request.type == CONTROL_STAT)
        request_advance_stat();
    else if (current.request.type == CONTROL_CENSUS)
        request_begin_census();
    else
        request_step(current.request.run.steps[current.step]);
}

/* The job wrote into what malloc's part was read into before. */
static void request_take_stats(const struct job_result *result)
{
    if (result->result == CONTROL_RESULT_OK)
        current.stats = result->stats;
    if (current.gc_due) {
        if (result->result == CONTROL_RESULT_OK)
            current.stats.has |= CONTROL_HAS_GIL_WAIT_USEC | CONTROL_HAS_HOLD_USEC;
        current.stats.py_result = result->result;
        current.stats.gil_wait_usec = result->gil_wait_usec;
        current.stats.hold_usec = result->run_usec;
    }
    *request_stat_due() = false;
}

static void request_take_step(const struct job_result *result, uint64_t now)
{
    struct control_step step = {.mode = result->mode};
    /* Of hooks some may have raised and others not: all were called. */
    if (result->result == CONTROL_RESULT_OK || result->objects > 0) {
        step.objects = result->objects;
        step.gil_wait_usec = result->gil_wait_usec;
        step.run_usec = result->run_usec;
        step.has = CONTROL_STEP_HAS_GIL_WAIT_USEC | CONTROL_STEP_HAS_RUN_USEC;
        if (*request_job_of(current.request.run.steps[current.step]) != JOB_TRIM)
            step.has |= CONTROL_STEP_HAS_OBJECTS;
    }
    request_answer_step(&step, result->result);
    request_advance(now);
}

static void request_on_job(const struct job_result *result, uint64_t now)
{
    if (!current.working)
        return; /* contact, or a request that was given up */
    current.working = false;
    if (result->interrupted) {
        request_again();
        if (current.active && !current.working && current.request.type == CONTROL_RUN)
            request_advance(now);
    } else if (current.request.type == CONTROL_STAT) {
        request_take_stats(result);
        request_advance_stat();
    } else if (current.request.type == CONTROL_CENSUS) {
        request_answer_census(result->result, result);
    } else {
        request_take_step(result, now);
    }
}

/* The GIL did not come: the job stays behind, cancelled, and leaves when it comes. */
static void request_check_deadline(uint64_t now)
{
    if (!current.working || now < current.deadline_usec || !job_cancel())
        return;
    current.working = false;
    if (current.request.type == CONTROL_STAT) {
        if (current.gc_due)
            current.stats.py_result = CONTROL_RESULT_GIL_TIMEOUT;
        *request_stat_due() = false;
        request_advance_stat();
        return;
    }
    if (current.request.type == CONTROL_CENSUS) {
        request_answer_census(CONTROL_RESULT_GIL_TIMEOUT, NULL);
        return;
    }
    request_answer_step(&(struct control_step){.mode = current.request.run.mode},
                        CONTROL_RESULT_GIL_TIMEOUT);
    request_advance(now);
}

/* ---- requests ---- */

static void request_begin_stat_message(uint64_t now)
{
    const struct control_stat *stat = &current.request.stat;
    current.stats = (struct control_stats){0};
    if (stat->malloc)
        allocator_stats(&current.stats);
    request_deadline(now, stat->gil_timeout_msec);
    current.gc_due = stat->gc;
    current.pools_due = stat->pools;
    request_advance_stat();
}

static void request_begin_census_message(uint64_t now)
{
    request_deadline(now, current.request.census.gil_timeout_msec);
    request_begin_census();
}

static void request_begin(const struct control_message *message, uint64_t now)
{
    current.active = true;
    current.request = *message;
    current.step = 0;
    current.outcome = CONTROL_RESULT_OK;
    if (message->type == CONTROL_STAT)
        request_begin_stat_message(now);
    else if (message->type == CONTROL_CENSUS)
        request_begin_census_message(now);
    else
        request_advance(now);
}

/* A stat without the GIL disturbs nothing, so it overtakes. */
static void request_stat_aside(const struct control_message *message)
{
    struct control_stats stats = {.fork_count = session_fork_count()};
    if (message->stat.malloc)
        allocator_stats(&stats);
    control_encode_stats(current.out, message->id, &stats);
}

void request_on_message(const struct control_message *message, uint64_t now)
{
    if (!current.active) {
        request_begin(message, now);
    } else if (message->type == CONTROL_STAT && !message->stat.gc && !message->stat.pools) {
        request_stat_aside(message);
    } else if (!current.has_next) {
        current.has_next = true;
        current.next = *message;
    } else {
        request_refuse(message->id, CONTROL_RESULT_BUSY);
    }
}

enum job_state request_turn(uint64_t now)
{
    struct job_result result;
    enum job_state state = job_poll(&result);
    if (state == JOB_ENDED)
        request_on_job(&result, now);
    request_check_deadline(now);
    while (!current.active && current.has_next) {
        current.has_next = false;
        struct control_message next = current.next;
        request_begin(&next, now);
    }
    return current.working ? JOB_UNDER_WAY : state;
}
