/* SPDX-License-Identifier: MIT */
/*
 * /proc/meminfo into the host's sample. What could not be read is taken out of the sample.
 * Any thread.
 */
#ifndef MEMTEND_COLLECT_MEMINFO_H
#define MEMTEND_COLLECT_MEMINFO_H

#include "collect/outcome.h"
#include "model/sample.h"

enum outcome meminfo_read(int proc, uint64_t mono_usec, struct sample *host);
/* The bytes of the file; pure. OUTCOME_MALFORMED when it does not look like one. */
enum outcome meminfo_parse(const char *text, size_t length, uint64_t mono_usec,
                           struct sample *host);

#endif
