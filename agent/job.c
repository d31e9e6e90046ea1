/* SPDX-License-Identifier: MIT */
#include "job.h"

#include "base/clock.h"
#include "gil.h"
#include "state.h"
#include "thread.h"
#include "work.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Finalisers run here and may recurse as deep as on any Python thread: the size CPython's own
 * recursion limits are made for. Only touched pages cost memory. */
#define JOB_STACK_BYTES ((size_t)8 * 1024 * 1024)
#define JOB_GUARD_BYTES ((size_t)64 * 1024) /* the largest page of the architectures we know */
/* How often a job looks whether the main thread has done its work. */
#define JOB_LOOK_USEC 500

enum job_phase { PHASE_IDLE, PHASE_WAITING, PHASE_CLAIMED, PHASE_COMPLETED, PHASE_CANCELLED };

static struct {
    _Atomic uint64_t state; /* ticket << 8 | phase: both change in one step */
    _Atomic bool ended;     /* the thread touches nothing of ours any more but its stack */
    _Atomic pid_t tid;
    pthread_t thread;
    void *stack;          /* libc would keep it, and every fork would copy its map */
    _Atomic bool exists;  /* has a thread that nobody joined yet */
    _Atomic bool overdue; /* was waited for in vain */
    _Atomic bool joining; /* now; who forks does not always find the agent's thread parked */
    bool reported;
    struct job_request request;
    struct job_result result;
} job STATE = {.reported = true};

static uint64_t job_state_of(uint64_t ticket, enum job_phase phase)
{
    return ticket << 8 | phase;
}

static uint64_t job_ticket(void)
{
    return atomic_load(&job.state) >> 8;
}

static bool job_move(uint64_t ticket, enum job_phase from, enum job_phase to)
{
    uint64_t expected = job_state_of(ticket, from);
    return atomic_compare_exchange_strong(&job.state, &expected, job_state_of(ticket, to));
}

static void *job_main(void *unused)
{
    (void)unused;
    atomic_store(&job.tid, (pid_t)syscall(SYS_gettid));
    thread_set_name("memtend-job");
    work_do(&job.request, job_ticket(), &job.result);
    atomic_store(&job.ended, true);
    thread_wake();
    return NULL;
}

static void job_stack_free(void)
{
    if (job.stack)
        syscall(SYS_munmap, job.stack, JOB_STACK_BYTES);
    job.stack = NULL;
}

/* Its lowest page stays out of bounds. */
static int job_stack_new(void)
{
    long address = syscall(SYS_mmap, NULL, JOB_STACK_BYTES, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, (off_t)0);
    if (address == -1)
        return -errno;
    memcpy(&job.stack, &address, sizeof(job.stack));
    if (syscall(SYS_mprotect, (char *)job.stack + JOB_GUARD_BYTES,
                JOB_STACK_BYTES - JOB_GUARD_BYTES, PROT_READ | PROT_WRITE) < 0) {
        int r = -errno;
        job_stack_free();
        return r;
    }
    return 0;
}

int job_start(const struct job_request *request)
{
    if (job.exists || !job.reported || thread_is_parked())
        return -EBUSY;
    uint64_t ticket = job_ticket() + 1;
    job.request = *request;
    job.result = (struct job_result){.mode = request->mode};
    if (request->stats)
        job.result.stats = *request->stats;
    atomic_store(&job.ended, false);
    atomic_store(&job.overdue, false);
    atomic_store(&job.tid, 0);
    atomic_store(&job.state, job_state_of(ticket, PHASE_WAITING));
    int r = job_stack_new();
    if (r == 0)
        r = thread_create(&job.thread, job.stack, JOB_STACK_BYTES, job_main);
    if (r < 0) {
        job_stack_free();
        atomic_store(&job.state, job_state_of(ticket, PHASE_IDLE));
        return r;
    }
    job.exists = true;
    job.reported = false;
    return 0;
}

/* CPython up to 3.13 ends a thread that asks for the GIL when there is none any more. */
static bool job_was_ended(void)
{
    pid_t tid = atomic_load(&job.tid);
    return tid > 0 && thread_is_gone(tid);
}

/* joining is held. */
static void job_join_claimed(void)
{
    bool ended = atomic_load(&job.ended);
    if (!job.exists || (!ended && !job_was_ended()))
        return;
    thread_join(job.thread, &job.tid);
    job_stack_free();
    if (!ended && !atomic_load(&job.ended)) {
        gil_abandon();
        job.result.result = CONTROL_RESULT_CLOSING;
    }
    job.exists = false;
}

static void job_join(void)
{
    if (!job.exists || atomic_exchange(&job.joining, true))
        return;
    job_join_claimed();
    atomic_store(&job.joining, false);
}

enum job_state job_poll(struct job_result *ret_result)
{
    job_join();
    if (job.reported)
        return JOB_NONE;
    if (job.exists)
        return JOB_UNDER_WAY;
    job.reported = true;
    *ret_result = job.result;
    return JOB_ENDED;
}

bool job_cancel(void)
{
    return job_move(job_ticket(), PHASE_WAITING, PHASE_CANCELLED);
}

static void job_pause(void)
{
    struct timespec pause = {.tv_nsec = JOB_LOOK_USEC * 1000L};
    nanosleep(&pause, NULL);
}

bool job_is_mine(void)
{
    return job.exists && !atomic_load(&job.ended) &&
           atomic_load(&job.tid) == (pid_t)syscall(SYS_gettid);
}

bool job_exists(void)
{
    return job.exists;
}

bool job_lives(void)
{
    return job.exists && !atomic_load(&job.ended) && !job_was_ended();
}

void job_settle(uint64_t timeout_usec)
{
    if (job_is_mine())
        return;
    uint64_t deadline = clock_mono_usec() + timeout_usec;
    for (job_join(); job.exists && clock_mono_usec() < deadline; job_join())
        job_pause();
    if (job.exists)
        job_is_late();
}

void job_is_late(void)
{
    atomic_store(&job.overdue, true);
}

bool job_is_overdue(void)
{
    return job.exists && atomic_load(&job.overdue);
}

/* A finaliser has forked: the child goes on living here. */
static bool job_stack_is_in_use(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), stack = (uintptr_t)job.stack;
    return job.stack && here - stack < JOB_STACK_BYTES;
}

void job_forget(void)
{
    atomic_store(&job.state, job_state_of(job_ticket() + 1, PHASE_IDLE));
    if (job_stack_is_in_use())
        job.stack = NULL;
    else
        job_stack_free();
    job.exists = false;
    atomic_store(&job.joining, false);
    job.reported = true;
}

bool job_claim(uint64_t ticket)
{
    return job_move(ticket, PHASE_WAITING, PHASE_CLAIMED);
}

void job_put_back(uint64_t ticket)
{
    job_move(ticket, PHASE_CLAIMED, PHASE_WAITING);
}

void job_completed(uint64_t ticket)
{
    job_move(ticket, PHASE_CLAIMED, PHASE_COMPLETED);
}

bool job_await(uint64_t ticket)
{
    for (;;) {
        uint64_t state = atomic_load(&job.state);
        if (state == job_state_of(ticket, PHASE_COMPLETED))
            return true;
        if (state != job_state_of(ticket, PHASE_WAITING) &&
            state != job_state_of(ticket, PHASE_CLAIMED))
            return false;
        job_pause();
    }
}
