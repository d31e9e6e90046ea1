/* SPDX-License-Identifier: MIT */
#include "bench/storage/trace.h"

#include "base/cleanup.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const struct {
    enum metric metric;
    int64_t scale; /* unit of the trace to the unit of the store */
} trace_columns[TRACE_METRICS] = {
    {METRIC_RSS, 1024},  {METRIC_ANON, 1024}, {METRIC_FILE, 1024},       {METRIC_SHMEM, 1024},
    {METRIC_SWAP, 1024}, {METRIC_PSS, 1024},  {METRIC_HEAP_TOTAL, 1024}, {METRIC_MAJOR_FAULTS, 1},
};

enum metric trace_metric(size_t index)
{
    return trace_columns[index].metric;
}

static int64_t trace_raw(const struct trace *trace, size_t process, size_t index, uint64_t second)
{
    size_t series = process * trace->metrics + index;
    return (int64_t)le64toh((uint64_t)trace->values[series * trace->seconds + second]);
}

int64_t trace_value(const struct trace *trace, size_t process, size_t index, uint64_t second)
{
    return trace_raw(trace, process, index, second % trace->seconds) * trace_columns[index].scale;
}

static size_t trace_bytes(const struct trace *trace)
{
    return trace->processes * trace->metrics * trace->seconds * sizeof(int64_t);
}

static int trace_check(const struct trace *trace, const char *path, struct error *error)
{
    for (size_t process = 0; process < trace->processes; process++)
        for (size_t index = 0; index < trace->metrics; index++)
            for (uint64_t second = 0; second < trace->seconds; second++) {
                int64_t value = trace_raw(trace, process, index, second);
                int64_t limit = INT64_MAX / trace_columns[index].scale;
                if (value > limit || value < -limit)
                    return error_set(error, -ERANGE,
                                     "%s: process %zu, metric %zu, second %llu: %lld KiB are more "
                                     "bytes than 64 bits hold",
                                     path, process, index, (unsigned long long)second,
                                     (long long)value);
            }
    return 0;
}

static int trace_map(const char *path, struct trace *trace, struct error *error)
{
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    size_t expected = trace_bytes(trace);
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != expected)
        return error_set(error, -EINVAL,
                         "%s: %lld bytes; %zu processes, %zu metrics and %zu seconds are %zu", path,
                         (long long)status.st_size, trace->processes, trace->metrics,
                         trace->seconds, expected);
    void *values = mmap(NULL, expected, PROT_READ, MAP_PRIVATE, fd, 0);
    if (values == MAP_FAILED)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    trace->values = values;
    return 0;
}

int trace_open(const char *path, size_t processes, size_t metrics, size_t seconds,
               struct trace *ret_trace, struct error *error)
{
    struct trace trace = {.processes = processes, .metrics = metrics, .seconds = seconds};
    int r = trace_map(path, &trace, error);
    if (r < 0)
        return r;
    r = trace_check(&trace, path, error);
    if (r < 0) {
        trace_close(&trace);
        return r;
    }
    *ret_trace = trace;
    return 0;
}

void trace_close(struct trace *trace)
{
    munmap((void *)(uintptr_t)trace->values, trace_bytes(trace));
    trace->values = NULL;
}

double trace_changed_percent(const struct trace *trace)
{
    uint64_t changed = 0;
    for (size_t process = 0; process < trace->processes; process++)
        for (size_t index = 0; index < trace->metrics; index++)
            for (uint64_t second = 1; second < trace->seconds; second++)
                changed += trace_raw(trace, process, index, second) !=
                           trace_raw(trace, process, index, second - 1);
    uint64_t steps = trace->processes * trace->metrics * (trace->seconds - 1);
    return steps > 0 ? 100.0 * (double)changed / (double)steps : 0;
}
