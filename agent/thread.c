/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include "base/clock.h"
#include "job.h"
#include "session.h"
#include "symbols.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Decoding needs 12 KiB; the rest is for what libc puts on it (static TLS, printf). */
#define THREAD_STACK_BYTES ((size_t)320 * 1024)
/* A finaliser that never ends must not keep a fork from happening. */
#define THREAD_SETTLE_USEC (1 * USEC_PER_SEC)
/* libc's join ends some microseconds before the kernel's exit does; preempted, it may be longer. */
#define THREAD_GONE_YIELDS 100
#define THREAD_GONE_TRIES  300

static struct {
    atomic_flag lock; /* over starting and stopping; never held while waiting for the GIL */
    bool running;     /* under the lock */
    pthread_t thread; /* under the lock */
    _Atomic pid_t tid;
    _Atomic bool stop;
    _Atomic bool stop_sent; /* the last signal is out: now the number may die */
} thread = {.lock = ATOMIC_FLAG_INIT};

static void thread_nap(void)
{
    struct timespec nap = {.tv_nsec = 50 * 1000L};
    nanosleep(&nap, NULL);
}

static void thread_lock(void)
{
    while (atomic_flag_test_and_set(&thread.lock))
        thread_nap();
}

static void thread_unlock(void)
{
    atomic_flag_clear(&thread.lock);
}

void thread_set_name(const char *name)
{
    syscall(SYS_prctl, PR_SET_NAME, name, 0, 0, 0);
}

int thread_create(pthread_t *ret_thread, size_t stack_bytes, void *(*body)(void *))
{
    pthread_attr_t attributes;
    sigset_t all, before;
    memset(&all, 0xFF, sizeof(all));
    if (libc_.pthread_attr_init(&attributes) != 0)
        return -ENOMEM;
    libc_.pthread_attr_setstacksize(&attributes, stack_bytes);
    libc_.pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = libc_.pthread_create(ret_thread, &attributes, body, NULL);
    /* The static TLS of a program's libraries lies on the stack and may be larger than ours. */
    if (error == EINVAL)
        error = libc_.pthread_create(ret_thread, NULL, body, NULL);
    libc_.pthread_sigmask(SIG_SETMASK, &before, NULL);
    libc_.pthread_attr_destroy(&attributes);
    return -error;
}

void thread_join(pthread_t other, const _Atomic pid_t *tid)
{
    libc_.pthread_join(other, NULL);
    pid_t number = atomic_load(tid);
    for (int i = 0; i < THREAD_GONE_TRIES && number > 0; i++) {
        if (syscall(SYS_tgkill, getpid(), number, 0) < 0)
            return;
        if (i < THREAD_GONE_YIELDS)
            syscall(SYS_sched_yield);
        else
            thread_nap();
    }
}

static void thread_sleep(uint64_t usec)
{
    sigset_t wake;
    memset(&wake, 0, sizeof(wake));
    sigaddset(&wake, THREAD_SIGNAL);
    struct timespec limit = {.tv_sec = (time_t)(usec / USEC_PER_SEC),
                             .tv_nsec = (long)(usec % USEC_PER_SEC * 1000)};
    /* Several signals may wait; what they announce is read once. */
    while (sigtimedwait(&wake, NULL, &limit) == THREAD_SIGNAL)
        limit = (struct timespec){0};
}

static void *thread_main(void *unused)
{
    (void)unused;
    atomic_store(&thread.tid, (pid_t)syscall(SYS_gettid));
    thread_set_name("memtend-agent");
    session_resume();
    while (!atomic_load(&thread.stop)) {
        uint64_t usec = session_turn(clock_mono_usec());
        if (!atomic_load(&thread.stop))
            thread_sleep(usec);
    }
    /* A number that dies before the signal to it is sent could be somebody else's by then. */
    while (!atomic_load(&thread.stop_sent))
        thread_nap();
    return NULL;
}

pid_t thread_id(void)
{
    return atomic_load(&thread.tid);
}

static void thread_signal(void)
{
    pid_t tid = thread_id();
    if (tid > 0)
        syscall(SYS_tgkill, getpid(), tid, THREAD_SIGNAL);
}

int thread_start(void)
{
    int r = 0;
    thread_lock();
    if (!thread.running) {
        atomic_store(&thread.stop, false);
        atomic_store(&thread.stop_sent, false);
        atomic_store(&thread.tid, 0);
        r = thread_create(&thread.thread, THREAD_STACK_BYTES, thread_main);
        thread.running = r == 0;
    }
    thread_unlock();
    return r;
}

void thread_stop(void)
{
    thread_lock();
    if (thread.running) {
        atomic_store(&thread.stop, true);
        thread_signal();
        atomic_store(&thread.stop_sent, true);
        thread_join(thread.thread, &thread.tid);
        thread.running = false;
        atomic_store(&thread.tid, 0);
    }
    job_settle(THREAD_SETTLE_USEC);
    thread_unlock();
}

void thread_wake(void)
{
    /* Who holds the lock may be waiting for the caller to end. */
    if (atomic_flag_test_and_set(&thread.lock))
        return;
    if (thread.running)
        thread_signal();
    thread_unlock();
}

void thread_forget(void)
{
    atomic_flag_clear(&thread.lock);
    thread.running = false;
    atomic_store(&thread.tid, 0);
}
