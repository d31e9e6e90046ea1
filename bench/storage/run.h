/* SPDX-License-Identifier: MIT */
/*
 * One trace through one store: hours of ticks in seconds, then the quiet hour in which the store
 * seals and compacts what it has, then the questions. Prints its lines; ends the program when the
 * store fails.
 */
#ifndef MEMTEND_BENCH_STORAGE_RUN_H
#define MEMTEND_BENCH_STORAGE_RUN_H

#include "bench/storage/trace.h"

#include <stdbool.h>

/* `seconds` 0: the trace once; more: over and over so long, many ticks in one transaction, which
 * says nothing about the cost of ingest. What comes back is compared with `expected`, of the same
 * size. false: a value came back as another, or not at all. */
bool run_trace(const struct trace *trace, const struct trace *expected, const char *directory,
               uint64_t seconds);

#endif
