/* SPDX-License-Identifier: MIT */
/*
 * /proc/vmstat into the host's sample: faults, swap traffic, OOM kills, all since boot. What could
 * not be read is taken out of the sample. Any thread.
 */
#ifndef MEMTEND_COLLECT_VMSTAT_H
#define MEMTEND_COLLECT_VMSTAT_H

#include "collect/outcome.h"
#include "model/sample.h"

enum outcome vmstat_read(int proc, uint64_t mono_usec, struct sample *host);
/* The bytes of the file; pure. OUTCOME_MALFORMED when it does not look like one. */
enum outcome vmstat_parse(const char *text, size_t length, uint64_t mono_usec, struct sample *host);

#endif
