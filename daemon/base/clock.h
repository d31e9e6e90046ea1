/* SPDX-License-Identifier: MIT */
/*
 * Time in microseconds. mono = CLOCK_MONOTONIC (rules, ticks, deadlines), wall = CLOCK_REALTIME
 * (shown to people, stored beside mono). Pure code takes `now` as an argument instead of calling
 * this. Any thread.
 */
#ifndef MEMTEND_BASE_CLOCK_H
#define MEMTEND_BASE_CLOCK_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)

#define CLOCK_RFC3339_SIZE 32

uint64_t clock_mono_usec(void);
uint64_t clock_wall_usec(void);
/* CPU time of the whole process. */
uint64_t clock_cpu_usec(void);
/* CPU time of the calling thread. */
uint64_t clock_thread_usec(void);
/* CPU time of another thread of ours that has not been joined; 0 when the kernel does not say. */
uint64_t clock_of_thread_usec(pthread_t thread);

/* 0 to 1439 by the clock on the wall of this machine's time zone (TZ, /etc/localtime), as it is
 * when the process first asks; -1: the C library cannot tell. */
int clock_minute_of_day(uint64_t wall_usec);

/* "2026-11-22T10:41:18.123Z" (RFC 3339, UTC, milliseconds). */
void clock_format_rfc3339(uint64_t wall_usec, char ret_text[static CLOCK_RFC3339_SIZE]);
/* Accepts RFC 3339 with Z or a numeric offset, and whole unix seconds. -EINVAL otherwise. */
int clock_parse_rfc3339(const char *text, uint64_t *ret_wall_usec);

#endif
