/* SPDX-License-Identifier: MIT */
/*
 * /proc/pressure/memory (PSI) into the host's sample: how much time is lost waiting for memory.
 * OUTCOME_ABSENT on kernels without it or booted with psi=0. What could not be read is taken
 * out of the sample. Any thread.
 */
#ifndef MEMTEND_COLLECT_PRESSURE_H
#define MEMTEND_COLLECT_PRESSURE_H

#include "collect/outcome.h"
#include "model/sample.h"

#include <stdbool.h>
#include <stddef.h>

/* Shares of time in permyriad, over the last 10 s and 60 s. */
struct pressure {
    int64_t some[2], full[2];
};

/* Both lines of such a file, of the host or of a control group; pure. false: not whole. */
bool pressure_shares(const char *text, size_t length, struct pressure *ret_pressure);

enum outcome pressure_read(int proc, uint64_t mono_usec, struct sample *host);
/* The bytes of the file; pure. OUTCOME_MALFORMED unless both lines are whole. */
enum outcome pressure_parse(const char *text, size_t length, uint64_t mono_usec,
                            struct sample *host);

#endif
