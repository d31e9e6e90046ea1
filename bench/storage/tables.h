/* SPDX-License-Identifier: MIT */
/*
 * The same trace in plain SQLite tables, as one would write them without thinking of blocks: a row
 * for each value ("narrow"), or for each process and second ("wide"). Every second of every series
 * is stored, one commit each ten seconds.
 */
#ifndef MEMTEND_BENCH_STORAGE_TABLES_H
#define MEMTEND_BENCH_STORAGE_TABLES_H

#include "bench/storage/trace.h"

/* Ends after limit_sec with what was stored by then, and says how much that is. -EINVAL: no such
 * layout. */
int tables_run(const char *layout, const struct trace *trace, const char *directory,
               unsigned limit_sec);

#endif
