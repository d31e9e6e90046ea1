/* SPDX-License-Identifier: MIT */
#include "session.h"

#include "allocator.h"
#include "base/clock.h"
#include "base/text.h"
#include "gil.h"
#include "job.h"
#include "python.h"
#include "socket.h"
#include "thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* The daemon restarts in well under a second; one that is away for good costs two tries a minute.
 */
#define SESSION_BACKOFF_MIN_USEC (20 * USEC_PER_MSEC)
#define SESSION_BACKOFF_MAX_USEC (30 * USEC_PER_SEC)
/* A daemon that said bye means it. */
#define SESSION_BACKOFF_BYE_USEC (1 * USEC_PER_SEC)
/* A descriptor that the program closed gives no sign: look this often. */
#define SESSION_IDLE_USEC (1 * USEC_PER_SEC)
/* While a job is under way its end may go unannounced (a fork at that moment). */
#define SESSION_JOB_USEC (10 * USEC_PER_MSEC)
/* The daemon does not read: try again. */
#define SESSION_SEND_USEC (100 * USEC_PER_MSEC)
/* The interpreter is up some 10 ms after the start; contact must come before the first fork. An
 * interpreter that is embedded and started later is found a little later. */
#define SESSION_CONTACT_USEC       (1 * USEC_PER_MSEC)
#define SESSION_CONTACT_FAST_USEC  (500 * USEC_PER_MSEC)
#define SESSION_CONTACT_LATER_USEC (100 * USEC_PER_MSEC)
/* A run of eight steps answers nine lines of 200 bytes; more than some of those unread is a daemon
 * that hangs, and the connection is given up. */
#define SESSION_OUT_BYTES (16 * 1024)

static struct {
    const struct settings *settings;
    struct buffer in, out;
    uint64_t started_usec;
    uint64_t retry_usec; /* when to connect again */
    uint64_t backoff_usec;
    _Atomic uint64_t fork_count;
    pid_t pid;
    pid_t fork_parent; /* 0: not forked since exec */
    /* The request being served. */
    bool active;
    struct control_message request;
    size_t step;
    enum control_result outcome; /* of the run so far */
    bool working;                /* a job runs for it */
    uint64_t deadline_usec;      /* for the job to begin */
    struct control_stats stats;  /* of a stat: malloc's part, read before the job */
} session;

static char session_in[CONTROL_LINE_MAX_BYTES];
static char session_out[SESSION_OUT_BYTES];

static void session_reset(void)
{
    buffer_init_over(&session.in, session_in, sizeof(session_in));
    buffer_init_over(&session.out, session_out, sizeof(session_out));
    session.active = false;
    session.working = false;
}

void session_init(const struct settings *settings)
{
    session.settings = settings;
    session.pid = getpid();
    session.backoff_usec = SESSION_BACKOFF_MIN_USEC;
    session.started_usec = clock_mono_usec();
    session_reset();
}

void session_on_fork(void)
{
    atomic_fetch_add(&session.fork_count, 1);
}

void session_on_forked(uint64_t delay_usec)
{
    session.fork_parent = session.pid;
    session.pid = getpid();
    atomic_store(&session.fork_count, 0);
    session.backoff_usec = SESSION_BACKOFF_MIN_USEC;
    session.retry_usec = clock_mono_usec() + delay_usec;
    session_reset();
}

/* ---- the connection ---- */

/* Everything under way is forgotten: the daemon does the same. */
static void session_lose(uint64_t now, uint64_t at_least_usec)
{
    socket_close();
    session_reset();
    job_cancel();
    uint64_t wait = session.backoff_usec > at_least_usec ? session.backoff_usec : at_least_usec;
    session.backoff_usec =
        wait * 2 < SESSION_BACKOFF_MAX_USEC ? wait * 2 : SESSION_BACKOFF_MAX_USEC;
    /* 75 to 125 %, so that the agents of one host do not come back all at once. The multiplier
     * spreads neighbouring pids and instants (Knuth's golden ratio hash). */
    uint64_t mix = ((now ^ (uint64_t)session.pid) * UINT64_C(0x9E3779B97F4A7C15)) >> 32;
    session.retry_usec = now + wait * 3 / 4 + mix % (wait / 2 + 1);
}

static int session_hello(void)
{
    struct control_hello hello = {
        .version = CONTROL_VERSION,
        .capabilities = allocator_capabilities(),
        .parent_pid = (uint64_t)getppid(),
        .forked = session.fork_parent != 0,
        .fork_parent_pid = (uint64_t)session.fork_parent,
        .fork_count = atomic_load(&session.fork_count),
    };
    if (python_is_supported())
        hello.capabilities |= CONTROL_CAN_GC | CONTROL_CAN_COLLECT;
    text_copy(hello.name, sizeof(hello.name), session.settings->name);
    text_copy(hello.runtime, sizeof(hello.runtime), python_runtime());
    text_copy(hello.allocator, sizeof(hello.allocator), allocator_name());
    return control_encode_hello(&session.out, &hello);
}

static void session_connect(uint64_t now)
{
    if (now < session.retry_usec)
        return;
    int r = socket_connect(session.settings);
    if (r == 0)
        r = socket_notify(thread_id(), THREAD_SIGNAL);
    if (r == 0)
        r = session_hello();
    if (r < 0)
        session_lose(now, r == -EPERM ? SESSION_BACKOFF_MAX_USEC : 0);
}

void session_resume(void)
{
    if (socket_is_connected() && socket_notify(thread_id(), THREAD_SIGNAL) < 0)
        session_lose(clock_mono_usec(), 0);
}

/* ---- answers ---- */

static void session_refuse(uint64_t id, enum control_result why)
{
    control_encode_error(&session.out, id, why);
}

static void session_answer_stats(enum control_result py_result)
{
    session.stats.py_result = py_result;
    session.stats.fork_count = atomic_load(&session.fork_count);
    control_encode_stats(&session.out, session.request.id, &session.stats);
    session.active = false;
}

static void session_answer_step(struct control_step *step, enum control_result outcome)
{
    step->index = session.step;
    step->outcome = outcome;
    memcpy(step->step, session.request.run.steps[session.step], sizeof(step->step));
    control_encode_step(&session.out, session.request.id, step);
    if (session.outcome == CONTROL_RESULT_OK)
        session.outcome = outcome;
    session.step++;
}

static void session_answer_done(void)
{
    struct control_done done = {.outcome = session.outcome, .steps = session.step};
    control_encode_done(&session.out, session.request.id, &done);
    session.active = false;
}

/* ---- work ---- */

/* Can the interpreter be asked at all? OK, or why not. */
static enum control_result session_python_state(void)
{
    if (!python_is_supported())
        return CONTROL_RESULT_UNSUPPORTED;
    if (gil_is_closed())
        return CONTROL_RESULT_CLOSING;
    return python_is_ready() ? CONTROL_RESULT_OK : CONTROL_RESULT_NOT_READY;
}

/* OK: a job is under way for the request. */
static enum control_result session_work(const struct job_request *request)
{
    enum control_result result = session_python_state();
    if (result != CONTROL_RESULT_OK)
        return result;
    int r = job_start(request);
    if (r < 0)
        return r == -EBUSY ? CONTROL_RESULT_BUSY : CONTROL_RESULT_FAILED;
    session.working = true;
    return CONTROL_RESULT_OK;
}

static void session_deadline(uint64_t now, uint64_t timeout_msec)
{
    session.deadline_usec = now + timeout_msec * USEC_PER_MSEC;
}

static enum control_result session_begin_stat(void)
{
    return session_work(&(struct job_request){.kind = JOB_STAT});
}

static enum control_result session_begin_collect(void)
{
    const struct control_run *run = &session.request.run;
    return session_work(&(struct job_request){.kind = JOB_COLLECT,
                                              .generation = run->generation,
                                              .mode = run->mode,
                                              .max_pause_usec = run->max_pause_usec});
}

static void session_step_collect(void)
{
    enum control_result result = session_begin_collect();
    if (result != CONTROL_RESULT_OK)
        session_answer_step(&(struct control_step){0}, result);
}

static void session_step_trim(void)
{
    struct control_step step = {0};
    if (!(allocator_capabilities() & CONTROL_CAN_TRIM)) {
        session_answer_step(&step, CONTROL_RESULT_UNSUPPORTED);
        return;
    }
    step.run_usec = allocator_trim();
    step.has = CONTROL_STEP_HAS_RUN_USEC;
    session_answer_step(&step, CONTROL_RESULT_OK);
}

static void session_step_unknown(void)
{
    session_answer_step(&(struct control_step){0}, CONTROL_RESULT_UNSUPPORTED);
}

static void session_step(const char *name)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } steps[] = {{"collect", session_step_collect}, {"trim", session_step_trim}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (strcmp(name, steps[i].name) == 0) {
            steps[i].begin();
            return;
        }
    }
    session_step_unknown();
}

/* Go on with a run until a step needs a job or nothing is left. */
static void session_advance(uint64_t now)
{
    const struct control_run *run = &session.request.run;
    while (!session.working && session.step < run->step_count) {
        session_deadline(now, run->gil_timeout_msec);
        session_step(run->steps[session.step]);
    }
    if (!session.working)
        session_answer_done();
}

/* The job did not begin because of a fork: once more, within the same deadline. */
static void session_again(void)
{
    bool stat = session.request.type == CONTROL_STAT;
    enum control_result result = stat ? session_begin_stat() : session_begin_collect();
    if (result == CONTROL_RESULT_OK)
        return;
    if (stat)
        session_answer_stats(result);
    else
        session_answer_step(&(struct control_step){0}, result);
}

static void session_take_stats(const struct control_stats *from, const struct job_result *result)
{
    struct control_stats merged = *from; /* the job's part; malloc's part was read by us */
    const struct control_stats *malloc_part = &session.stats;
    merged.has |= malloc_part->has | CONTROL_HAS_GIL_WAIT_USEC | CONTROL_HAS_HOLD_USEC;
    merged.malloc_total_bytes = malloc_part->malloc_total_bytes;
    merged.malloc_in_use_bytes = malloc_part->malloc_in_use_bytes;
    merged.malloc_free_bytes = malloc_part->malloc_free_bytes;
    merged.malloc_keepcost_bytes = malloc_part->malloc_keepcost_bytes;
    merged.malloc_arenas = malloc_part->malloc_arenas;
    merged.malloc_usec = malloc_part->malloc_usec;
    merged.gil_wait_usec = result->gil_wait_usec;
    merged.hold_usec = result->run_usec;
    session.stats = merged;
}

static void session_on_job(const struct job_result *result, uint64_t now)
{
    if (!session.working)
        return; /* contact, or a request that was given up */
    session.working = false;
    if (result->interrupted) {
        session_again();
    } else if (session.request.type == CONTROL_STAT) {
        if (result->result == CONTROL_RESULT_OK)
            session_take_stats(&result->stats, result);
        session_answer_stats(result->result);
    } else {
        struct control_step step = {.mode = result->mode};
        if (result->result == CONTROL_RESULT_OK) {
            step.objects = result->objects;
            step.gil_wait_usec = result->gil_wait_usec;
            step.run_usec = result->run_usec;
            step.has = CONTROL_STEP_HAS_OBJECTS | CONTROL_STEP_HAS_GIL_WAIT_USEC |
                       CONTROL_STEP_HAS_RUN_USEC;
        }
        session_answer_step(&step, result->result);
    }
    if (session.active && !session.working && session.request.type == CONTROL_RUN)
        session_advance(now);
}

/* The GIL did not come: the job stays behind, cancelled, and leaves when it comes. */
static void session_check_deadline(uint64_t now)
{
    if (!session.working || now < session.deadline_usec || !job_cancel())
        return;
    session.working = false;
    if (session.request.type == CONTROL_STAT) {
        session_answer_stats(CONTROL_RESULT_GIL_TIMEOUT);
        return;
    }
    session_answer_step(&(struct control_step){.mode = session.request.run.mode},
                        CONTROL_RESULT_GIL_TIMEOUT);
    session_advance(now);
}

/* ---- requests ---- */

static void session_on_stat(const struct control_message *message, uint64_t now)
{
    if (session.active && message->stat.gc) {
        session_refuse(message->id, CONTROL_RESULT_BUSY);
        return;
    }
    struct control_stats stats = {.fork_count = atomic_load(&session.fork_count)};
    if (message->stat.malloc)
        allocator_stats(&stats);
    if (!message->stat.gc) { /* disturbs nothing, so it may overtake */
        control_encode_stats(&session.out, message->id, &stats);
        return;
    }
    session.active = true;
    session.request = *message;
    session.stats = stats;
    session_deadline(now, message->stat.gil_timeout_msec);
    enum control_result result = session_begin_stat();
    if (result != CONTROL_RESULT_OK)
        session_answer_stats(result);
}

static void session_on_run(const struct control_message *message, uint64_t now)
{
    if (session.active) {
        session_refuse(message->id, CONTROL_RESULT_BUSY);
        return;
    }
    session.active = true;
    session.request = *message;
    session.step = 0;
    session.outcome = CONTROL_RESULT_OK;
    session_advance(now);
}

/* 0, or -errno when the session is over. */
static int session_on_message(const struct control_message *message, uint64_t now)
{
    session.backoff_usec = SESSION_BACKOFF_MIN_USEC; /* whoever talks sense is our daemon */
    switch (message->type) {
    case CONTROL_STAT:
        session_on_stat(message, now);
        return 0;
    case CONTROL_RUN:
        session_on_run(message, now);
        return 0;
    case CONTROL_BYE:
        return -ESHUTDOWN;
    case CONTROL_HELLO:
    case CONTROL_STATS:
    case CONTROL_STEP:
    case CONTROL_DONE:
    case CONTROL_ERROR:
        break;
    }
    session_refuse(message->id, CONTROL_RESULT_BAD_REQUEST);
    return 0;
}

static int session_on_line(const char *line, size_t length, uint64_t now)
{
    static struct control_message message;
    switch (control_decode(line, length, &message)) {
    case CONTROL_DECODED:
        return session_on_message(&message, now);
    case CONTROL_UNKNOWN_TYPE:
        session_refuse(message.id, CONTROL_RESULT_UNSUPPORTED);
        return 0;
    case CONTROL_INVALID:
        session_refuse(message.id, CONTROL_RESULT_BAD_REQUEST);
        return 0;
    case CONTROL_MALFORMED:
        break;
    }
    return -EPROTO;
}

static int session_read_lines(uint64_t now)
{
    for (;;) {
        int r = socket_receive(&session.in);
        if (r < 0)
            return r == -EAGAIN ? 0 : r;
        char *end;
        while ((end = memchr(session.in.data, '\n', session.in.size))) {
            size_t length = (size_t)(end - session.in.data);
            r = session_on_line(session.in.data, length, now);
            if (r < 0)
                return r;
            buffer_consume(&session.in, length + 1);
            if (socket_send(&session.out) < 0)
                return -EPIPE;
            if (session.out.limit - session.out.size < SESSION_OUT_BYTES / 4)
                return -ENOBUFS;
        }
    }
}

/* ---- the turn ---- */

static void session_contact(void)
{
    if (python_wants_contact())
        job_start(&(struct job_request){.kind = JOB_CONTACT}); /* busy: next turn */
}

static uint64_t session_sooner(uint64_t usec, uint64_t other)
{
    return other < usec ? other : usec;
}

static uint64_t session_sleep_usec(enum job_state job, uint64_t now)
{
    uint64_t usec = SESSION_IDLE_USEC;
    if (!socket_is_connected())
        usec = session.retry_usec > now ? session.retry_usec - now : 0;
    if (session.out.size > 0)
        usec = session_sooner(usec, SESSION_SEND_USEC);
    if (job == JOB_UNDER_WAY || session.working)
        usec = session_sooner(usec, SESSION_JOB_USEC);
    if (python_is_supported() && !python_is_ready() && !gil_is_closed())
        usec = session_sooner(usec, now - session.started_usec < SESSION_CONTACT_FAST_USEC
                                        ? SESSION_CONTACT_USEC
                                        : SESSION_CONTACT_LATER_USEC);
    return usec;
}

uint64_t session_turn(uint64_t now)
{
    struct job_result result;
    enum job_state job = job_poll(&result);
    if (job == JOB_ENDED)
        session_on_job(&result, now);
    session_check_deadline(now);
    session_contact();
    if (!socket_is_connected())
        session_connect(now);
    if (socket_is_connected()) {
        int r = socket_send(&session.out);
        if (r == 0)
            r = session_read_lines(now);
        if (r < 0)
            session_lose(now, r == -ESHUTDOWN ? SESSION_BACKOFF_BYE_USEC : 0);
    }
    return session_sleep_usec(job, now);
}
