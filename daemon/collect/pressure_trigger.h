/* SPDX-License-Identifier: MIT */
/*
 * A trigger on /proc/pressure/memory: the kernel wakes us (POLLPRI) when tasks waited for memory
 * for `stall` of a `window`, at most once a window. Windows that are no multiple of 2 s take
 * CAP_SYS_RESOURCE, and before Linux 6.4 any does. Any thread.
 */
#ifndef MEMTEND_COLLECT_PRESSURE_TRIGGER_H
#define MEMTEND_COLLECT_PRESSURE_TRIGGER_H

#include <stdbool.h>
#include <stdint.h>

struct pressure_trigger {
    bool full; /* all tasks waited, else some did */
    uint64_t stall_usec, window_usec;
};

/* A descriptor that the caller closes, which ends the trigger; or -errno. */
int pressure_trigger_open(int proc, const struct pressure_trigger *trigger, int *ret_fd);

#endif
