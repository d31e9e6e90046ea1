/* SPDX-License-Identifier: MIT */
/*
 * The agent's thread: started in the constructor, parked while the program forks, or ended for the
 * time where the interpreter counts threads; a child begins with a new one. All signals are blocked
 * in it. It sleeps in sigtimedwait() for one signal sent to this thread alone: by the
 * kernel when the socket has something (F_SETSIG), by a job that ended, by who wants it to stop. So
 * it needs no second descriptor to be woken and no signal handler.
 */
#ifndef MEMTEND_AGENT_THREAD_H
#define MEMTEND_AGENT_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of a coprocessor that Linux never knew: no program uses it, and the kernel never sends it. A
 * real-time signal would be lost when a queue of the user's is full (RLIMIT_SIGPENDING). */
#define THREAD_SIGNAL SIGSTKFLT

/* Start it unless it runs; its first act is to sleep so long. Any thread, but in no handler of
 * pthread_atfork() in the parent. 0 or -errno. */
int thread_start(uint64_t delay_usec);
/* Tell it to end, and go on; nothing where it cannot be told. Any thread but its own. */
void thread_ask_to_end(void);
bool thread_is_ending(void);
/* After that: wait until the kernel no longer counts it, at most so long. */
void thread_await_end(uint64_t timeout_usec);

/*
 * Around a fork, counted: from park to unpark the thread does nothing. It costs the program one
 * atomic addition when the thread is asleep, and no switch to it; when it is awake, park waits for
 * the end of its turn.
 */
void thread_park(void);
void thread_unpark(void);
bool thread_is_parked(void);

/* Cut its sleep short. Any thread; may do nothing while it is being stopped or started. */
void thread_wake(void);
/* In the child of a fork. Async-signal-safe. */
void thread_forget(void);
/* The agent's own number for the kernel, 0 when it does not run. */
pid_t thread_id(void);

/* A thread with all signals blocked; stack NULL: libc's own. 0 or -errno. */
int thread_create(pthread_t *ret_thread, void *stack, size_t stack_bytes, void *(*body)(void *));
/* Join, and wait until the kernel has taken the thread off the books too: `tid` is where the thread
 * stored its number. A fork that still sees it counted warns its user (CPython 3.12). */
void thread_join(pthread_t thread, const _Atomic pid_t *tid);
/* The kernel has taken it off the books; false where a filter of system calls hides that. */
bool thread_is_gone(pid_t tid);
void thread_set_name(const char *name); /* of the calling thread */

#endif
