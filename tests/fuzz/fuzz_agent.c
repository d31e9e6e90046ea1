/* SPDX-License-Identifier: MIT */
/*
 * Any bytes from a daemon, at the agent's end: session.c and request.c of the agent over a socket,
 * a job and an interpreter that are played here. Bytes from 0xf8 on are no data but what happens
 * then: see on_command(). What must hold whatever comes: every line the agent says can be read by
 * the daemon's decoder, no request is answered to its end more often than it was made, no step is
 * reported that was not asked for, at most one job exists, and a lost connection ends all of it.
 */
#include "allocator.h"
#include "approach.h"
#include "base/clock.h"
#include "census.h"
#include "contact.h"
#include "gil.h"
#include "hooks.h"
#include "job.h"
#include "mark.h"
#include "pools.h"
#include "python.h"
#include "session.h"
#include "socket.h"
#include "thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static struct {
    const uint8_t *data; /* not read yet */
    size_t size;
    bool connected, stuck; /* stuck: the daemon does not read */
    bool python, closing;
    bool job_exists, job_cancelled, job_ended;
    struct job_request job;
    enum job_state last_job;
    size_t lines, endings; /* lines that came in, answers that end a request */
    size_t steps, steps_asked;
    uint64_t now_usec;
} fake;

/* ---- what the agent says, as the daemon reads it ---- */

static void on_said(const char *line, size_t length)
{
    struct control_message message;
    CHECK(control_decode(line, length, &message) == CONTROL_DECODED);
    switch (message.type) {
    case CONTROL_STATS:
    case CONTROL_DONE:
    case CONTROL_CENSUSED:
    case CONTROL_ERROR:
        CHECK(++fake.endings <= fake.lines);
        break;
    case CONTROL_STEP:
        CHECK(++fake.steps <= fake.steps_asked);
        break;
    case CONTROL_HELLO:
    case CONTROL_FINDING:
    case CONTROL_MARK:
    case CONTROL_BYE:
        break;
    case CONTROL_STAT:
    case CONTROL_RUN:
    case CONTROL_CENSUS:
        abort(); /* only the daemon asks */
    }
}

/* ---- the socket ---- */

void socket_init(void)
{
}

int socket_connect(const struct settings *settings)
{
    (void)settings;
    fake.connected = true;
    return 0;
}

bool socket_is_connected(void)
{
    return fake.connected;
}

int socket_notify(pid_t thread, int signal)
{
    (void)thread, (void)signal;
    return fake.connected ? 0 : -EBADF;
}

int socket_receive(struct buffer *into)
{
    size_t room = into->limit - into->size;
    CHECK(fake.connected);
    if (room == 0)
        return -ENOBUFS;
    size_t count = fake.size < room ? fake.size : room;
    if (count == 0)
        return -EAGAIN;
    memcpy(into->data + into->size, fake.data, count);
    buffer_grown(into, count);
    fake.data += count;
    fake.size -= count;
    return 0;
}

int socket_send(struct buffer *from)
{
    CHECK(fake.connected);
    while (from->size > 0 && !fake.stuck) {
        const char *end = memchr(from->data, '\n', from->size);
        CHECK(end);
        size_t length = (size_t)(end - from->data);
        on_said(from->data, length);
        buffer_consume(from, length + 1);
    }
    return 0;
}

void socket_close(void)
{
    fake.connected = false;
    fake.stuck = false;
    /* What was on its way is lost with it. */
    fake.size = 0;
}

/* ---- the job ---- */

int job_start(const struct job_request *request)
{
    if (fake.job_exists)
        return -EBUSY;
    fake.job_exists = true;
    fake.job_ended = fake.job_cancelled = false;
    fake.job = *request;
    return 0;
}

enum job_state job_poll(struct job_result *ret_result)
{
    if (!fake.job_exists)
        return JOB_NONE;
    if (!fake.job_ended && !fake.job_cancelled)
        return JOB_UNDER_WAY;
    fake.job_exists = false;
    *ret_result = (struct job_result){
        .result = fake.job_cancelled ? CONTROL_RESULT_GIL_TIMEOUT : CONTROL_RESULT_OK,
        .interrupted = fake.job_ended && fake.now_usec % 3 == 0,
        .mode = fake.job.mode,
        .objects = fake.now_usec % 1000,
        .run_usec = 1,
    };
    if (fake.job.stats)
        ret_result->stats = *fake.job.stats;
    return JOB_ENDED;
}

bool job_cancel(void)
{
    bool waiting = fake.job_exists && !fake.job_ended && !fake.job_cancelled;
    if (waiting)
        fake.job_cancelled = true;
    return waiting;
}

bool job_exists(void)
{
    return fake.job_exists;
}

/* ---- the program ---- */

bool python_is_supported(void)
{
    return fake.python;
}

bool python_can_freeze(void)
{
    return fake.python;
}

const char *python_runtime(void)
{
    return fake.python ? "cpython 3.13.0" : "";
}

bool gil_is_closed(void)
{
    return fake.closing;
}

bool contact_is_made(void)
{
    return fake.python;
}

void census_allow(bool allowed)
{
    (void)allowed;
}

bool census_is_possible(void)
{
    return fake.python;
}

const struct control_finding *census_findings(size_t *ret_count)
{
    /* As many and as long as there may be, of bytes that must be escaped. */
    static struct control_finding findings[CONTROL_FINDINGS_MAX];
    for (size_t i = 0; i < CONTROL_FINDINGS_MAX; i++) {
        memset(findings[i].path, '"', sizeof(findings[i].path) - 1);
        memset(findings[i].type, '\\', sizeof(findings[i].type) - 1);
        memset(findings[i].text, 'x', sizeof(findings[i].text) - 1);
        findings[i].kind = CONTROL_FINDING_CONTAINER;
    }
    *ret_count = CONTROL_FINDINGS_MAX;
    return findings;
}

size_t hooks_count(void)
{
    return 1;
}

bool hooks_have_python(void)
{
    return fake.python;
}

bool pools_can_be_read(void)
{
    return true;
}

void mark_tell(struct buffer *out, uint64_t now_usec)
{
    (void)out, (void)now_usec;
}

void mark_discard(void)
{
}

bool allocator_identify(void)
{
    return true;
}

const char *allocator_name(void)
{
    return "glibc 2.36";
}

uint32_t allocator_capabilities(void)
{
    return CONTROL_CAN_MALLOC | CONTROL_CAN_TRIM;
}

void allocator_stats(struct control_stats *stats)
{
    stats->malloc_total_bytes = 1;
    stats->has |= CONTROL_HAS_MALLOC_TOTAL;
}

enum control_result allocator_trim(uint64_t *ret_usec)
{
    *ret_usec = 1;
    return CONTROL_RESULT_OK;
}

bool allocator_trim_is_per_thread(void)
{
    return fake.now_usec % 2;
}

void approach_turn(uint64_t now_usec)
{
    (void)now_usec;
}

uint64_t approach_sleep_usec(uint64_t now_usec)
{
    (void)now_usec;
    return UINT64_MAX;
}

pid_t thread_id(void)
{
    return 1;
}

void thread_wake(void)
{
}

/* ---- the input ---- */

static void turn(void)
{
    uint64_t usec = session_turn(fake.now_usec);
    CHECK(usec <= USEC_PER_SEC * 38); /* the longest back-off and its jitter */
}

static void on_command(uint8_t command)
{
    switch (command) {
    case 0xff: /* the job ends */
        fake.job_ended = fake.job_exists && !fake.job_cancelled;
        break;
    case 0xfe: /* the GIL does not come */
        fake.now_usec += 11 * USEC_PER_SEC;
        break;
    case 0xfd: /* the daemon reads no more, or again */
        fake.stuck = fake.connected && !fake.stuck;
        break;
    case 0xfc: /* the program begins to end */
        fake.closing = true;
        break;
    case 0xfb: /* the program has forked: this is the child */
        socket_close();
        fake.job_exists = false;
        session_on_forked(0);
        break;
    case 0xfa: /* Python has come */
        fake.python = true;
        session_announce();
        break;
    default: /* a little time */
        fake.now_usec++;
        break;
    }
    turn();
}

static void feed(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] == '\n')
            fake.lines++;
    fake.steps_asked = fake.lines * CONTROL_STEPS_MAX;
    fake.data = data;
    fake.size = size;
    turn();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings settings;
    memset(&fake, 0, sizeof(fake));
    fake.now_usec = clock_mono_usec() + USEC_PER_SEC;
    session_init(&settings);
    session_on_forked(0);
    turn();
    size_t begin = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && data[i] < 0xf8)
            continue;
        feed(data + begin, i - begin);
        if (i < size)
            on_command(data[i]);
        begin = i + 1;
    }
    socket_close();
    turn();
    return 0;
}
