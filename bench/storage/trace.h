/* SPDX-License-Identifier: MIT */
/*
 * A recorded or made trace: little-endian int64 in the order [process][metric][second], mapped
 * read-only. Its metrics are rss, anon, file, shmem, swap, pss, vsize in KiB and cpu in ms, the
 * last a counter. The store keeps no vsize and no CPU time, so these two go where numbers of the
 * same nature are kept: heap.total (bytes) and faults.major (a counter).
 */
#ifndef MEMTEND_BENCH_STORAGE_TRACE_H
#define MEMTEND_BENCH_STORAGE_TRACE_H

#include "base/error.h"
#include "model/metric.h"

#include <stdint.h>

#define TRACE_METRICS         8
#define TRACE_PROCESSES_LIMIT 20000                 /* twice what is promised */
#define TRACE_SECONDS_LIMIT   (INT64_C(31) * 86400) /* longer than any query asks for */

struct trace {
    size_t processes, metrics, seconds;
    const int64_t *values;
};

/* -EINVAL when the size does not fit, -ERANGE for a value that has no place as bytes. */
int trace_open(const char *path, size_t processes, size_t metrics, size_t seconds,
               struct trace *ret_trace, struct error *error);
void trace_close(struct trace *trace);

enum metric trace_metric(size_t index);
/* In the unit of the store. Seconds past the end begin again: the trace repeats. */
int64_t trace_value(const struct trace *trace, size_t process, size_t index, uint64_t second);
/* Of all samples but each series' first, those that differ from the one before: percent. */
double trace_changed_percent(const struct trace *trace);

#endif
