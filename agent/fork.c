/* SPDX-License-Identifier: MIT */
#include "fork.h"

#include "approach.h"
#include "base/clock.h"
#include "contact.h"
#include "gil.h"
#include "hooks.h"
#include "job.h"
#include "mark.h"
#include "python.h"
#include "session.h"
#include "socket.h"
#include "state.h"
#include "symbols.h"
#include "thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Most children of fork call exec or exit within some ms: they get their thread, but it sleeps. */
#define FORK_CHILD_DELAY_USEC (100 * USEC_PER_MSEC)
/* A finaliser that never ends must not keep a fork from happening. */
#define FORK_LEAVE_USEC (1 * USEC_PER_SEC)
/* C code forks without the GIL (uWSGI): long enough for most collections, too short to be felt
 * where another thread of the program keeps the GIL and a job waits for it in vain. */
#define FORK_OUTSIDE_USEC (200 * USEC_PER_MSEC)
/* It ends some 20 us after it is told to; on a busy machine it must wait for its turn. */
#define FORK_GONE_USEC (500 * USEC_PER_MSEC)

static struct {
    _Atomic pid_t announcer; /* the thread that is in os.fork() */
    /* Announced and not over yet: contact may be made, and its hooks with it, in the middle of an
     * os.fork() that then only says that it is over. */
    _Atomic int announced;
    /* The thread that forks with the GIL, by its errno, whose address the child keeps. */
    int *_Atomic owner;
} forks STATE;

static pid_t fork_thread(void)
{
    return (pid_t)syscall(SYS_gettid);
}

static bool fork_is_announced(void)
{
    return atomic_load(&forks.announcer) == fork_thread();
}

static void fork_begin(void)
{
    gil_pause();
    thread_park();
}

/* One that a fork has waited for in vain, because a finaliser does not end, delays no other. */
static uint64_t fork_patience(uint64_t usec)
{
    return job_is_overdue() ? 0 : usec;
}

/* GIL held: a job that waits for it must get it to leave. */
static void fork_clear_interpreter(void)
{
    if (!job_is_mine()) {
        job_cancel();
        gil_wait_for_leave(fork_patience(FORK_LEAVE_USEC));
    }
}

static int fork_restart(void *unused)
{
    (void)unused;
    if (!thread_is_parked())
        thread_start(0);
    return 0;
}

static void fork_end(void)
{
    gil_resume();
    thread_unpark();
}

/* ---- announced ---- */

/* Every thread of ours ends; the job's may have to be waited for. */
static void fork_leave_alone(void)
{
    thread_ask_to_end();
    if (!job_exists() || job_is_mine())
        return;
    void *saved = python_api.save_thread();
    job_settle(fork_patience(FORK_LEAVE_USEC));
    python_api.restore_thread(saved);
}

void fork_announced(void)
{
    fork_begin();
    fork_clear_interpreter();
    if (python_version() >= PYTHON_3_12)
        fork_leave_alone();
    atomic_fetch_add(&forks.announced, 1);
    atomic_store(&forks.announcer, fork_thread());
}

/* From the main thread's next bytecode on: the interpreter has counted its threads by then. Where
 * another thread forks the main one may sleep for long, and the warning is deserved anyway. */
static void fork_restart_soon(void)
{
    if (getpid() != fork_thread() || python_api.add_pending_call(fork_restart, NULL) != 0)
        fork_restart(NULL);
}

/* GIL held. */
void fork_over_in_parent(void)
{
    if (atomic_load(&forks.announced) == 0)
        return;
    atomic_fetch_sub(&forks.announced, 1);
    atomic_store(&forks.announcer, 0);
    fork_end();
    if (!thread_is_ending())
        return;
    if (python_version() >= PYTHON_3_13) /* counts after this hook; 3.12 has counted */
        fork_restart_soon();
    else
        fork_restart(NULL);
}

void fork_over_in_child(void)
{
    gil_trust(contact_is_made() || python_version() >= PYTHON_3_7);
    if (!gil_is_closed())
        thread_start(FORK_CHILD_DELAY_USEC);
}

/* ---- every fork ---- */

/* os.fork() before it could announce itself, in the first statements of a program: it will count.
 */
static bool fork_is_early(void)
{
    return python_version() >= PYTHON_3_12 && !contact_is_made() && !python_is_late();
}

/* A job in the interpreter would leave its marks on the child's GIL: locked for ever, or with a
 * waiter that does not exist there. */
static void fork_clear_unannounced(bool ours)
{
    if (!ours) {
        job_cancel();
        if (!job_is_mine())
            gil_await_leave(fork_patience(FORK_OUTSIDE_USEC));
    } else if (contact_is_made() || python_version() < PYTHON_3_12 ||
               (python_is_late() && python_version() < PYTHON_3_13)) {
        /* From 3.13 an os.fork() that is not announced holds a lock that leaving needs. There is no
         * job before contact, or hardly ever. */
        fork_clear_interpreter();
    }
}

/* Is there an interpreter whose forks concern us? A late one that we have no contact with may have
 * been unloaded. */
static bool fork_has_python(void)
{
    if (!python_is_supported())
        return false;
    return python_is_late() ? contact_is_made() && !gil_is_closed() : python_api.is_initialized();
}

static void fork_prepare(void)
{
    int saved = errno;
    fork_begin();
    bool inside = python_is_supported() && gil_is_inside();
    /* Where a job waits in it the interpreter is not unloaded: uWSGI without threads keeps the GIL,
     * so there is no contact, and forks. */
    bool ours = (fork_has_python() || (inside && job_lives())) && python_is_ours();
    if (inside && !fork_is_announced())
        fork_clear_unannounced(ours);
    if (ours) /* not before: waiting lets the GIL go, and others fork */
        atomic_store(&forks.owner, &errno);
    if (ours && fork_is_early())
        thread_ask_to_end();
    errno = saved;
}

static void fork_in_parent(void)
{
    int saved = errno;
    int *owner = &errno;
    atomic_compare_exchange_strong(&forks.owner, &owner, NULL);
    session_on_fork();
    if (thread_is_ending())
        thread_await_end(FORK_GONE_USEC);
    fork_end();
    /* Not here: an allocator may still hold its locks for the fork. */
    if (thread_is_ending() && !thread_is_parked())
        python_api.add_pending_call(fork_restart, NULL);
    errno = saved;
}

static int fork_child_lives(void *unused)
{
    (void)unused;
    fork_over_in_child();
    return 0;
}

/* With Python the thread is started when the interpreter has repaired itself, which its hook tells
 * (3.7), or the first bytecode that runs after it. A child that C code forked from a thread without
 * the GIL stays inert, unless Python is a guest in a C program: such a child may go on for long
 * before it runs any Python, and serves malloc until then (approach.c). */
static void fork_start_child(void)
{
    bool python = fork_has_python();
    bool hooked = contact_is_made() && python_version() >= PYTHON_3_7;
    /* Nothing here may ask whose the GIL is: in 2.7 that takes a lock which a thread that does not
     * exist any more may hold. */
    bool ours = atomic_load(&forks.owner) == &errno;
    if (!python || python_is_late())
        thread_start(FORK_CHILD_DELAY_USEC);
    if (!python)
        return;
    gil_trust(false);
    if ((!hooked || python_is_late()) && ours)
        python_api.add_pending_call(fork_child_lives, NULL);
}

static void fork_in_child(void)
{
    int saved = errno;
    atomic_store(&forks.announcer, 0);
    atomic_store(&forks.announced, 0);
    socket_close();
    thread_forget();
    job_forget();
    gil_forget();
    approach_forget();
    hooks_forget();
    mark_forget();
    session_on_forked(0);
    fork_start_child();
    atomic_store(&forks.owner, NULL);
    errno = saved;
}

int fork_register(void)
{
    return -libc_.register_atfork(fork_prepare, fork_in_parent, fork_in_child, NULL);
}
