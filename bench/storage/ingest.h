/* SPDX-License-Identifier: MIT */
/*
 * A trace on its way through the real writer, at a simulated second a tick: one transaction each,
 * durable every ten, with a look at what is to be compacted or too old, as the daemon does. A
 * process has a row at a tick when one of its values changed, and a whole one now and then
 * (TICK_KEYFRAME), as the loop makes them. The trace begins at the first tick of an hour of tick
 * numbers.
 */
#ifndef MEMTEND_BENCH_STORAGE_INGEST_H
#define MEMTEND_BENCH_STORAGE_INGEST_H

#include "bench/storage/trace.h"
#include "bench/storage/written.h"
#include "model/tick.h"
#include "storage/store.h"

#define INGEST_DURABLE_TICKS 10   /* the daemon's 10 s */
#define INGEST_HOUR_TICKS    3600 /* what the store compacts at once */

struct ingest {
    const struct trace *trace;
    struct store *store;
    struct tick tick;
    uint64_t number;  /* of the newest tick; the store's first one is 1 */
    bool expire_more; /* the last look left something to do */
};

/* The store is new. Writes ticks without processes up to the end of an hour. */
int ingest_init(struct ingest *ingest, const struct trace *trace, struct store *store);
void ingest_finish(struct ingest *ingest);

/* One second of the trace; only the store's part is metered. */
int ingest_second(struct ingest *ingest, uint64_t second, struct meter *meter);
/* Many in one transaction, for histories of days. */
int ingest_seconds(struct ingest *ingest, uint64_t second, size_t count);
/* Ticks without a change, in one transaction that need not be durable. */
int ingest_empty(struct ingest *ingest, size_t ticks, struct meter *meter);
/* A tick at which all processes are gone. */
int ingest_end(struct ingest *ingest, struct meter *meter);

/* When the tick of a second of the trace was. */
uint64_t ingest_wall_usec(uint64_t second);
struct process_id ingest_process(size_t process);

#endif
