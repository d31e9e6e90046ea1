/* SPDX-License-Identifier: MIT */
/*
 * How far a command is, in one line of stderr: only on a terminal, and only when it takes longer
 * than a second.
 */
#ifndef MEMTEND_CLI_PROGRESS_H
#define MEMTEND_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool terminal, shown;
    uint64_t next_usec; /* monotonic */
};

void progress_begin(struct progress *progress);
/* Cheap when it is not time yet. */
bool progress_is_due(struct progress *progress);
/* "WHAT 42 %", 0 to 1. */
void progress_show(struct progress *progress, const char *what, double share);
void progress_end(struct progress *progress); /* the line goes */

#endif
