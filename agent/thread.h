/* SPDX-License-Identifier: MIT */
/*
 * The agent's thread: started in the constructor, stopped before a fork and started again after
 * it. All signals are blocked in it. It sleeps in sigtimedwait() for one real-time signal sent to
 * this thread alone: by the kernel when the socket has something (F_SETSIG), by a job that ended,
 * by who wants it to stop. So it needs no second descriptor to be woken and no signal handler.
 */
#ifndef MEMTEND_AGENT_THREAD_H
#define MEMTEND_AGENT_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Not SIGRTMIN..+15, which programs like to use, nor the last one, which valgrind uses. */
#define THREAD_SIGNAL 57

/* Start it unless it runs. Any thread. 0 or -errno. */
int thread_start(void);
/* Stop and join it, and settle the job. Any thread but the agent's own, GIL not held. */
void thread_stop(void);
/* Cut its sleep short. Any thread; may do nothing while it is being stopped or started. */
void thread_wake(void);
/* In the child of a fork. Async-signal-safe. */
void thread_forget(void);
/* The agent's own number for the kernel, 0 when it does not run. */
pid_t thread_id(void);

/* A thread with all signals blocked. 0 or -errno. */
int thread_create(pthread_t *ret_thread, size_t stack_bytes, void *(*body)(void *));
/* Join, and wait until the kernel has taken the thread off the books too: `tid` is where the thread
 * stored its number. A fork that still sees it counted warns its user (CPython 3.12). */
void thread_join(pthread_t thread, const _Atomic pid_t *tid);
void thread_set_name(const char *name); /* of the calling thread */

#endif
