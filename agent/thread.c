/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include "base/clock.h"
#include "session.h"
#include "state.h"
#include "symbols.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Decoding needs 12 KiB; the rest is for what libc puts on it (static TLS, printf). */
#define THREAD_STACK_BYTES ((size_t)320 * 1024)
/* libc's join ends some microseconds before the kernel's exit does; a thread that lost its core in
 * between needs until its next turn, on a busy machine. */
#define THREAD_GONE_YIELDS 100
#define THREAD_GONE_USEC   (500 * USEC_PER_MSEC)
/* One turn takes some 50 us; on a busy machine it waits for a processor in the middle of it. One
 * that takes longer waits for what the program itself keeps locked, and a fork goes ahead, as it
 * does beside any other thread. */
#define THREAD_PARK_USEC (500 * USEC_PER_MSEC)
/* So long the program has for a signal that it got back; doubled each time that it did not take it,
 * which costs a turn. */
#define THREAD_PATIENCE_USEC     (20 * USEC_PER_MSEC)
#define THREAD_PATIENCE_MAX_USEC (1 * USEC_PER_SEC)
/* The kernel's own set, smaller than libc's. */
#define THREAD_SIGNAL_SET_BYTES 8
/* Should the call that ends a park get lost, the thread finds out by itself. */
#define THREAD_PARKED_USEC (1 * USEC_PER_SEC)

enum thread_state { THREAD_NONE, THREAD_RUNS, THREAD_ENDS };

/* Bits of thread.word; the rest counts the forks under way. */
#define THREAD_AWAKE  1u /* does something; clear: sleeps, or is on its way in or out */
#define THREAD_WAITS  2u /* in futex(): until a fork is over, or the program has had its time */
#define THREAD_PARKED 4u /* one fork */

static struct {
    atomic_flag lock;       /* over starting and stopping; never held while waiting for the GIL */
    _Atomic uint32_t word;  /* also a futex */
    _Atomic int state;      /* enum thread_state; written under the lock */
    pthread_t thread;       /* under the lock */
    uint64_t delay_usec;    /* of the thread being started */
    uint64_t patience_usec; /* the thread's own */
    _Atomic pid_t tid;
    _Atomic bool stop;
    _Atomic bool stop_sent; /* the last signal is out: now the number may die */
} thread STATE = {.lock = ATOMIC_FLAG_INIT};

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

int thread_create(pthread_t *ret_thread, void *stack, size_t stack_bytes, void *(*body)(void *))
{
    pthread_attr_t attributes;
    sigset_t all, before;
    memset(&all, 0xFF, sizeof(all));
    if (libc_.pthread_attr_init(&attributes) != 0)
        return -ENOMEM;
    if (stack)
        libc_.pthread_attr_setstack(&attributes, stack, stack_bytes);
    else
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

static int thread_kill(pid_t tid, int signal)
{
    return syscall(SYS_tgkill, getpid(), tid, signal) < 0 ? -errno : 0;
}

bool thread_is_gone(pid_t tid)
{
    return thread_kill(tid, 0) == -ESRCH;
}

void thread_join(pthread_t other, const _Atomic pid_t *tid)
{
    libc_.pthread_join(other, NULL);
    pid_t number = atomic_load(tid);
    uint64_t deadline = clock_mono_usec() + THREAD_GONE_USEC;
    for (int i = 0; number > 0 && clock_mono_usec() < deadline; i++) {
        if (thread_kill(number, 0) < 0) /* gone, or nobody can tell */
            return;
        if (i < THREAD_GONE_YIELDS)
            syscall(SYS_sched_yield);
        else
            thread_nap();
    }
}

static struct timespec thread_timespec(uint64_t usec)
{
    return (struct timespec){.tv_sec = (time_t)(usec / USEC_PER_SEC),
                             .tv_nsec = (long)(usec % USEC_PER_SEC * 1000)};
}

/* The socket's and those of this process's threads come by other ways. */
static bool thread_signal_is_foreign(const siginfo_t *info)
{
    return info->si_code == SI_QUEUE || (info->si_code == SI_USER && info->si_pid != 0);
}

static void thread_futex(int operation, uint32_t value, const struct timespec *limit)
{
    syscall(SYS_futex, &thread.word, operation, value, limit, NULL, 0);
}

/* Where no signal is waited for. Any thread. */
static void thread_wake_waiting(void)
{
    if (atomic_load(&thread.word) & THREAD_WAITS)
        thread_futex(FUTEX_WAKE_PRIVATE, 1, NULL);
}

/* Signals do not end it: the one that was given back would. */
static void thread_rest(uint64_t usec)
{
    struct timespec limit = thread_timespec(usec);
    uint32_t word = atomic_fetch_or(&thread.word, THREAD_WAITS) | THREAD_WAITS;
    if (!atomic_load(&thread.stop))
        thread_futex(FUTEX_WAIT_PRIVATE, word, &limit);
    atomic_fetch_and(&thread.word, ~THREAD_WAITS);
}

/* A program that keeps this signal blocked and waits for it gets it back, and time to take it. No
 * thread but the main one may say that it came from kill(): then it is as from sigqueue(). */
static void thread_give_back(siginfo_t *info)
{
    info->si_code = SI_QUEUE;
    syscall(SYS_rt_sigqueueinfo, getpid(), info->si_signo, info);
    thread_rest(thread.patience_usec);
    uint64_t next = 2 * thread.patience_usec;
    thread.patience_usec = next < THREAD_PATIENCE_MAX_USEC ? next : THREAD_PATIENCE_MAX_USEC;
}

static void thread_sleep(uint64_t usec)
{
    siginfo_t info;
    sigset_t wake;
    memset(&wake, 0, sizeof(wake));
    sigaddset(&wake, THREAD_SIGNAL);
    struct timespec limit = thread_timespec(usec);
    /* By syscall(): libc says of a signal of tgkill() that it came from kill(). */
    long number = syscall(SYS_rt_sigtimedwait, &wake, &info, &limit, THREAD_SIGNAL_SET_BYTES);
    if (number == THREAD_SIGNAL && thread_signal_is_foreign(&info))
        thread_give_back(&info);
    else if (number < 0) /* none is left */
        thread.patience_usec = THREAD_PATIENCE_USEC;
}

/* ---- parking ---- */

/* The thread's own way from asleep to awake, past every fork. False: it shall end. */
static bool thread_rouse(void)
{
    struct timespec limit = thread_timespec(THREAD_PARKED_USEC);
    while (!atomic_load(&thread.stop)) {
        uint32_t word = atomic_load(&thread.word);
        if (word < THREAD_PARKED) {
            if (atomic_compare_exchange_strong(&thread.word, &word, THREAD_AWAKE))
                return true;
        } else if (atomic_compare_exchange_strong(&thread.word, &word, word | THREAD_WAITS)) {
            thread_futex(FUTEX_WAIT_PRIVATE, word | THREAD_WAITS, &limit);
        }
    }
    return false;
}

static void thread_doze(void)
{
    atomic_fetch_and(&thread.word, ~THREAD_AWAKE);
}

void thread_park(void)
{
    uint64_t deadline = 0;
    atomic_fetch_add(&thread.word, THREAD_PARKED);
    for (int i = 0; atomic_load(&thread.word) & THREAD_AWAKE; i++) {
        uint64_t now = clock_mono_usec();
        if (i == 0)
            deadline = now + THREAD_PARK_USEC;
        if (now >= deadline)
            return;
        if (i < THREAD_GONE_YIELDS)
            syscall(SYS_sched_yield);
        else
            thread_nap();
    }
}

void thread_unpark(void)
{
    uint32_t word = atomic_fetch_sub(&thread.word, THREAD_PARKED) - THREAD_PARKED;
    if (word < THREAD_PARKED && word & THREAD_WAITS) {
        atomic_fetch_and(&thread.word, ~THREAD_WAITS);
        thread_futex(FUTEX_WAKE_PRIVATE, 1, NULL);
    }
}

bool thread_is_parked(void)
{
    return atomic_load(&thread.word) >= THREAD_PARKED;
}

/* ---- its life ---- */

static void *thread_main(void *unused)
{
    (void)unused;
    atomic_store(&thread.tid, (pid_t)syscall(SYS_gettid));
    /* Nothing is touched before: most children of a fork are gone again by then. */
    if (thread.delay_usec > 0 && !atomic_load(&thread.stop))
        thread_sleep(thread.delay_usec);
    if (thread_rouse()) {
        thread_set_name("memtend-agent");
        session_resume();
        uint64_t usec;
        do {
            usec = session_turn(clock_mono_usec());
            thread_doze();
            if (!atomic_load(&thread.stop))
                thread_sleep(usec);
        } while (thread_rouse());
    }
    /* A number that dies before the signal to it is sent could be somebody else's by then. */
    while (!atomic_load(&thread.stop_sent))
        syscall(SYS_sched_yield);
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
        thread_kill(tid, THREAD_SIGNAL);
    thread_wake_waiting();
}

/* Under the lock. */
static void thread_reap(void)
{
    if (atomic_load(&thread.state) != THREAD_ENDS)
        return;
    thread_join(thread.thread, &thread.tid);
    atomic_store(&thread.tid, 0);
    atomic_store(&thread.state, THREAD_NONE);
}

int thread_start(uint64_t delay_usec)
{
    int r = 0;
    thread_lock();
    thread_reap();
    if (atomic_load(&thread.state) == THREAD_NONE) {
        atomic_store(&thread.stop, false);
        atomic_store(&thread.stop_sent, false);
        atomic_store(&thread.tid, 0);
        thread.delay_usec = delay_usec;
        thread.patience_usec = THREAD_PATIENCE_USEC;
        r = thread_create(&thread.thread, NULL, THREAD_STACK_BYTES, thread_main);
        atomic_store(&thread.state, r == 0 ? THREAD_RUNS : THREAD_NONE);
    }
    thread_unlock();
    return r;
}

/* A filter of system calls may refuse the signal: then it would end when its sleep does, too late
 * for whoever waits for that. */
static bool thread_can_be_told(void)
{
    pid_t tid = thread_id();
    return tid == 0 || thread_kill(tid, 0) == 0;
}

void thread_ask_to_end(void)
{
    thread_lock();
    if (atomic_load(&thread.state) == THREAD_RUNS && thread_can_be_told()) {
        atomic_store(&thread.stop, true);
        thread_signal();
        atomic_store(&thread.stop_sent, true);
        atomic_store(&thread.state, THREAD_ENDS);
    }
    thread_unlock();
}

bool thread_is_ending(void)
{
    return atomic_load(&thread.state) == THREAD_ENDS;
}

void thread_await_end(uint64_t timeout_usec)
{
    uint64_t deadline = clock_mono_usec() + timeout_usec;
    for (int i = 0; thread_is_ending() && clock_mono_usec() < deadline; i++) {
        pid_t tid = thread_id();
        if (tid > 0 && thread_kill(tid, 0) < 0) /* gone, or nobody can tell */
            return;
        if (i < THREAD_GONE_YIELDS)
            syscall(SYS_sched_yield);
        else
            thread_nap();
    }
}

void thread_wake(void)
{
    /* Who holds the lock may be waiting for the caller to end. */
    if (atomic_flag_test_and_set(&thread.lock))
        return;
    if (atomic_load(&thread.state) == THREAD_RUNS)
        thread_signal();
    thread_unlock();
}

void thread_forget(void)
{
    atomic_flag_clear(&thread.lock);
    atomic_store(&thread.word, 0);
    atomic_store(&thread.state, THREAD_NONE);
    atomic_store(&thread.tid, 0);
}
