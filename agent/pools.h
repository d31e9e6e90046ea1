/* SPDX-License-Identifier: MIT */
/*
 * The pools of pymalloc in this very process, read the way the daemon's probe reads them from
 * outside: by their heads, without the GIL, without a lock, without a hook in the interpreter.
 * What changes under the reader may be counted as it was or as it will be.
 *
 * It needs files under /proc. They are opened in a descriptor table of the job's own thread, so
 * the program's numbers stay as they are and nothing it closes or duplicates can meet ours. Needs
 * Linux 5.9 (close_range); job's thread.
 */
#ifndef MEMTEND_AGENT_POOLS_H
#define MEMTEND_AGENT_POOLS_H

#include "job.h"

#include <stdbool.h>

/* Constructor. */
void pools_identify(void);
bool pools_can_be_read(void);
/* Fills result->stats: py_* but py_blocks. Ends early, with py_partial, for a fork or at exit. */
void pools_stat(const struct job_request *request, struct job_result *result);

#endif
