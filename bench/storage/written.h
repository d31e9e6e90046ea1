/* SPDX-License-Identifier: MIT */
/*
 * CPU time and bytes written between two moments. SQLite's own write calls are counted, by putting
 * a counter into the table of system calls of its Unix layer: that is exact, does not depend on
 * when the kernel writes back, and works on tmpfs. Beside it stands what the kernel counted
 * (write_bytes of /proc/self/io), which is 0 where no disk is below. One thread.
 */
#ifndef MEMTEND_BENCH_STORAGE_WRITTEN_H
#define MEMTEND_BENCH_STORAGE_WRITTEN_H

#include <stddef.h>
#include <stdint.h>

struct meter {
    uint64_t cpu_nsec, written_bytes, kernel_bytes;
    size_t ticks;
    struct {
        uint64_t cpu_nsec, written_bytes, kernel_bytes;
    } begun;
};

/* Before any database is opened. -ENOTSUP when SQLite has no such table. */
int written_install(void);

void meter_begin(struct meter *meter);
/* Adds what went since meter_begin(). */
void meter_end(struct meter *meter, size_t ticks);

#endif
