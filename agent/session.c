/* SPDX-License-Identifier: MIT */
#include "session.h"

#include "allocator.h"
#include "approach.h"
#include "base/clock.h"
#include "base/text.h"
#include "census.h"
#include "contact.h"
#include "gil.h"
#include "hooks.h"
#include "job.h"
#include "mark.h"
#include "pools.h"
#include "python.h"
#include "request.h"
#include "socket.h"
#include "state.h"
#include "thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A daemon that restarts is back within seconds, however slow its disk: for a minute each agent
 * looks about once a second. One that is away for good costs two tries a minute. */
#define SESSION_BACKOFF_MIN_USEC  (20 * USEC_PER_MSEC)
#define SESSION_BACKOFF_SOON_USEC (1 * USEC_PER_SEC)
#define SESSION_BACKOFF_MAX_USEC  (30 * USEC_PER_SEC)
#define SESSION_SOON_USEC         (60 * USEC_PER_SEC)
/* A daemon that said bye means it. */
#define SESSION_BACKOFF_BYE_USEC (1 * USEC_PER_SEC)
/* A descriptor that the program closed gives no sign: look this often. */
#define SESSION_IDLE_USEC (1 * USEC_PER_SEC)
/* While a job is under way its end may go unannounced (a fork at that moment). */
#define SESSION_JOB_USEC (10 * USEC_PER_MSEC)
/* The daemon does not read: try again. */
#define SESSION_SEND_USEC (100 * USEC_PER_MSEC)
/* An allocator is asked again after so long. */
#define SESSION_ASK_USEC (1 * USEC_PER_MSEC)
/* Constructors end within milliseconds; an allocator that says nothing longer stays unknown. */
#define SESSION_ALLOCATOR_USEC (500 * USEC_PER_MSEC)
/* A run of eight steps answers nine lines of 200 bytes, a census 41 of up to 1 KiB; more than that
 * unread is a daemon that hangs, and the connection is given up. */
#define SESSION_OUT_BYTES (64 * 1024)
/* A daemon asks a few questions a second. One that does nothing else gets so many answers, then the
 * thread sleeps: a fork waits for the end of its turn. */
#define SESSION_LINES_MAX 64
#define SESSION_REST_USEC (10 * USEC_PER_MSEC)

static struct {
    const struct settings *settings;
    struct buffer in, out;
    uint64_t started_usec;
    uint64_t retry_usec; /* when to connect again */
    uint64_t rest_usec;  /* nothing is read until then */
    uint64_t backoff_usec;
    uint64_t away_usec; /* since when there is no daemon */
    _Atomic uint64_t fork_count;
    pid_t pid;
    pid_t fork_parent;      /* 0: not forked since exec */
    bool said_bye;          /* on this connection */
    _Atomic bool announce;  /* what hello says has changed */
    _Atomic bool connected; /* for other threads */
    _Atomic bool naming;    /* somebody is at the name; held for a copy of 64 bytes */
    char name[CONTROL_NAME_SIZE];
} session STATE;

static char session_in[CONTROL_LINE_MAX_BYTES];
static char session_out[SESSION_OUT_BYTES];

static void session_reset(void)
{
    buffer_init_over(&session.in, session_in, sizeof(session_in));
    buffer_init_over(&session.out, session_out, sizeof(session_out));
    session.said_bye = false;
    session.rest_usec = 0;
    request_forget();
}

void session_init(const struct settings *settings)
{
    session.settings = settings;
    session.pid = getpid();
    session.backoff_usec = SESSION_BACKOFF_MIN_USEC;
    session.started_usec = clock_mono_usec();
    if (settings->name[0]) /* else one that the program has given itself before it started us */
        text_copy(session.name, sizeof(session.name), settings->name);
    request_init(&session.out);
    socket_init();
    census_allow(settings->census);
    session_reset();
}

const struct settings *session_settings(void)
{
    return session.settings;
}

/* ---- what the program says of itself ---- */

static void session_name_lock(void)
{
    struct timespec nap = {.tv_nsec = 1000};
    while (atomic_exchange(&session.naming, true))
        nanosleep(&nap, NULL);
}

static void session_copy_name(char ret_name[static CONTROL_NAME_SIZE])
{
    session_name_lock();
    text_copy(ret_name, CONTROL_NAME_SIZE, session.name);
    atomic_store(&session.naming, false);
}

void session_rename(const char *name)
{
    session_name_lock();
    text_copy(session.name, sizeof(session.name), name);
    atomic_store(&session.naming, false);
    session_announce();
}

void session_announce(void)
{
    atomic_store(&session.announce, true);
    thread_wake();
}

bool session_is_connected(void)
{
    return atomic_load(&session.connected);
}

/* ---- forks ---- */

uint64_t session_fork_count(void)
{
    return atomic_load(&session.fork_count);
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
    atomic_store(&session.naming, false);
    atomic_store(&session.connected, false);
    session.backoff_usec = SESSION_BACKOFF_MIN_USEC;
    session.retry_usec = clock_mono_usec() + delay_usec;
    session_reset();
}

/* ---- the connection ---- */

static uint64_t session_sooner(uint64_t usec, uint64_t other)
{
    return other < usec ? other : usec;
}

/* Everything under way is forgotten: the daemon does the same. */
static void session_lose(uint64_t now, uint64_t at_least_usec)
{
    socket_close();
    session_reset();
    job_cancel();
    if (session.backoff_usec == SESSION_BACKOFF_MIN_USEC)
        session.away_usec = now;
    uint64_t most = now - session.away_usec < SESSION_SOON_USEC ? SESSION_BACKOFF_SOON_USEC
                                                                : SESSION_BACKOFF_MAX_USEC;
    uint64_t wait = session.backoff_usec > at_least_usec ? session.backoff_usec : at_least_usec;
    session.backoff_usec = session_sooner(wait * 2, most);
    /* 75 to 125 %, so that the agents of one host do not come back all at once. The multiplier
     * spreads neighbouring pids and instants (Knuth's golden ratio hash). */
    uint64_t mix = ((now ^ (uint64_t)session.pid) * UINT64_C(0x9E3779B97F4A7C15)) >> 32;
    session.retry_usec = now + wait * 3 / 4 + mix % (wait / 2 + 1);
}

static int session_hello(void)
{
    atomic_store(&session.announce, false); /* before what it announces is read */
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
    if (python_can_freeze())
        hello.capabilities |= CONTROL_CAN_FREEZE;
    if (census_is_possible())
        hello.capabilities |= CONTROL_CAN_CENSUS;
    if (hooks_count() > 0)
        hello.capabilities |= CONTROL_CAN_HOOKS;
    if (pools_can_be_read())
        hello.capabilities |= CONTROL_CAN_POOLS;
    session_copy_name(hello.name);
    text_copy(hello.runtime, sizeof(hello.runtime), python_runtime());
    if (python_is_supported())
        text_copy(hello.interpreter, sizeof(hello.interpreter), "main");
    text_copy(hello.allocator, sizeof(hello.allocator), allocator_name());
    return control_encode_hello(&session.out, &hello);
}

static void session_connect(uint64_t now)
{
    if (now < session.retry_usec)
        return;
    /* The first line names it: wait for one that its own constructor has yet to set up. */
    if (!allocator_identify() && now - session.started_usec < SESSION_ALLOCATOR_USEC) {
        session.retry_usec = now + SESSION_ASK_USEC;
        return;
    }
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

/* ---- lines ---- */

/* 0, or -errno when the session is over. */
static int session_on_message(const struct control_message *message, uint64_t now)
{
    session.backoff_usec = SESSION_BACKOFF_MIN_USEC; /* whoever talks sense is our daemon */
    switch (message->type) {
    case CONTROL_STAT:
    case CONTROL_RUN:
    case CONTROL_CENSUS:
        request_on_message(message, now);
        return 0;
    case CONTROL_BYE:
        return -ESHUTDOWN;
    case CONTROL_HELLO:
    case CONTROL_STATS:
    case CONTROL_STEP:
    case CONTROL_DONE:
    case CONTROL_FINDING:
    case CONTROL_CENSUSED:
    case CONTROL_MARK:
    case CONTROL_ERROR:
        break;
    }
    request_refuse(message->id, CONTROL_RESULT_BAD_REQUEST);
    return 0;
}

static int session_on_line(const char *line, size_t length, uint64_t now)
{
    static struct control_message message;
    switch (control_decode(line, length, &message)) {
    case CONTROL_DECODED:
        return session_on_message(&message, now);
    case CONTROL_UNKNOWN_TYPE:
        request_refuse(message.id, CONTROL_RESULT_UNSUPPORTED);
        return 0;
    case CONTROL_INVALID:
        request_refuse(message.id, CONTROL_RESULT_BAD_REQUEST);
        return 0;
    case CONTROL_MALFORMED:
        break;
    }
    return -EPROTO;
}

static int session_read_lines(uint64_t now)
{
    if (now < session.rest_usec)
        return 0;
    for (unsigned lines = 0;;) {
        char *end;
        while ((end = memchr(session.in.data, '\n', session.in.size))) {
            size_t length = (size_t)(end - session.in.data);
            if (lines++ == SESSION_LINES_MAX) {
                session.rest_usec = now + SESSION_REST_USEC;
                return 0;
            }
            int r = session_on_line(session.in.data, length, now);
            if (r < 0)
                return r;
            buffer_consume(&session.in, length + 1);
            if (socket_send(&session.out) < 0)
                return -EPIPE;
            if (session.out.limit - session.out.size < SESSION_OUT_BYTES / 4)
                return -ENOBUFS;
        }
        int r = socket_receive(&session.in);
        if (r < 0)
            return r == -EAGAIN ? 0 : r;
    }
}

/* ---- the turn ---- */

static void session_say_changes(uint64_t now)
{
    if (atomic_load(&session.announce) && session_hello() < 0)
        atomic_store(&session.announce, true); /* no room: the next turn */
    /* Marks wait while the daemon does not read. */
    if (session.out.size == 0)
        mark_tell(&session.out, now);
}

/* The program is about to end; until it does, malloc is still served to a daemon that stays. */
static void session_say_bye(void)
{
    if (!gil_is_closed() || session.said_bye || request_is_active())
        return;
    session.said_bye = true;
    control_encode_bye(&session.out, "exit");
}

static uint64_t session_sleep_usec(enum job_state job, uint64_t now)
{
    uint64_t usec = SESSION_IDLE_USEC;
    if (!socket_is_connected())
        usec = session.retry_usec > now ? session.retry_usec - now : 0;
    if (session.out.size > 0)
        usec = session_sooner(usec, SESSION_SEND_USEC);
    if (session.rest_usec > now)
        usec = session_sooner(usec, session.rest_usec - now);
    if (job == JOB_UNDER_WAY)
        usec = session_sooner(usec, SESSION_JOB_USEC);
    usec = session_sooner(usec, approach_sleep_usec(now));
    return usec;
}

uint64_t session_turn(uint64_t now)
{
    enum job_state job = request_turn(now);
    approach_turn(now);
    if (!socket_is_connected())
        session_connect(now);
    if (!socket_is_connected()) {
        mark_discard();
    } else {
        session_say_changes(now);
        session_say_bye();
        int r = socket_send(&session.out);
        if (r == 0)
            r = session_read_lines(now);
        if (r < 0)
            session_lose(now, r == -ESHUTDOWN ? SESSION_BACKOFF_BYE_USEC : 0);
    }
    atomic_store(&session.connected, socket_is_connected());
    /* A request that has just come has a deadline, too. */
    return session_sleep_usec(request_is_active() ? JOB_UNDER_WAY : job, now);
}
