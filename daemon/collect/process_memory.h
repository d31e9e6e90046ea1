/* SPDX-License-Identifier: MIT */
/*
 * Small pieces out of the memory of a process, many at a call, without stopping it. Every piece
 * takes the mmap lock of the process: keep the calls apart. Only pages that PID/pagemap calls
 * present are to be read. Needs the same uid or CAP_SYS_PTRACE (and with Yama the latter). Any
 * thread.
 */
#ifndef MEMTEND_COLLECT_PROCESS_MEMORY_H
#define MEMTEND_COLLECT_PROCESS_MEMORY_H

#include "collect/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Pieces of a call. Measured with a pause of 0.5 ms between calls: the worst stall of a process
 * that maps and unmaps is 1.9 ms; 1,024 without pause held it up for 13 ms. */
#define PROCESS_MEMORY_PIECES 256

/*
 * Piece i is `size` bytes at addresses[i] and goes to bytes + i * size, ret_read[i] says whether
 * it could be read: a piece that was unmapped meanwhile does not end the others. At most
 * PROCESS_MEMORY_PIECES. OUTCOME_OK also when none could.
 */
enum outcome process_memory_read(pid_t pid, const uint64_t *addresses, size_t count, size_t size,
                                 unsigned char *bytes, bool *ret_read);

#endif
